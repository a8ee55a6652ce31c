-- Second factors; see factor.h. The caller's own, but where somebody is about
-- to sign in.

-- name: factor_look :one
-- row:  factor
-- scope: global: a user belongs to an application, not to one account
SELECT is_admin, is_owner, email, is_active, is_begun, created_at, codes_left
FROM door_factor_look();

-- RC_CONFLICT: one is on.
-- name: factor_begin :exec
-- args: bytes sealed, bytes wrapped
-- scope: global: a user belongs to an application, not to one account
SELECT door_factor_begin($1, $2);

-- Counts a try. No row: there is no factor.
-- name: factor_try :maybe
-- row:  factor_try
-- scope: global: a user belongs to an application, not to one account
SELECT user_id, application_id, sealed, wrapped, last_step, is_active,
    locked_seconds
FROM door_factor_try();

-- These three: false where the code was used before.
-- name: factor_confirm :value
-- args: int step, int session, bytess hashes
-- value: bool
-- scope: global: a user belongs to an application, not to one account
SELECT door_factor_confirm($1, $2, $3);

-- name: factor_codes :value
-- args: int step, bytes code, bytess hashes
-- value: bool
-- scope: global: a user belongs to an application, not to one account
SELECT door_factor_codes($1, $2, $3);

-- name: factor_drop :value
-- args: int step, bytes code
-- value: bool
-- scope: global: a user belongs to an application, not to one account
SELECT door_factor_drop($1, $2);

-- Counts a try at the second step of a sign-in. No row: the step is over.
-- name: step_try :maybe
-- args: bytes hash, text? client
-- row:  factor_try
-- scope: global: nobody is signed in yet
SELECT user_id, application_id, sealed, wrapped, last_step, is_active,
    locked_seconds
FROM door_step_try($1, $2);

-- The session that the step becomes; 0: the code, or the step, was used before.
-- name: step_pass :value
-- args: bytes hash, int step, bytes code, bytes cookie, int4 idle, int4 life,
-- args: text? address
-- value: int
-- scope: global: the user has just proved who they are
SELECT door_step_pass($1, $2, $3, $4, $5, $6, $7);

-- Seconds since the caller signed in; -1: not in a session.
-- name: factor_session_age :value
-- args: int session
-- value: int
-- scope: global: of the caller's own session
SELECT coalesce((SELECT age_seconds FROM door_session_age($1)), -1);

-- Does the caller's session lack a factor that it has to have?
-- name: scope_lacks_factor :value
-- args: id session, text whom
-- value: bool
-- scope: global: of the caller's own session
SELECT scope_lacks_factor($1, $2);
