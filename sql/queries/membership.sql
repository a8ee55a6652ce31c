-- Who belongs to an account; `words` is looked for in address, name and role.
-- name: membership_list :many
-- args: account account, text? words, id after, int skip, int most
-- row:  membership
SELECT m.id, m.account_id, m.user_id, m.role, u.email, u.name, u.is_active,
    m.created_at, m.updated_at
FROM membership m
JOIN app_user u ON u.application_id = m.application_id AND u.id = m.user_id
WHERE m.account_id = $1 AND m.id > $3
AND ($2::text IS NULL
    OR position(lower($2) IN lower(u.email || ' ' || u.name || ' ' || m.role)) > 0)
ORDER BY m.id
LIMIT $5 OFFSET $4;

-- The same, counted; stops at 10,001.
-- name: membership_count :value
-- args: account account, text? words
-- value: int
SELECT count(*) FROM (
	SELECT FROM membership m
	JOIN app_user u ON u.application_id = m.application_id
	    AND u.id = m.user_id
	WHERE m.account_id = $1
	AND ($2::text IS NULL OR
	    position(lower($2) IN lower(u.email || ' ' || u.name || ' ' || m.role)) > 0)
	LIMIT 10001) AS capped;

-- The accounts that a user is a member of.
-- name: membership_of_user :many
-- args: id application, id user
-- row:  membership
-- scope: global: tells a user about the memberships of their own
SELECT m.id, m.account_id, a.name AS account_name, m.user_id, m.role,
    m.created_at, m.updated_at
FROM membership m
JOIN account a ON a.application_id = m.application_id AND a.id = m.account_id
WHERE m.application_id = $1 AND m.user_id = $2
ORDER BY m.id
LIMIT 1000;
