-- What a user may do in an account now; no row: nothing.
-- name: rights_in :maybe
-- args: id application, id account, id user
-- row:  rights
-- scope: global: asks for an account that is not the caller's present one
SELECT role, is_admin, version FROM rights_of($1, $2, $3);

-- The caller goes on in this account of theirs; no row: they may not enter it.
-- name: account_switch :maybe
-- args: id account_to
-- row:  rights
-- scope: global: it is not the caller's present account
SELECT role, is_admin, version FROM door_account_switch($1);

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
WHERE a.application_id = $1 AND a.id > $6 AND a.status <> 'deleting'
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
	WHERE a.application_id = $1 AND a.status <> 'deleting'
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
WHERE parent_account_id = $1 AND application_id = $2 AND id = $3
AND status <> 'deleting';

-- The children of the caller's account that they may see, by id.
-- name: account_children :many
-- args: account parent, id application, id user, id after, int skip, int most
-- row:  account
SELECT a.id, a.id AS account_id, a.application_id, a.parent_account_id, a.name,
    a.status, m.role, a.created_at, a.updated_at
FROM account a
LEFT JOIN membership m ON m.account_id = a.id AND m.user_id = $3
WHERE a.parent_account_id = $1 AND a.application_id = $2 AND a.id > $4
AND a.status <> 'deleting'
ORDER BY a.id
LIMIT $6 OFFSET $5;

-- The same, counted; stops at 10,001.
-- name: account_children_count :value
-- args: account parent, id application
-- value: int
SELECT count(*) FROM (
	SELECT FROM account
	WHERE parent_account_id = $1 AND application_id = $2
	AND status <> 'deleting'
	LIMIT 10001) AS capped;

-- A root account, or a child of the caller's; an admin's of any.
-- name: account_make :value
-- args: id? parent, text name
-- value: int
-- scope: global: it has no account yet; the function asks who may
SELECT account_make($1, $2);

-- The one that was just made, as its maker sees it.
-- name: account_made :one
-- args: id application, id id, int user
-- row:  account
-- scope: global: it is not the caller's present account
SELECT a.id, a.id AS account_id, a.application_id, a.parent_account_id, a.name,
    a.status, m.role, CASE WHEN m.user_id IS NOT NULL THEN
    json_build_object('user_id', 'uid_' || m.user_id, 'role', m.role) END
    AS membership, a.created_at, a.updated_at
FROM account a
LEFT JOIN membership m ON m.account_id = a.id AND m.user_id = $3
WHERE a.application_id = $1 AND a.id = $2;

-- name: account_rename :must
-- args: account account, text name
UPDATE account SET name = $2, updated_at = now()
WHERE account.id = $1;

-- Out of reach from the commit on. RC_CONFLICT: it has children.
-- name: account_close :exec
-- args: account account
SELECT account_close($1);

-- Some rows of an account that is closed; how many, 0: nothing of note is left.
-- name: account_remove_some :value
-- args: account account, id job, int4 most
-- value: int
SELECT account_remove_some($1, $2, $3);

-- The account itself, and with it the job that asks. RC_RETRY: it has a child
-- that is being removed.
-- name: account_remove_last :exec
-- args: account account
SELECT account_remove_last($1);
