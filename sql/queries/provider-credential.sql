-- The credentials a caller may see: the account's shared ones and personal
-- ones of their own. `words` is looked for in label, address and host.
-- name: provider_credential_list :many
-- args: account account, int user, text? kind, text? words,
-- args: id after, int skip, int most
-- row:  provider_credential
SELECT * FROM provider_credential_row
WHERE account_id = $1 AND (user_id IS NULL OR user_id = $2) AND id > $5
AND ($3::text IS NULL OR provider_kind = $3)
AND ($4::text IS NULL OR position(lower($4) IN
    lower(label || ' ' || coalesce(email_address, '') || ' ' || host)) > 0)
ORDER BY id
LIMIT $7 OFFSET $6;

-- The same, counted; stops at 10,001.
-- name: provider_credential_count :value
-- args: account account, int user, text? kind, text? words
-- value: int
SELECT count(*) FROM (
	SELECT FROM credential
	WHERE account_id = $1 AND (user_id IS NULL OR user_id = $2)
	AND ($3::text IS NULL OR provider_kind = $3)
	AND ($4::text IS NULL OR position(lower($4) IN
	    lower(label || ' ' || coalesce(email_address, '') || ' ' || host)) > 0)
	LIMIT 10001) AS capped;

-- name: provider_credential_get :one
-- args: account account, int user, id id
-- row:  provider_credential
SELECT * FROM provider_credential_row
WHERE account_id = $1 AND (user_id IS NULL OR user_id = $2) AND id = $3;

-- To be changed in this transaction: read it behind this, since who waited here
-- would see the row as it was.
-- name: provider_credential_lock :must
-- args: account account, int user, id id
SELECT FROM credential
WHERE account_id = $1 AND (user_id IS NULL OR user_id = $2) AND id = $3
FOR UPDATE;

-- An id for a row to be made: its secret is sealed for that place.
-- name: provider_credential_id_take :value
-- value: int
-- scope: global: a number of a sequence
SELECT nextval('credential_id_seq');

-- name: provider_credential_insert :must
-- args: account account, id application, id id, id? user, text kind,
-- args: text label, text? email_address, text host, int4 port,
-- args: text security_mode, text auth_kind, text username_masked,
-- args: text provider_type, bool is_active, bool is_default, text sync_mode,
-- args: text hold_policy, text quarantine_folder, id? smtp_credential,
-- args: text body_policy, bytes secret, id? secret_key, bool has_refresh,
-- args: time? token_expires
INSERT INTO credential (account_id, application_id, id, user_id, provider_kind,
    label, email_address, host, port, security_mode, auth_kind,
    username_masked, provider_type, is_active, is_default, sync_mode,
    hold_policy, quarantine_folder, smtp_credential_id, body_policy, secret,
    secret_key_id, has_refresh, token_expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16,
    $17, $18, $19, $20, $21, $22, $23, $24);

-- All that may change, the secret apart.
-- name: provider_credential_update :must
-- args: account account, id id, text label, text? email_address, text host,
-- args: int4 port, text security_mode, text provider_type, bool is_active,
-- args: bool is_default, text sync_mode, text hold_policy,
-- args: text quarantine_folder, id? smtp_credential, text body_policy
UPDATE credential SET label = $3, email_address = $4, host = $5,
    port = $6, security_mode = $7, provider_type = $8, is_active = $9, is_default = $10,
    sync_mode = $11, hold_policy = $12, quarantine_folder = $13,
    smtp_credential_id = $14, body_policy = $15, updated_at = now()
WHERE account_id = $1 AND id = $2;

-- Another secret: nothing is known of it, and what the server told to the old
-- one is forgotten.
-- name: provider_credential_secret_set :must
-- args: account account, id id, text username_masked, bytes secret,
-- args: id secret_key, bool has_refresh, time? token_expires
UPDATE credential SET username_masked = $3, secret = $4, secret_key_id = $5,
    has_refresh = $6, token_expires_at = $7, refresh_expires_at = NULL,
    token_renewed_at = NULL, token_refused_at = NULL, token_warned_at = NULL,
    token_lease = NULL, token_lease_until = NULL,
    secret_version = secret_version + 1, status = 'unverified',
    last_error_code = NULL, last_error_detail = NULL, capabilities = NULL,
    updated_at = now()
WHERE account_id = $1 AND id = $2;

-- At most one of a kind is the default: of the shared ones, and of each user's.
-- name: provider_credential_default_clear :exec
-- args: account account, id but, text kind, id? user
UPDATE credential SET is_default = false
WHERE account_id = $1 AND id <> $2 AND provider_kind = $3 AND is_default
AND user_id IS NOT DISTINCT FROM $4;

-- What a test found; a secret that was changed meanwhile keeps its own state.
-- `status` NULL: it said nothing about the secret.
-- name: provider_credential_tested :exec
-- args: account account, id id, int secret_version, text? status, text? code,
-- args: text? detail
UPDATE credential SET last_tested_at = now(), last_checked = now(),
    status = coalesce($4, status), last_error_code = $5, last_error_detail = $6
WHERE account_id = $1 AND id = $2 AND secret_version = $3;

-- name: provider_credential_delete :must
-- args: account account, int user, id id
DELETE FROM credential
WHERE account_id = $1 AND (user_id IS NULL OR user_id = $2) AND id = $3;
