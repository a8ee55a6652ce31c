-- What a worker needs to reach a mail account: address, sealed secret, and the
-- wrapped key that opens it.
-- name: credential_access_get :one
-- args: account account, id id
-- row:  credential_access
SELECT c.id, c.application_id, c.user_id, c.provider_kind, c.email_address,
    c.host, c.port, c.security_mode, c.auth_kind, c.is_active, c.sync_mode,
    c.hold_policy, c.quarantine_folder, c.body_policy, c.texts_due, c.capabilities,
    c.secret AS sealed, c.secret_key_id, c.secret_version, k.wrapped,
    c.provider_type, c.has_refresh, c.token_expires_at, c.refresh_expires_at,
    c.token_refused_at, c.token_warned_at
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

-- The server took the credential: it works. One whose token is renewed no more
-- says so, though it works until that ends. Of many messages behind one another
-- one a while is written down.
-- name: credential_works :exec
-- args: account account, id id, int secret_version, text? capabilities
UPDATE credential SET last_checked = now(),
    status = CASE WHEN token_refused_at IS NULL THEN 'valid' ELSE status END,
    last_error_code = CASE WHEN token_refused_at IS NOT NULL
        THEN last_error_code END,
    last_error_detail = CASE WHEN token_refused_at IS NOT NULL
        THEN last_error_detail END,
    capabilities = coalesce($4, capabilities)
WHERE account_id = $1 AND id = $2 AND secret_version = $3
AND ($4 IS NOT NULL OR status <> 'valid' OR last_error_code IS NOT NULL
OR coalesce(last_checked, '-infinity') < now() - interval '5 s');

-- It could not be used. `status` only where that is the secret's fault; a
-- secret that was changed meanwhile keeps its own.
-- name: credential_fails :exec
-- args: account account, id id, int secret_version, text? status,
-- args: text code, text? detail
UPDATE credential SET last_checked = now(), last_error_code = $5,
    last_error_detail = $6, status = coalesce($4, status)
WHERE account_id = $1 AND id = $2 AND secret_version = $3;

-- Takes it upon oneself to renew a token; another, who is at it, is let be.
-- name: credential_renew_take :exec
-- args: account account, id id, int secret_version, text lease, int4 seconds
UPDATE credential SET token_lease = $4,
    token_lease_until = now() + make_interval(secs => $5)
WHERE account_id = $1 AND id = $2 AND secret_version = $3
AND (token_lease_until IS NULL OR token_lease_until < now());

-- The new ones, in place of those that were there. Nothing where the secret was
-- changed meanwhile, or another has renewed it.
-- name: credential_renewed :exec
-- args: account account, id id, int secret_version, text lease, bytes secret,
-- args: id secret_key, time? expires, time? refresh_expires
UPDATE credential SET secret = $5, secret_key_id = $6,
    secret_version = secret_version + 1, token_expires_at = $7,
    refresh_expires_at = coalesce($8, refresh_expires_at),
    token_renewed_at = now(), token_lease = NULL, token_lease_until = NULL,
    token_warned_at = CASE WHEN $8 IS NULL THEN token_warned_at END
WHERE account_id = $1 AND id = $2 AND secret_version = $3
AND token_lease = $4;

-- It was not renewed this time; nor is it asked for again before `seconds`.
-- name: credential_renew_rest :exec
-- args: account account, id id, text lease, int4 seconds
UPDATE credential SET token_lease = NULL,
    token_lease_until = now() + make_interval(secs => $4)
WHERE account_id = $1 AND id = $2 AND token_lease = $3;

-- Nor will it ever be: whose it is has to sign in anew.
-- name: credential_renew_refused :exec
-- args: account account, id id, int secret_version, text lease, text detail
UPDATE credential SET status = 'expired', last_error_code = 'auth_expired',
    last_error_detail = $5, last_checked = now(), token_refused_at = now(),
    token_warned_at = now(), token_lease = NULL, token_lease_until = NULL
WHERE account_id = $1 AND id = $2 AND secret_version = $3
AND token_lease = $4;

-- Its end, which is near, is told of once.
-- name: credential_renew_warn :exec
-- args: account account, id id
UPDATE credential SET token_warned_at = now()
WHERE account_id = $1 AND id = $2 AND token_warned_at IS NULL
AND refresh_expires_at IS NOT NULL;

-- name: credential_renew_enqueue :value
-- value: int
-- scope: global: looks for work in all accounts
SELECT token_enqueue();
