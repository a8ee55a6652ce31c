-- What the database layer is tested with.

-- name: thing_guard :guard
-- args: int account, text token
-- row: thing_actor
-- scope: global: finds the account
SELECT * FROM thing_guard($1, $2);

-- name: thing_guard_plain :guard
-- args: int account, text token
-- scope: global: finds the account
SELECT thing_guard($1, $2);

-- name: thing_add :one
-- args: account account, text name, int4 number, bool? flag, time? at,
-- args: json data, bytes raw, str note
-- row: thing
INSERT INTO thing (account_id, name, number, flag, at, data, raw, note)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
RETURNING *;

-- name: thing_get :one
-- args: account account, id id
-- row: thing
SELECT * FROM thing WHERE account_id = $1 AND id = $2;

-- name: thing_find :maybe
-- args: account account, text name
-- row: thing
SELECT id, name FROM thing WHERE account_id = $1 AND name = $2;

-- name: thing_list :many
-- args: account account, int4 most
-- row: thing
SELECT * FROM thing WHERE account_id = $1 ORDER BY id LIMIT $2;

-- name: thing_rename :must
-- args: account account, id id, text name
UPDATE thing SET name = $3 WHERE account_id = $1 AND id = $2;

-- name: thing_clear :exec
-- args: account account
DELETE FROM thing WHERE account_id = $1;

-- name: thing_count :value
-- args: account account
-- value: int
SELECT count(*) FROM thing WHERE account_id = $1;

-- Without a filter of its own: what row-level security alone lets through.
-- name: thing_count_bare :value
-- args: account account
-- value: int
SELECT count(*) FROM thing WHERE $1 > 0;

-- name: thing_name :value
-- args: account account, id id
-- value: text
SELECT name FROM thing WHERE account_id = $1 AND id = $2;

-- name: thing_ids :value
-- args: account account
-- value: ids
SELECT coalesce(array_agg(id ORDER BY id), '{}') FROM thing
WHERE account_id = $1;

-- name: thing_custom :value
-- args: account account
-- value: text
-- plan: custom
SELECT current_setting('plan_cache_mode') WHERE $1 > 0;

-- name: thing_plan :value
-- args: account account
-- value: text
SELECT current_setting('plan_cache_mode') WHERE $1 > 0;

-- name: thing_setting :value
-- args: text name
-- value: text
-- scope: global: looks at the session
SELECT coalesce(current_setting($1, true), '');

-- Settings that differ from what the server and the connection began with.
-- name: thing_changed :value
-- value: int
-- scope: global: looks at the session
SELECT count(*) FROM pg_settings
WHERE source = 'session' OR name LIKE 'letterrack.%' AND setting <> '';

-- name: thing_raise :exec
-- args: text state, text words
-- scope: global: raises
SELECT thing_raise($1, $2);

-- name: thing_sleep :exec
-- args: int seconds
-- scope: global: waits
SELECT pg_sleep($1);

-- name: thing_collide :exec
-- args: text state, int times
-- scope: global: raises the first times
SELECT thing_collide($1, $2);

-- name: thing_notify :exec
-- args: text words
-- scope: global: notifies
SELECT pg_notify('letterrack_thing', $1);

-- name: thing_divide :value
-- args: int by
-- value: int
-- scope: global: fails
SELECT 1 / $1;

-- name: thing_arrays :one
-- args: ids a, ints b, int4s c, bools d, times e, texts f, jsons g, bytess h
-- row: thing_arrays
-- scope: global: gives back what it got
SELECT $1::bigint[] AS ids, $2::text AS ints, $3::text AS int4s,
    $4::text AS bools, $5::text AS times, $6::text[] AS texts,
    $7::text AS jsons, $8::text AS bytess;

-- name: thing_bulk :exec
-- args: account account, texts names, int4s numbers, bools flags, times at,
-- args: jsons data, bytess raw, texts notes
INSERT INTO thing (account_id, name, number, flag, at, data, raw, note)
SELECT $1, * FROM unnest($2, $3, $4, $5, $6, $7, $8);

-- name: thing_unknown :one
-- scope: global: names a column that the row does not have
-- row: thing
SELECT 1::bigint AS nothing_like_it;

-- name: thing_mistyped :one
-- scope: global: gives a type that the member cannot hold
-- row: thing
SELECT 1.5::numeric AS id;

-- name: thing_sleep_ms :exec
-- args: int ms
-- scope: global: waits
SELECT pg_sleep($1 / 1000.0);
