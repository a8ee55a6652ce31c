-- OAuth clients of an account. What a secret is compared with is never read
-- here.
-- name: client_list :many
-- args: account account, id after, int skip, int most
-- row:  client
SELECT number, id, application_id, account_id, name, redirect_uris, role,
    is_public, is_app_admin, is_active, created_at
FROM client
WHERE account_id = $1 AND number > $2
ORDER BY number
LIMIT $4 OFFSET $3;

-- The same, counted; stops at 10,001.
-- name: client_count :value
-- args: account account
-- value: int
SELECT count(*) FROM (
	SELECT FROM client WHERE account_id = $1 LIMIT 10001) AS capped;

-- name: client_by_number :one
-- args: account account, id number
-- row:  client
SELECT number, id, application_id, account_id, name, redirect_uris, role,
    is_public, is_app_admin, is_active, created_at
FROM client
WHERE account_id = $1 AND number = $2;

-- name: client_get :one
-- args: account account, text name
-- row:  client
SELECT number, id, application_id, account_id, name, redirect_uris, role,
    is_public, is_app_admin, is_active, created_at
FROM client
WHERE account_id = $1 AND id = $2;

-- One that is to be changed in this transaction.
-- name: client_lock :one
-- args: account account, text name
-- row:  client
SELECT number, id, application_id, account_id, name, redirect_uris, role,
    is_public, is_app_admin, is_active, created_at
FROM client
WHERE account_id = $1 AND id = $2
FOR UPDATE;

-- name: client_make :value
-- args: account account, id application, text id, text name, bytes secret_hash,
-- args: texts redirect_uris, text role, bool is_app_admin, bool is_active
-- value: int
INSERT INTO client (account_id, application_id, id, name, secret_hash,
    redirect_uris, role, is_app_admin, is_active)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING number;

-- name: client_change :must
-- args: account account, text id, text name, texts redirect_uris, text role,
-- args: bool is_app_admin, bool is_active
UPDATE client SET name = $3, redirect_uris = $4, role = $5, is_app_admin = $6,
    is_active = $7
WHERE account_id = $1 AND id = $2;

-- name: client_secret_set :must
-- args: account account, text id, bytes secret_hash
UPDATE client SET secret_hash = $3
WHERE account_id = $1 AND id = $2;

-- name: client_remove :must
-- args: account account, text id
DELETE FROM client WHERE account_id = $1 AND id = $2;

-- Whose public clients have a redirect address of that origin: application and
-- account (0: any of it) in turn.
-- name: client_origin :value
-- args: text origin
-- value: ids
-- scope: global: a preflight has no caller
SELECT scope_origin($1);
