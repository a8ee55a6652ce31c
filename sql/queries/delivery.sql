-- Deliveries: what is told to one webhook, and what became of it.

-- name: delivery_list :many
-- args: account account, id webhook, text? state, id before, int skip, int most
-- row:  delivery_seen
SELECT id, webhook_id, event_type, body::json AS payload, state, attempts,
    response_status, response_body, last_error, created_at, delivered_at,
    CASE WHEN state = 'queued' THEN run_at END AS next_attempt_at
FROM webhook_delivery
WHERE account_id = $1 AND webhook_id = $2
AND ($3::text IS NULL OR state = $3) AND id < $4
ORDER BY id DESC
LIMIT $6 OFFSET $5;

-- The same, counted; stops at 10,001.
-- name: delivery_count :value
-- args: account account, id webhook, text? state
-- value: int
SELECT count(*) FROM (
	SELECT FROM webhook_delivery
	WHERE account_id = $1 AND webhook_id = $2
	AND ($3::text IS NULL OR state = $3)
	LIMIT 10001) AS capped;

-- name: delivery_get :one
-- args: account account, id id
-- row:  delivery_seen
SELECT id, webhook_id, event_type, body::json AS payload, state, attempts,
    response_status, response_body, last_error, created_at, delivered_at,
    CASE WHEN state = 'queued' THEN run_at END AS next_attempt_at
FROM webhook_delivery
WHERE account_id = $1 AND id = $2;

-- One that tries a webhook out; it hangs on no event.
-- name: delivery_test_insert :value
-- args: account account, id webhook, text event_type
-- value: int
INSERT INTO webhook_delivery (application_id, account_id, webhook_id, event_id,
    event_type, body, is_test, run_at)
SELECT w.application_id, w.account_id, w.id, e.id, $3, event_body(e.id, $3,
    now(), w.account_id, '{"webhook_id":' || w.id || '}'), true, now()
FROM webhook w, (SELECT nextval('event_id_seq') AS id) e
WHERE w.account_id = $1 AND w.id = $2
RETURNING id;

-- Leases one that a person wants tried now, whatever became of it before, but
-- not while somebody is at it. It has its whole time again.
-- name: delivery_take :maybe
-- args: account account, id id, text worker, int4 seconds
-- row:  delivery
WITH leased AS (
	UPDATE webhook_delivery SET state = 'sending', worker = $3,
	    lease_token = lease_token + 1, attempts = attempts + 1,
	    run_at = now() + make_interval(secs => $4),
	    give_up_at = now() + interval '72 hours',
	    delivered_at = NULL, ended_at = NULL
	WHERE account_id = $1 AND id = $2
	AND NOT (state = 'sending' AND run_at > now())
	RETURNING *)
SELECT d.id, d.application_id, d.account_id, d.webhook_id, d.event_type,
    d.stem, d.body, d.attempts, d.lease_token, w.url, w.secret,
    w.secret_key_id, k.wrapped, w.previous, w.previous_key_id,
    p.wrapped AS previous_wrapped
FROM leased d
JOIN webhook w ON w.account_id = d.account_id AND w.id = d.webhook_id
JOIN data_key k ON k.account_id = w.account_id AND k.id = w.secret_key_id
LEFT JOIN data_key p ON p.account_id = w.account_id
    AND p.id = w.previous_key_id AND w.previous_until > now();

-- In milliseconds, by the database's clock; no more than days.
-- name: delivery_due_in :value
-- value: int
-- scope: global: a worker asks how long it may sleep
SELECT least(coalesce(CASE WHEN NOT EXISTS (SELECT FROM work_pause)
    THEN ceil(extract(epoch FROM delivery_next_at() - now()) * 1000) END, 1e9), 1e9)::bigint;

-- name: delivery_claim :many
-- args: text worker, int4 seconds, int4 room, int4 of_webhook, int4 of_account
-- row:  delivery
-- scope: global: one worker has those of all accounts in flight
SELECT * FROM delivery_claim($1, $2, $3, $4, $5)
WHERE NOT EXISTS (SELECT FROM work_pause);

-- What became of tries; how many of them were still the caller's.
-- name: delivery_end :value
-- args: ids ids, ints tokens, texts ends, int4s waits, int4s statuses,
-- args: texts bodies, texts errors
-- value: int
-- scope: global: one worker has those of all accounts in flight
SELECT delivery_end($1, $2, $3, $4, $5, $6, $7);

-- name: delivery_give_back :value
-- args: text worker
-- value: int
-- scope: global: a worker does not know which they are
SELECT delivery_give_back($1);
