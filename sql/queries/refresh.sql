-- A family for a session just opened by signing in, and its first token.
-- name: refresh_family_open :value
-- args: id session, id account_of, text? client, text scope, bytes hash,
-- args: int4 life
-- value: int
-- scope: global: the user has just proved who they are
SELECT door_refresh_open($1, $2, $3, $4, $5, $6);

-- `client` NULL: who asks shows no secret. `scope` NULL: all that was granted.
-- name: refresh_rotate :maybe
-- args: bytes hash, text? client, text? scope, bytes new_hash, int4 idle,
-- args: int4 session_life, int4 life, text? address, text? request
-- row:  granted
-- scope: global: the token decides whose it is
SELECT outcome, application_id, account_id, user_id, session_id, client, scope,
    audience, nonce, auth_time, role, version
FROM door_refresh_rotate($1, $2, $3, $4, $5, $6, $7, $8, $9);

-- name: refresh_look :maybe
-- args: bytes hash
-- row:  refresh_look
-- scope: global: the token decides whose it is
SELECT family_id, application_id, account_id, user_id, session_id, client,
    scope, role, created_at, expires_at
FROM door_refresh_look($1);

-- name: refresh_revoke :maybe
-- args: bytes hash, text client
-- row:  granted
-- scope: global: the token decides whose it is
SELECT application_id, account_id, user_id, session_id
FROM door_refresh_revoke($1, $2);
