-- Signatures of a user in an account, nobody else's; see domain/signature.h.

-- name: signature_list :many
-- args: account account, int user
-- row:  signature
SELECT id, name, body_text, body_html, is_default, created_at, updated_at
FROM signature WHERE account_id = $1 AND user_id = $2 ORDER BY lower(name), id;

-- name: signature_get :one
-- args: account account, int user, id id
-- row:  signature
SELECT id, name, body_text, body_html, is_default, created_at, updated_at
FROM signature WHERE account_id = $1 AND user_id = $2 AND id = $3;

-- name: signature_lock :one
-- args: account account, int user, id id
-- row:  signature
SELECT id, name, body_text, body_html, is_default, created_at, updated_at
FROM signature WHERE account_id = $1 AND user_id = $2 AND id = $3 FOR UPDATE;

-- Changes of one account's go one by one: they are counted, and one is the
-- default.
-- name: signature_hold :exec
-- args: int account
-- scope: global: a lock of the account's name, and no row
SELECT pg_advisory_xact_lock(hashtextextended('signature', $1));

-- name: signature_count :value
-- args: account account, int user
-- value: int
SELECT count(*) FROM signature WHERE account_id = $1 AND user_id = $2;

-- name: signature_insert :value
-- args: account account, id application, id user, text name, text body_text,
-- args: text? body_html, bool is_default
-- value: int
INSERT INTO signature (account_id, application_id, user_id, name, body_text,
    body_html, is_default)
VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id;

-- name: signature_change :must
-- args: account account, id id, text name, text body_text, text? body_html,
-- args: bool is_default
UPDATE signature SET name = $3, body_text = $4, body_html = $5,
    is_default = $6, updated_at = now()
WHERE account_id = $1 AND id = $2;

-- name: signature_default_clear :exec
-- args: account account, int user, int but
UPDATE signature SET is_default = false
WHERE account_id = $1 AND user_id = $2 AND is_default AND id <> $3;

-- name: signature_delete :must
-- args: account account, int user, id id
DELETE FROM signature WHERE account_id = $1 AND user_id = $2 AND id = $3;
