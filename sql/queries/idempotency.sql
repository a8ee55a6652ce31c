-- What an Idempotency-Key has made. All of it runs in the transaction that
-- makes it.

-- False: another request holds this key now.
-- name: idempotency_hold :value
-- scope: global: a lock whose name holds the account
-- args: int account, text actor, text route, text key
-- value: bool
SELECT pg_try_advisory_xact_lock(hashtextextended(
    concat_ws(chr(31), 'idempotency', $1, $2, $3, $4), 0));

-- What the key made within a day.
-- name: idempotency_find :maybe
-- args: account account, text actor, text route, text key
-- row:  idempotency
SELECT request_hash, ARRAY(SELECT json_array_elements_text(made)::bigint)
    AS made
FROM idempotency
WHERE account_id = $1 AND actor = $2 AND route = $3 AND key = $4
AND created_at > now() - interval '24 hours';

-- name: idempotency_keep :exec
-- args: account account, id application, text actor, text route, text key,
-- args: bytes request_hash, int4 status, ints made
INSERT INTO idempotency (application_id, account_id, actor, route, key,
    request_hash, status, made)
VALUES ($2, $1, $3, $4, $5, $6, $7, to_json($8))
ON CONFLICT (account_id, actor, route, key) DO UPDATE SET
    request_hash = excluded.request_hash, status = excluded.status,
    made = excluded.made, created_at = now();
