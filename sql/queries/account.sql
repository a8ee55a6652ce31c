-- What a user may do in an account now; no row: nothing.
-- name: rights_in :maybe
-- args: id application, id account, id user
-- row:  rights
-- scope: global: asks for an account that is not the caller's present one
SELECT role, is_admin, version FROM rights_of($1, $2, $3);

-- The accounts a caller can reach, by id: all for an admin, the client's own
-- for a machine (`user` 0), else those of the memberships.
-- name: account_reachable :many
-- args: id application, id user, bool is_admin, id own, text? words,
-- args: id after, int skip, int most, text role
-- row:  account
-- scope: global: tells the caller which accounts there are for them
SELECT a.id, a.id AS account_id, a.application_id, a.parent_account_id, a.name,
    a.status, r.role, json_build_object('user_id', 'uid_' || nullif($2, 0),
    'role', r.role) AS membership, a.created_at, a.updated_at
FROM account a
LEFT JOIN membership m ON m.account_id = a.id AND m.user_id = $2,
LATERAL (SELECT CASE WHEN $3 THEN 'owner' ELSE coalesce(m.role, $9) END) r (role)
WHERE a.application_id = $1 AND a.id > $6
AND ($3 OR m.user_id IS NOT NULL OR ($2 = 0 AND a.id = $4))
AND ($5::text IS NULL OR position(lower($5) IN lower(a.name)) > 0)
ORDER BY a.id
LIMIT $8 OFFSET $7;

-- The same, counted; stops at 10,001.
-- name: account_reachable_count :value
-- args: id application, id user, bool is_admin, id own, text? words
-- value: int
-- scope: global: tells the caller which accounts there are for them
SELECT count(*) FROM (
	SELECT FROM account a
	LEFT JOIN membership m ON m.account_id = a.id AND m.user_id = $2
	WHERE a.application_id = $1
	AND ($3 OR m.user_id IS NOT NULL OR ($2 = 0 AND a.id = $4))
	AND ($5::text IS NULL OR position(lower($5) IN lower(a.name)) > 0)
	LIMIT 10001) AS capped;

-- The caller's own account.
-- name: account_get :one
-- args: account account, id application, int user, text role
-- row:  account
SELECT id, id AS account_id, application_id, parent_account_id, name, status,
    $4 AS role, json_build_object('user_id', 'uid_' || nullif($3, 0),
    'role', $4) AS membership, created_at, updated_at
FROM account
WHERE id = $1 AND application_id = $2;

-- A child of the caller's account, read by its owner.
-- name: account_child_get :maybe
-- args: account parent, id application, id child
-- row:  account
SELECT id, id AS account_id, application_id, parent_account_id, name, status,
    created_at, updated_at
FROM account
WHERE parent_account_id = $1 AND application_id = $2 AND id = $3;
