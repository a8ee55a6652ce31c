-- Webhooks of an account: who is told of which events, and where.

-- name: webhook_list :many
-- args: account account, id after, int skip, int most
-- row:  webhook
SELECT id, url, events, '***hidden***' AS secret, is_active, disabled_reason,
    last_triggered_at, failed_attempts, created_at, updated_at
FROM webhook
WHERE account_id = $1 AND id > $2
ORDER BY id
LIMIT $4 OFFSET $3;

-- name: webhook_count :value
-- args: account account
-- value: int
SELECT count(*) FROM webhook WHERE account_id = $1;

-- name: webhook_get :one
-- args: account account, id id
-- row:  webhook
SELECT id, url, events, '***hidden***' AS secret, is_active, disabled_reason,
    last_triggered_at, failed_attempts, created_at, updated_at
FROM webhook
WHERE account_id = $1 AND id = $2;

-- One that is to be changed in this transaction.
-- name: webhook_lock :one
-- args: account account, id id
-- row:  webhook
SELECT id, url, events, '***hidden***' AS secret, is_active, disabled_reason,
    last_triggered_at, failed_attempts, created_at, updated_at
FROM webhook
WHERE account_id = $1 AND id = $2
FOR UPDATE;

-- An id for a row to be made: its secret is sealed for that place.
-- name: webhook_id_take :value
-- value: int
-- scope: global: a number of a sequence
SELECT nextval('webhook_id_seq');

-- Those who make webhooks of one account at once go one by one: they are
-- counted.
-- name: webhook_hold :exec
-- args: int account
-- scope: global: a lock of the account's name, and no row
SELECT pg_advisory_xact_lock(hashtextextended('webhook', $1));

-- name: webhook_insert :must
-- args: account account, id application, id id, text url, texts events,
-- args: bytes secret, id secret_key, bool is_active
INSERT INTO webhook (account_id, application_id, id, url, events, secret,
    secret_key_id, is_active)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8);

-- One that is switched on again begins anew.
-- name: webhook_change :must
-- args: account account, id id, text url, texts events, bool is_active
UPDATE webhook SET url = $3, events = $4, updated_at = now(),
    failed_attempts = CASE WHEN $5 AND NOT is_active OR url <> $3 THEN 0
        ELSE failed_attempts END,
    paused_until = CASE WHEN $5 AND NOT is_active OR url <> $3 THEN NULL
        ELSE paused_until END,
    disabled_reason = CASE WHEN $5 THEN NULL ELSE disabled_reason END,
    is_active = $5
WHERE account_id = $1 AND id = $2;

-- The one before signs for as long as `overlap` seconds, too.
-- name: webhook_secret_set :must
-- args: account account, id id, bytes secret, id secret_key, int4 overlap
UPDATE webhook SET previous = secret, previous_key_id = secret_key_id,
    previous_until = now() + make_interval(secs => $5),
    secret = $3, secret_key_id = $4, updated_at = now()
WHERE account_id = $1 AND id = $2;

-- name: webhook_remove :must
-- args: account account, id id
DELETE FROM webhook WHERE account_id = $1 AND id = $2;
