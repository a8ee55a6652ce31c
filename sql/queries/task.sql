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

-- Tasks, newest first, behind an id.
-- name: task_list :many
-- args: account account, id? credential, text? state, text? type, id before,
-- args: int skip, int most
-- row:  task
SELECT id, account_id, task_type, target_credential_id, payload, priority,
    state, created_at, started_at, finished_at, last_job_id
FROM task
WHERE account_id = $1 AND id < $5
AND ($2 IS NULL OR target_credential_id = $2)
AND ($3 IS NULL OR state = $3) AND ($4 IS NULL OR task_type = $4)
ORDER BY id DESC
LIMIT $7 OFFSET $6;

-- The same, counted; stops at 10,001.
-- name: task_count :value
-- args: account account, id? credential, text? state, text? type
-- value: int
SELECT count(*) FROM (
    SELECT FROM task
    WHERE account_id = $1 AND ($2 IS NULL OR target_credential_id = $2)
    AND ($3 IS NULL OR state = $3) AND ($4 IS NULL OR task_type = $4)
    LIMIT 10001) AS capped;

-- The one of its kind that waits.
-- name: task_waiting :maybe
-- args: account account, text singleton
-- row:  task_started
SELECT task_id, id AS job_id FROM job
WHERE account_id = $1 AND singleton = $2 AND state = 'queued';
