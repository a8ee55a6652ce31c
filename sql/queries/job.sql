-- uses: task

-- A worker's transactions: its lease holds, and holds on until they end.
-- name: job_guard :guard
-- args: int account, int id, int token
-- scope: global: decides the scope of what follows
SELECT guard_lease($1, $2, $3);

-- Leases the next job that is due to a worker: of the account behind the one
-- that it served last, if there is one.
-- name: job_claim_next :maybe
-- args: text worker, int4 seconds, texts actions, int account, int job,
-- args: int after
-- row:  lease
-- scope: global: looks for work in all accounts
SELECT id, application_id, account_id, task_id, credential_id, action,
    attempt_count, lease_token, payload
FROM job_claim($1, $2, $3, $4, $5, $6)
WHERE $5 <> 0 OR NOT EXISTS (SELECT FROM work_pause);

-- What a worker holds without knowing it: its claim was carried out and the
-- answer lost. Asked while it has no job.
-- name: job_give_back :value
-- args: text worker
-- value: int
-- scope: global: a worker does not know which accounts they are of
SELECT job_give_back($1);

-- This session is a worker's: what it asks for is carried out before the worker
-- counts as dead. The number is that of worker_lock, which the door may not call.
-- name: job_attend :exec
-- args: text worker
-- scope: global: it is of all accounts
SELECT pg_advisory_lock_shared(
    hashtextextended('letterrack.worker.' || $1, 0));

-- The jobs of a worker that is dead for certain wait again.
-- name: job_release_dead :one
-- args: text worker
-- row:  dead_jobs
-- scope: global: nobody knows which accounts they are of
SELECT released, held FROM job_release_dead($1);

-- What this transaction writes is on disk with the next that is waited for: of
-- what has no effect on anybody before that one is.
-- name: job_unhurried :exec
-- scope: global: a setting of the transaction at hand
SELECT set_config('synchronous_commit', 'off', true);

-- name: job_account_known :value
-- args: int account
-- value: bool
-- scope: global: an operator's question
SELECT account_known($1);

-- The state of a job of an account, or of any (0); empty: there is none.
-- name: job_known :value
-- args: int account, int job
-- value: text
-- scope: global: an operator's question
SELECT coalesce(job_known($1, $2), '');

-- Makes jobs for the mail accounts whose poll is due.
-- name: job_enqueue_polls :value
-- args: int4 seconds, int account
-- value: int
-- scope: global: looks for work in all accounts
SELECT poll_enqueue($1, $2);

-- In milliseconds, by the database's clock; no more than days.
-- name: job_due_in :value
-- value: int
-- scope: global: a worker asks how long it may sleep
SELECT least(coalesce(CASE WHEN NOT EXISTS (SELECT FROM work_pause)
    THEN ceil(extract(epoch FROM work_next_at() - now()) * 1000) END, 1e9), 1e9)::bigint;

-- name: job_renew :must
-- args: account account, id id, int token, int4 seconds
UPDATE job SET lease_until = now() + make_interval(secs => $4)
WHERE account_id = $1 AND id = $2 AND lease_token = $3 AND state = 'running';

-- Moves a job from one state to another; no row where it is no longer in the
-- first. Whether the move is allowed is job_may's to say.
-- name: job_move :maybe
-- args: account account, id id, text was, text becomes, int4 wait,
-- args: int4 attempt_step, text? code, text? detail, text? note
-- row:  job
UPDATE job SET state = $4,
    run_at = CASE $4 WHEN 'queued'
        THEN now() + make_interval(secs => $5) ELSE run_at END,
    -- One of its kind waits already: then this one waits as itself.
    singleton = CASE WHEN $4 <> 'queued' OR NOT EXISTS (SELECT FROM job o
        WHERE o.account_id = $1 AND o.singleton = job.singleton
        AND o.state = 'queued') THEN singleton END,
    attempt_count = greatest(0, attempt_count + $6),
    last_error_code = CASE WHEN $4 = 'succeeded' THEN NULL
        ELSE coalesce($7, last_error_code) END,
    last_error_detail = CASE WHEN $4 = 'succeeded' THEN NULL
        ELSE coalesce($8, last_error_detail) END,
    finished_at = CASE WHEN $4 IN ('succeeded', 'failed') THEN now()
        WHEN $4 = 'resolved' THEN finished_at END,
    failed_at = CASE $4 WHEN 'failed' THEN now()
        WHEN 'resolved' THEN failed_at END,
    resolved_at = CASE $4 WHEN 'resolved' THEN now() END,
    note = coalesce($9, note),
    worker = CASE $4 WHEN 'running' THEN worker END,
    lease_until = CASE $4 WHEN 'running' THEN lease_until END
WHERE account_id = $1 AND id = $2 AND state = $3
RETURNING id, account_id, task_id, credential_id, action, state, priority,
    run_at, attempt_count, created_at, started_at, finished_at, failed_at,
    resolved_at, note, last_error_code, last_error_detail;

-- name: job_get :one
-- args: account account, id id
-- row:  job
SELECT id, account_id, task_id, credential_id, action, state, priority,
    run_at, attempt_count, created_at, started_at, finished_at, failed_at,
    resolved_at, note, last_error_code, last_error_detail
FROM job WHERE account_id = $1 AND id = $2;

-- A line of the account's log about a job, seen by who sees its mail account.
-- name: job_log :exec
-- args: account account, id application, text action, text status,
-- args: text level, text message, json data, id? credential
INSERT INTO log (application_id, account_id, subject, action, status, level,
    message, data, user_id)
VALUES ($2, $1, 'job', $3, $4, $5, $6, $7, (SELECT c.user_id FROM credential c
    WHERE c.account_id = $1 AND c.id = $8));

-- Jobs, newest first, behind an id. `q` is looked for in what went wrong and
-- in notes; with `whole` also in the servers' words.
-- name: job_list :many
-- args: account account, id? task, text? state, text? action, text? q,
-- args: id before, int skip, int most, bool whole
-- row:  job
SELECT id, account_id, task_id, credential_id, action, state, priority,
    run_at, attempt_count, created_at, started_at, finished_at, failed_at,
    resolved_at, note, last_error_code, last_error_detail
FROM job
WHERE account_id = $1 AND id < $6 AND ($2 IS NULL OR task_id = $2)
AND ($3 IS NULL OR state = $3) AND ($4 IS NULL OR action = $4)
AND ($5 IS NULL OR position(lower($5) IN lower(concat_ws(' ', action,
    last_error_code, CASE WHEN $9 THEN last_error_detail END, note))) > 0)
ORDER BY id DESC
LIMIT $8 OFFSET $7;

-- The same, counted; stops at 10,001.
-- name: job_count :value
-- args: account account, id? task, text? state, text? action, text? q,
-- args: bool whole
-- value: int
SELECT count(*) FROM (
    SELECT FROM job
    WHERE account_id = $1 AND ($2 IS NULL OR task_id = $2)
    AND ($3 IS NULL OR state = $3) AND ($4 IS NULL OR action = $4)
    AND ($5 IS NULL OR position(lower($5) IN lower(concat_ws(' ', action,
        last_error_code, CASE WHEN $6 THEN last_error_detail END, note))) > 0)
    LIMIT 10001) AS capped;

-- The same job, to be changed in this transaction.
-- name: job_lock :one
-- args: account account, id id
-- row:  job
SELECT id, account_id, task_id, credential_id, action, state, priority,
    run_at, attempt_count, created_at, started_at, finished_at, failed_at,
    resolved_at, note, last_error_code, last_error_detail
FROM job WHERE account_id = $1 AND id = $2 FOR UPDATE;

-- A job that waits need not wait longer.
-- name: job_hurry :must
-- args: account account, id id
UPDATE job SET run_at = now()
WHERE account_id = $1 AND id = $2 AND state = 'queued';

-- The mail accounts that a pass would poll.
-- name: job_preview :many
-- args: int account
-- row:  preview
-- scope: global: looks for work in all accounts
SELECT application_id, account_id, credential_id FROM poll_preview($1);

-- Transactions that only read.
-- name: job_guard_look :guard
-- args: int application, int account
-- scope: global: decides the scope of what follows
SELECT guard_look($1, $2);

-- Runs that talk to a mail account as it was write nothing more.
-- name: job_fence :exec
-- args: account account, id credential
UPDATE job SET lease_token = lease_token + 1, lease_until = now()
WHERE account_id = $1 AND credential_id = $2 AND state = 'running';

-- One that waits; what is not given stays.
-- name: job_change :must
-- args: account account, id id, int? priority, time? run_at
UPDATE job SET priority = coalesce($3, priority),
    run_at = coalesce($4, run_at)
WHERE account_id = $1 AND id = $2 AND state = 'queued';

-- name: job_delete :must
-- args: account account, id id
DELETE FROM job WHERE account_id = $1 AND id = $2;

-- How many job_search_delete would remove, at most `limit`.
-- name: job_search_delete_count :value
-- args: account account, text? q, text? state, text? action,
-- args: time? older_than, int limit
-- value: int
-- plan: custom
SELECT count(*) FROM (
    SELECT FROM job
    WHERE account_id = $1 AND state IN ('succeeded', 'failed', 'resolved')
    AND ($3 IS NULL OR state = $3) AND ($4 IS NULL OR action = $4)
    AND ($5 IS NULL OR coalesce(finished_at, created_at) < $5)
    AND ($2 IS NULL OR position(lower($2) IN lower(concat_ws(' ', action,
        last_error_code, last_error_detail, note))) > 0)
    LIMIT $6) few;

-- Removes jobs that have ended, oldest first; how many. Their tasks stay.
-- name: job_search_delete :value
-- args: account account, text? q, text? state, text? action,
-- args: time? older_than, int limit
-- value: int
-- plan: custom
WITH ended AS MATERIALIZED (
	SELECT id, task_id FROM job
	WHERE account_id = $1 AND state IN ('succeeded', 'failed', 'resolved')
	AND ($3 IS NULL OR state = $3) AND ($4 IS NULL OR action = $4)
	AND ($5 IS NULL OR coalesce(finished_at, created_at) < $5)
	AND ($2 IS NULL OR position(lower($2) IN lower(concat_ws(' ', action,
	    last_error_code, last_error_detail, note))) > 0)
	ORDER BY id LIMIT $6 FOR UPDATE
), gone AS (
	DELETE FROM job j USING ended WHERE j.account_id = $1 AND j.id = ended.id
	RETURNING j.id
), alone AS (
	UPDATE task t SET last_job_id = NULL FROM ended
	WHERE t.account_id = $1 AND t.id = ended.task_id
	AND t.last_job_id = ended.id
)
SELECT count(*) FROM gone;

-- ---- polls that are asked for from outside

-- One at a time, on all hosts; as long as the connection lasts.
-- name: poll_lock :value
-- value: bool
-- scope: global: it is of all accounts
SELECT pg_try_advisory_lock(hashtext('letterrack.poll'));

-- name: poll_unlock :value
-- value: bool
-- scope: global: it is of all accounts
SELECT pg_advisory_unlock(hashtext('letterrack.poll'));

-- name: poll_begin :many
-- args: int4 seconds
-- row:  poll_job
-- scope: global: it is of all accounts
SELECT account_id, job_id FROM poll_begin($1);

-- name: poll_mark :value
-- value: int
-- scope: global: an id beyond which emails are new
SELECT poll_mark();

-- name: poll_seen :many
-- args: ids jobs, int mark
-- row:  poll_result
-- scope: global: the jobs are named by who has made them
SELECT job_id, credential_id, state, code, is_over, emails
FROM poll_seen($1, $2);
