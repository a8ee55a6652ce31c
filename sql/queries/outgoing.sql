-- Mail of the service itself; see outgoing.h.

-- name: outgoing_insert :exec
-- args: id application, text kind, text recipient, text stem, bytes message
-- scope: global: whoever it goes to may have no account yet
SELECT door_outgoing_add($1, $2, $3, $4, $5);

-- In milliseconds, by the database's clock; no more than days.
-- name: outgoing_due_in :value
-- value: int
-- scope: global: a worker asks how long it may sleep
SELECT least(coalesce(CASE WHEN NOT EXISTS (SELECT FROM work_pause)
    THEN ceil(extract(epoch FROM outgoing_next_at() - now()) * 1000) END, 1e9), 1e9)::bigint;

-- name: outgoing_claim :maybe
-- args: text worker, int4 seconds
-- row:  outgoing
-- scope: global: the service's own mail
SELECT id, application_id, kind, recipient, stem, sender, message,
    attempt_count, lease_token
FROM door_outgoing_claim($1, $2);

-- The intent: from its commit on the message may have left.
-- name: outgoing_intend :exec
-- args: id id, int token, text sender, int4 seconds
-- scope: global: the service's own mail
SELECT door_outgoing_send($1, $2, $3, $4);

-- name: outgoing_confirm :exec
-- args: id id, int token, text state, int4 wait, text? code, text? detail
-- scope: global: the service's own mail
SELECT door_outgoing_end($1, $2, $3, $4, $5, $6);

-- name: outgoing_give_back :value
-- args: text worker
-- value: int
-- scope: global: a worker does not know which messages they are
SELECT door_outgoing_give_back($1);

-- name: outgoing_clear :value
-- args: int4 keep, int4 most
-- value: int
-- scope: global: old rows
SELECT door_outgoing_clear($1, $2);

-- ---- what an operator does, as the owner of the schema ----

-- What waits, is on its way, or wants somebody's eye; `every`: all of it.
-- name: outgoing_all :many
-- args: id application, bool every, int most
-- row:  outgoing_seen
-- scope: global: an operator's list
SELECT id, kind, recipient, state, attempt_count, created_at, run_at,
    last_error_code, last_error_detail
FROM outgoing WHERE application_id = $1
AND ($2 OR (state <> 'accepted' AND resolved_at IS NULL))
ORDER BY id LIMIT $3;

-- Sent once more, as if it had never been tried.
-- name: outgoing_retry :maybe
-- args: id application, id id
-- row:  outgoing_seen
-- scope: global: an operator's change
UPDATE outgoing SET state = 'queued', run_at = now(), attempt_count = 0,
    worker = NULL, lease_until = NULL, lease_token = lease_token + 1,
    ended_at = NULL
WHERE application_id = $1 AND id = $2 AND state IN ('failed', 'unknown')
AND resolved_at IS NULL AND message IS NOT NULL
RETURNING id, kind, recipient, state, attempt_count, created_at, run_at,
    last_error_code, last_error_detail;

-- Nobody sends it any more. What it says is forgotten, what became of it stays.
-- name: outgoing_resolve :maybe
-- args: id application, id id
-- row:  outgoing_seen
-- scope: global: an operator's change
UPDATE outgoing SET resolved_at = now(), message = NULL
WHERE application_id = $1 AND id = $2 AND state IN ('failed', 'unknown')
AND resolved_at IS NULL
RETURNING id, kind, recipient, state, attempt_count, created_at, run_at,
    last_error_code, last_error_detail;
