-- What a worker needs to reach a mail account: address, sealed secret, and the
-- wrapped key that opens it.
-- name: credential_access_get :one
-- args: account account, id id
-- row:  credential_access
SELECT c.id, c.application_id, c.user_id, c.provider_kind, c.email_address,
    c.host, c.port, c.security_mode, c.auth_kind, c.is_active, c.sync_mode,
    c.hold_policy, c.quarantine_folder, c.body_policy, c.texts_due, c.capabilities,
    c.secret AS sealed, c.secret_key_id, c.secret_version, k.wrapped
FROM credential c
LEFT JOIN data_key k ON k.account_id = c.account_id AND k.id = c.secret_key_id
WHERE c.account_id = $1 AND c.id = $2;

-- The key with which an account seals now.
-- name: data_key_current :maybe
-- args: account account
-- row:  data_key
SELECT id, wrapped FROM data_key
WHERE account_id = $1 AND retired_at IS NULL;

-- An id for a key to be made: the wrapping is bound to it.
-- name: data_key_id_take :value
-- value: int
-- scope: global: a number of a sequence
SELECT nextval('data_key_id_seq');

-- Of two who make an account's first key at once, one is kept.
-- name: data_key_insert :exec
-- args: account account, id application, id id, bytes wrapped
INSERT INTO data_key (application_id, account_id, id, wrapped)
VALUES ($2, $1, $3, $4)
ON CONFLICT DO NOTHING;

-- The server took the credential: it works.
-- name: credential_works :exec
-- args: account account, id id, int secret_version, text? capabilities
UPDATE credential SET status = 'valid', last_checked = now(),
    last_error_code = NULL, last_error_detail = NULL,
    capabilities = coalesce($4, capabilities)
WHERE account_id = $1 AND id = $2 AND secret_version = $3;

-- It could not be used. `status` only where that is the secret's fault; a
-- secret that was changed meanwhile keeps its own.
-- name: credential_fails :exec
-- args: account account, id id, int secret_version, text? status,
-- args: text code, text? detail
UPDATE credential SET last_checked = now(), last_error_code = $5,
    last_error_detail = $6, status = coalesce($4, status)
WHERE account_id = $1 AND id = $2 AND secret_version = $3;
