-- name: user_get :one
-- args: id application, id user
-- row:  user
-- scope: global: a user belongs to an application, not to one account
SELECT id, application_id, email, username, name, role, is_active,
    CASE WHEN is_active THEN 'active' ELSE 'disabled' END AS status,
    active_account_id, last_login_at, created_at, updated_at
FROM app_user
WHERE application_id = $1 AND id = $2;

-- The users of an application, by id.
-- name: user_list :many
-- args: id application, text? role, bool? is_active, id after, int skip,
-- args: int most
-- row:  user
-- scope: global: a user belongs to an application, not to one account
SELECT id, application_id, email, username, name, role, is_active,
    CASE WHEN is_active THEN 'active' ELSE 'disabled' END AS status,
    active_account_id, last_login_at, created_at, updated_at
FROM app_user
WHERE application_id = $1 AND id > $4
AND ($2::text IS NULL OR role = $2) AND ($3::boolean IS NULL OR is_active = $3)
ORDER BY id
LIMIT $6 OFFSET $5;

-- The same, counted; stops at 10,001.
-- name: user_count :value
-- args: id application, text? role, bool? is_active
-- value: int
-- scope: global: a user belongs to an application, not to one account
SELECT count(*) FROM (
	SELECT FROM app_user
	WHERE application_id = $1
	AND ($2::text IS NULL OR role = $2)
	AND ($3::boolean IS NULL OR is_active = $3)
	LIMIT 10001) AS capped;

-- The mail accounts of a user's own, in this account; of others row-level
-- security shows none.
-- name: user_imap_list :many
-- args: account account, id user
-- row:  user_imap
SELECT id, email_address AS email, host AS imap_host
FROM credential
WHERE account_id = $1 AND user_id = $2 AND provider_kind = 'imap'
ORDER BY id
LIMIT 1000;

-- name: user_make :value
-- args: id application, text? email, text name, text? password_hash, text role,
-- args: bool is_active
-- value: int
-- scope: global: a user belongs to an application, not to one account
INSERT INTO app_user (application_id, email, name, password_hash, role,
    is_active)
VALUES ($1, $2, $3, $4, $5, $6) RETURNING id;

-- One that is to be changed in this transaction.
-- name: user_lock :one
-- args: id application, id user
-- row:  user
-- scope: global: a user belongs to an application, not to one account
SELECT id, application_id, email, username, name, role, is_active,
    CASE WHEN is_active THEN 'active' ELSE 'disabled' END AS status,
    active_account_id, last_login_at, created_at, updated_at
FROM app_user
WHERE application_id = $1 AND id = $2
FOR UPDATE;

-- name: user_change :must
-- args: id application, id user, text? email, text name, text role,
-- args: bool is_active
-- scope: global: a user belongs to an application, not to one account
UPDATE app_user SET email = $3, name = $4, role = $5, is_active = $6,
    updated_at = now()
WHERE application_id = $1 AND id = $2;

-- name: user_remove :must
-- args: id application, id user
-- scope: global: a user belongs to an application, not to one account
DELETE FROM app_user WHERE application_id = $1 AND id = $2;

-- RC_CONFLICT: the application would have no admin any more, or (`is_gone`) an
-- account no owner. Those who count are held until the transaction ends.
-- name: user_spare :exec
-- args: id user, bool is_gone
-- scope: global: admins are the application's, owners those of any account
SELECT user_spare($1, $2);
