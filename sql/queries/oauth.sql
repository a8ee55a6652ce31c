-- uses: refresh

-- A client that may ask, by its name.
-- name: oauth_client_find :maybe
-- args: text client
-- row:  oauth_client
-- scope: global: nobody is known yet
SELECT id, application_id, account_id, name, secret_hash, redirect_uris, role,
    is_app_admin
FROM door_client_find($1);

-- name: oauth_consent_look :maybe
-- args: id session, text client, text scope
-- row:  oauth_consent
-- scope: global: of the caller's own session
SELECT age_seconds, is_given FROM door_consent_look($1, $2, $3);

-- name: oauth_consent_put :exec
-- args: id session, text client, text scope
-- scope: global: of the caller's own session
SELECT door_consent_put($1, $2, $3);

-- 0: the session has ended.
-- name: oauth_code_add :value
-- args: bytes hash, id session, id account_of, text client, text redirect_uri,
-- args: text challenge, text scope, text? nonce, text? audience, int4 life
-- value: int
-- scope: global: of the caller's own session
SELECT door_code_add($1, $2, $3, $4, $5, $6, $7, $8, $9, $10);

-- name: oauth_code_redeem :maybe
-- args: bytes hash, text client, text redirect_uri, text challenge,
-- args: bytes new_hash, int4 idle, int4 session_life, int4 life,
-- args: text? address, text? request
-- row:  granted
-- scope: global: the code decides whose it is
SELECT outcome, application_id, account_id, user_id, session_id, client, scope,
    audience, nonce, auth_time, role, version
FROM door_code_redeem($1, $2, $3, $4, $5, $6, $7, $8, $9, $10);

-- name: oauth_device_add :exec
-- args: bytes hash, bytes user_code_hash, text client, text scope,
-- args: text? audience, int4 life, int4 pause
-- scope: global: nobody has decided yet whose it is
SELECT door_device_add($1, $2, $3, $4, $5, $6, $7);

-- name: oauth_device_look :maybe
-- args: bytes user_code_hash, id application
-- row:  oauth_device
-- scope: global: of the caller's application
SELECT client, name, scope FROM door_device_look($1, $2);

-- The client's name; NULL where there was nothing to decide.
-- name: oauth_device_decide :maybe
-- args: bytes user_code_hash, id session, id account_of, text state
-- row:  oauth_device
-- scope: global: of the caller's own session
SELECT client FROM door_device_decide($1, $2, $3, $4) AS d (client)
WHERE client IS NOT NULL;

-- name: oauth_device_redeem :maybe
-- args: bytes hash, text client, bytes new_hash, int4 idle, int4 session_life,
-- args: int4 life, text? address, text? request
-- row:  granted
-- scope: global: the code decides whose it is
SELECT outcome, application_id, account_id, user_id, session_id, client, scope,
    audience, nonce, auth_time, role, version
FROM door_device_redeem($1, $2, $3, $4, $5, $6, $7, $8);

-- name: oauth_token_alive :value
-- args: id application, id account_of, int user, int session, int version,
-- args: text client, text role
-- value: bool
-- scope: global: the token decides whose it is
SELECT door_token_alive($1, $2, $3, $4, $5, $6, $7);

-- How many: 0 or 1.
-- name: oauth_session_revoke :value
-- args: id user, id session
-- value: int
-- scope: global: the token decides whose it is
SELECT door_session_revoke($1, $2);
