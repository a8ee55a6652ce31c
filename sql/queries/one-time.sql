-- Links that are mailed. Who calls these signs people in.

-- 0: there is no such client.
-- name: door_application :value
-- args: text? client
-- value: int
-- scope: global: nobody is known yet
SELECT door_application($1);

-- 0: nobody that may be mailed.
-- name: door_user_at :value
-- args: id application, text address
-- value: int
-- scope: global: nobody is known yet
SELECT door_user_at($1, $2);

-- No row: the address has had `most` links of this kind within the hour.
-- name: one_time_add :maybe
-- args: text kind, id application, bytes hash, text address, id? user,
-- args: text? password_hash, id? account, text? role, int4 life, int4 most
-- row:  one_time
-- scope: global: mostly nobody is known yet; an invitation's account is checked
SELECT id, account_id, role, created_at, expires_at
FROM door_one_time_add($1, $2, $3, $4, $5, $6, $7, $8, $9, $10);

-- Is there a member with this address?
-- name: invite_is_member :value
-- args: account account, text address
-- value: bool
SELECT EXISTS (SELECT FROM membership m
    JOIN app_user u ON u.application_id = m.application_id
    AND u.id = m.user_id
    WHERE m.account_id = $1 AND lower(u.email) = lower($2));

-- An invitation as it is now.
-- name: invite_look :one
-- args: account account, id invite
-- row:  one_time
SELECT id, account_id, address, role, made_by, state, created_at, expires_at
FROM door_invite_look($1, $2);

-- What stands behind a link that is valid; it stays so.
-- name: one_time_look :maybe
-- args: text kind, bytes hash
-- row:  one_time
-- scope: global: nobody is known yet
SELECT id, application_id, address, user_id, password_hash, account_id,
    account_name, role, user_name, has_password
FROM door_one_time_look($1, $2);

-- Uses it; no row: it is not valid (any more).
-- name: one_time_use :maybe
-- args: text kind, bytes hash, text? client
-- row:  one_time
-- scope: global: nobody is known yet
SELECT id, application_id, address, user_id, password_hash, account_id, role
FROM door_one_time_use($1, $2, $3);

-- 0: somebody has the address already.
-- name: door_user_make :value
-- args: id application, text address, text? password_hash
-- value: int
-- scope: global: nobody is known yet
SELECT door_user_make($1, $2, $3);

-- The membership; 0: the invitation is worth nothing any more.
-- name: door_invite_accept :value
-- args: id invite, id user
-- value: int
-- scope: global: makes the membership that would allow it
SELECT door_invite_accept($1, $2);

-- Ends all sessions of the user, too.
-- name: door_password_reset :exec
-- args: id user, text hash
-- scope: global: a link has proved who it is
SELECT door_password_reset($1, $2);
