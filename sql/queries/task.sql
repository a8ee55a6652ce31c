-- A task and its first job, queued. No row: one of its kind (`singleton`)
-- waits already.
-- name: task_start_row :maybe
-- args: account account, id application, text task_type, id? credential,
-- args: json payload, int4 priority, text action, text? exclusion,
-- args: text? singleton, time? run_at
-- row:  task_started
WITH j AS (
	INSERT INTO job (application_id, account_id, task_id, credential_id,
	    action, priority, exclusion, singleton, run_at)
	VALUES ($2, $1, nextval('task_id_seq'), $4, $7, $6, $8, $9,
	    coalesce($10, now()))
	ON CONFLICT (account_id, singleton) WHERE state = 'queued' DO NOTHING
	RETURNING id, task_id
)
INSERT INTO task (application_id, account_id, id, task_type,
    target_credential_id, payload, priority, state, last_job_id)
SELECT $2, $1, j.task_id, $3, $4, $5, $6, 'queued', j.id FROM j
RETURNING id AS task_id, last_job_id AS job_id;

-- A task's state follows its last job's.
-- name: task_follow :exec
-- args: account account, id id, id job, text state
UPDATE task SET state = $4,
    finished_at = CASE WHEN $4 IN ('succeeded', 'failed') THEN now() END
WHERE account_id = $1 AND id = $2 AND last_job_id = $3;

-- name: task_get :one
-- args: account account, id id
-- row:  task
SELECT id, account_id, task_type, target_credential_id, payload, priority,
    state, created_at, started_at, finished_at, last_job_id
FROM task WHERE account_id = $1 AND id = $2;

-- Tasks, newest first, behind an id. `q` is looked for in what they are; with
-- `whole` in what was asked, too.
-- name: task_list :many
-- args: account account, id? credential, text? state, text? type, id before,
-- args: int skip, int most, text? q, bool whole
-- row:  task
SELECT id, account_id, task_type, target_credential_id, payload, priority,
    state, created_at, started_at, finished_at, last_job_id
FROM task
WHERE account_id = $1 AND id < $5
AND ($2 IS NULL OR target_credential_id = $2)
AND ($3 IS NULL OR state = $3) AND ($4 IS NULL OR task_type = $4)
AND ($8 IS NULL OR position(lower($8) IN lower(concat_ws(' ', task_type, state,
    CASE WHEN $9 THEN payload END))) > 0)
ORDER BY id DESC
LIMIT $7 OFFSET $6;

-- The same, counted; stops at 10,001.
-- name: task_count :value
-- args: account account, id? credential, text? state, text? type, text? q,
-- args: bool whole
-- value: int
SELECT count(*) FROM (
    SELECT FROM task
    WHERE account_id = $1 AND ($2 IS NULL OR target_credential_id = $2)
    AND ($3 IS NULL OR state = $3) AND ($4 IS NULL OR task_type = $4)
    AND ($5 IS NULL OR position(lower($5) IN lower(concat_ws(' ', task_type,
        state, CASE WHEN $6 THEN payload END))) > 0)
    LIMIT 10001) AS capped;

-- The one of its kind that waits.
-- name: task_waiting :maybe
-- args: account account, text singleton
-- row:  task_started
SELECT task_id, id AS job_id FROM job
WHERE account_id = $1 AND singleton = $2 AND state = 'queued';

-- One that does not start by itself.
-- name: task_create :value
-- args: account account, id application, text task_type, id? credential,
-- args: json payload, int4 priority
-- value: int
INSERT INTO task (application_id, account_id, task_type, target_credential_id,
    payload, priority)
VALUES ($2, $1, $3, $4, $5, $6) RETURNING id;

-- The same task, to be changed in this transaction.
-- name: task_lock :one
-- args: account account, id id
-- row:  task
SELECT id, account_id, task_type, target_credential_id, payload, priority,
    state, created_at, started_at, finished_at, last_job_id
FROM task WHERE account_id = $1 AND id = $2 FOR UPDATE;

-- Another run of a task.
-- name: task_run :one
-- args: account account, id id, text? exclusion
-- row:  task_started
WITH j AS (
	INSERT INTO job (application_id, account_id, task_id, credential_id,
	    action, priority, exclusion)
	SELECT application_id, account_id, id, target_credential_id, task_type,
	    priority, $3 FROM task WHERE account_id = $1 AND id = $2
	RETURNING id, task_id
)
UPDATE task SET state = 'queued', finished_at = NULL, last_job_id = j.id
FROM j WHERE task.account_id = $1 AND task.id = j.task_id
RETURNING task.id AS task_id, j.id AS job_id;

-- name: task_change :must
-- args: account account, id id, int4 priority, json payload, id? credential
UPDATE task SET priority = $3, payload = $4, target_credential_id = $5
WHERE account_id = $1 AND id = $2;

-- Its jobs that wait with it.
-- name: task_hasten :exec
-- args: account account, id id, int4 priority
UPDATE job SET priority = $3
WHERE account_id = $1 AND task_id = $2 AND state = 'queued';

-- name: task_cancel :must
-- args: account account, id id
UPDATE task SET state = 'cancelled', finished_at = now()
WHERE account_id = $1 AND id = $2;

-- name: task_remove :must
-- args: account account, id id
DELETE FROM task WHERE account_id = $1 AND id = $2;

-- A job that is removed is no task's last one; what waited for it alone does
-- so no longer.
-- name: task_forget_job :exec
-- args: account account, id id, id job
UPDATE task SET last_job_id = NULL,
    finished_at = CASE WHEN state = 'queued' THEN now() ELSE finished_at END,
    state = CASE WHEN state = 'queued' THEN 'cancelled' ELSE state END
WHERE account_id = $1 AND id = $2 AND last_job_id = $3;
