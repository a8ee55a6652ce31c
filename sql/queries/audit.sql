-- What is kept of who did what; see audit.h. In the transaction of what it
-- tells.
-- name: audit_add :exec
-- args: id application, id? account, int user, text? client, text action,
-- args: text? subject, text? detail, text? address, text? request
-- scope: global: written by a function that only adds
SELECT audit_add($1, $2, $3, $4, $5, $6, $7, $8, $9);

-- A sign-in that was refused; `user` 0: of nobody's name.
-- name: audit_login_refused :exec
-- args: text? client, id? user, text? address, text? request
-- scope: global: nobody is known yet
SELECT door_refused($1, $2, $3, $4);

-- What an owner may read of it, latest first, behind an id.
-- name: audit_list :many
-- args: account account, text? action, id? user, time? from, time? to,
-- args: id before, int skip, int most
-- row:  audit_row
SELECT id, account_id, user_id, client, action, subject, detail, address,
    request_id, created_at, sealed_as, encode(hash, 'hex') AS hash
FROM audit_read($1, $2, $3, $4, $5, $6, $7, $8);

-- The same, counted; stops at 10,001.
-- name: audit_count :value
-- args: account account, text? action, id? user, time? from, time? to
-- value: int
SELECT count(*) FROM audit_read($1, $2, $3, $4, $5, 9223372036854775807, 0,
    10001);

-- Gives what waits its place in the chain.
-- name: audit_seal :value
-- args: int most
-- value: int
-- scope: global: one chain holds the rows of all
SELECT audit_seal($1);

-- name: audit_clear :value
-- args: int4 keep, int most
-- value: int
-- scope: global: one chain holds the rows of all
SELECT audit_clear($1, $2);

-- Where the chain stands, and how much there is beside it.
-- name: audit_state :one
-- row:  audit_state
-- scope: global: an operator's question
SELECT sealed, hash, removed, removed_hash,
    (SELECT count(*) FROM audit WHERE sealed_as > h.sealed
    OR sealed_as <= h.removed) AS astray,
    (SELECT count(*) FROM audit WHERE sealed_as IS NULL) AS waiting
FROM audit_head h;

-- The chain's links behind a place, as they were hashed.
-- name: audit_walk :many
-- args: int place, int last, int most
-- row:  audit_link
-- scope: global: an operator's question
SELECT id, sealed_as, hash, json_build_array(sealed_as, id, application_id,
    account_id, user_id, client, action, subject, detail, address, request_id,
    (extract(epoch FROM created_at) * 1000000)::bigint)::text AS contents
FROM audit WHERE sealed_as > $1 AND sealed_as <= $2
ORDER BY sealed_as LIMIT $3;
