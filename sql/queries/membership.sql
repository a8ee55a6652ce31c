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
    OR position(lower($2) IN lower(concat_ws(' ', u.email, u.name, m.role))) > 0)
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
	    position(lower($2) IN lower(concat_ws(' ', u.email, u.name, m.role))) > 0)
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
WHERE m.application_id = $1 AND m.user_id = $2 AND a.status <> 'deleting'
ORDER BY m.id
LIMIT 1000;

-- name: membership_get :one
-- args: account account, id id
-- row:  membership
SELECT m.id, m.account_id, m.user_id, m.role, u.email, u.name, u.is_active,
    m.created_at, m.updated_at
FROM membership m
JOIN app_user u ON u.application_id = m.application_id AND u.id = m.user_id
WHERE m.account_id = $1 AND m.id = $2;

-- One that is to be changed in this transaction.
-- name: membership_lock :one
-- args: account account, id id
-- row:  membership
SELECT id, account_id, user_id, role, created_at, updated_at
FROM membership
WHERE account_id = $1 AND id = $2
FOR UPDATE;

-- The account's owners who can act, held until the transaction ends: of two who
-- demote each other, the second sees what the first has done.
-- name: membership_owners :many
-- args: account account
-- row:  membership
SELECT m.id, m.account_id, m.user_id, m.role
FROM membership m
JOIN app_user u ON u.application_id = m.application_id AND u.id = m.user_id
WHERE m.account_id = $1 AND m.role = 'owner' AND u.is_active
ORDER BY m.id
FOR UPDATE OF m;

-- A user of the application by id or address, for an owner who takes them in;
-- 0: there is none.
-- name: member_to_be :value
-- args: id? user, text? email
-- value: int
-- scope: global: they are no member yet; the function asks who may
SELECT coalesce(member_to_be($1, $2), 0);

-- RC_CONFLICT: a member already.
-- name: membership_add :value
-- args: account account, id application, id user, text role
-- value: int
INSERT INTO membership (account_id, application_id, user_id, role)
VALUES ($1, $2, $3, $4) RETURNING id;

-- name: membership_set_role :must
-- args: account account, id id, text role
UPDATE membership SET role = $3, updated_at = now()
WHERE account_id = $1 AND id = $2;

-- name: membership_remove :must
-- args: account account, id id
DELETE FROM membership WHERE account_id = $1 AND id = $2;
