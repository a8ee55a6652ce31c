-- Saved replies; see domain/saved-reply.h.

-- name: saved_reply_list :many
-- args: account account
-- row:  saved_reply
SELECT id, name, subject, body_text, body_html, display_order, user_id,
    created_at, updated_at
FROM saved_reply WHERE account_id = $1 ORDER BY display_order, lower(name), id;

-- name: saved_reply_get :one
-- args: account account, id id
-- row:  saved_reply
SELECT id, name, subject, body_text, body_html, display_order, user_id,
    created_at, updated_at
FROM saved_reply WHERE account_id = $1 AND id = $2;

-- name: saved_reply_lock :one
-- args: account account, id id
-- row:  saved_reply
SELECT id, name, subject, body_text, body_html, display_order, user_id,
    created_at, updated_at
FROM saved_reply WHERE account_id = $1 AND id = $2 FOR UPDATE;

-- Those who make some of one account at once go one by one: they are counted.
-- name: saved_reply_hold :exec
-- args: int account
-- scope: global: a lock of the account's name, and no row
SELECT pg_advisory_xact_lock(hashtextextended('saved_reply', $1));

-- name: saved_reply_count :value
-- args: account account
-- value: int
SELECT count(*) FROM saved_reply WHERE account_id = $1;

-- name: saved_reply_insert :value
-- args: account account, id application, text name, text? subject,
-- args: text body_text, text? body_html, int4 display_order, id? user
-- value: int
INSERT INTO saved_reply (account_id, application_id, name, subject, body_text,
    body_html, display_order, user_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id;

-- name: saved_reply_change :must
-- args: account account, id id, text name, text? subject, text body_text,
-- args: text? body_html, int4 display_order
UPDATE saved_reply SET name = $3, subject = $4, body_text = $5, body_html = $6,
    display_order = $7, updated_at = now()
WHERE account_id = $1 AND id = $2;

-- name: saved_reply_delete :must
-- args: account account, id id
DELETE FROM saved_reply WHERE account_id = $1 AND id = $2;
