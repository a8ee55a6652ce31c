-- For an access token: its session lives and its rights are the present ones.
-- name: guard_token :guard
-- args: int application, int account, int user, int session, int version
-- scope: global: decides the scope of what follows
SELECT guard_token($1, $2, $3, $4, $5);

-- For a read with a token whose rights guard_token or guard_client have
-- confirmed a moment ago: the scope alone.
-- name: guard_scope :guard
-- args: int application, int account, int user, text client
-- scope: global: decides the scope of what follows
SELECT set_config('letterrack.application', $1::text, true),
    set_config('letterrack.account', $2::text, true),
    set_config('letterrack.user', $3::text, true),
    set_config('letterrack.client', $4, true);

-- For a machine client's token.
-- name: guard_client :guard
-- args: int application, int account, text client, text role
-- scope: global: decides the scope of what follows
SELECT guard_client($1, $2, $3, $4);

-- For an external issuer's token: whom it speaks for, and what they may do now.
-- 0 where it does not say. Refused where that is not `as_user` in `as_account`
-- with the rights of `as_version`, if it has to be (0: it may be anybody).
-- name: guard_external :guard
-- args: text issuer, text subject, int application, int account, int user,
-- args: int as_account, int as_user, int as_version
-- row:  session
-- scope: global: decides the scope of what follows
SELECT session_id, application_id, user_id, account_id, role, is_admin, version
FROM guard_token($1, $2, $3, $4, $5, $6, $7, $8);

-- The same for a token that is not the caller's own.
-- name: session_external :maybe
-- args: text issuer, text subject, int application, int account_of, int user
-- row:  session
-- scope: global: the token decides whose it is
SELECT session_id, application_id, user_id, account_id, role, is_admin, version
FROM door_external_bearer($1, $2, $3, $4, $5);

-- For a cookie, by its SHA-256: who it is, in the user's active account.
-- `account` 0: whichever that is; else refused where it has changed.
-- name: guard_session :guard
-- args: bytes hash, int account
-- row:  session
-- scope: global: decides the scope of what follows
SELECT session_id, application_id, user_id, account_id, role, is_admin, version
FROM guard_session($1, $2);

-- Of another session of the same user, in a transaction that one has guarded.
-- name: session_beside :one
-- args: bytes hash, int account
-- row:  session
-- scope: global: decides who goes on
SELECT session_id, application_id, user_id, account_id, role, is_admin, version
FROM guard_session($1, $2);

-- Who may be meant by a name or address typed at the door; password hash and
-- all. Without a client the oldest application is meant.
-- name: login_find :maybe
-- args: text? client, text name
-- row:  login
-- scope: global: nobody is known yet
SELECT user_id, application_id, password_hash, is_active, locked_seconds
FROM login_find($1, $2);

-- `user` 0 (nobody of that name) costs the same.
-- name: login_failed :exec
-- args: int user, text name
-- scope: global: nobody is known yet
SELECT login_failed($1, $2);

-- name: password_rehash :exec
-- args: id user, text old_hash, text new_hash
-- scope: global: nobody is known yet
SELECT password_rehash($1, $2, $3);

-- A session for a user whose password was right; `hash` is the cookie's
-- SHA-256. RC_FORBIDDEN: a member of no account.
-- name: session_open :value
-- args: id user, bytes hash, int4 idle, int4 life, text? address
-- value: int
-- scope: global: the user has just proved who they are
SELECT session_open($1, $2, $3, $4, $5);

-- The caller's own; every token that names it dies with it.
-- name: session_end :exec
-- args: id session
-- scope: global: a session belongs to a user, and only the own one ends
SELECT session_end($1);

-- What proves the present password of the caller, or of another user for an
-- admin (then without its hash).
-- name: password_of :one
-- args: id user
-- row:  password_owner
-- scope: global: a user belongs to an application, not to one account
SELECT user_id, email, username, password_hash, locked_seconds
FROM door_password_of($1);

-- Ends the user's sessions but `keep`. RC_CONFLICT: somebody was faster.
-- name: password_set :exec
-- args: id user, text? old_hash, text new_hash, int keep
-- scope: global: a user belongs to an application, not to one account
SELECT door_password_set($1, $2, $3, $4);
