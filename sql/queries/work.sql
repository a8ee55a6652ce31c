-- uses: job
-- What an operator asks of the work that waits, as the owner of the schema.

-- name: work_list :many
-- args: id application, bool every, int most
-- row:  job
-- scope: global: an operator's list
SELECT id, account_id, task_id, credential_id, action, state, priority,
    run_at, attempt_count, created_at, started_at, finished_at, failed_at,
    resolved_at, note, last_error_code, last_error_detail
FROM job
WHERE application_id = $1 AND ($2 OR state IN ('queued', 'running', 'failed'))
ORDER BY id LIMIT $3;

-- name: work_get :maybe
-- args: id application, id id
-- row:  job
-- scope: global: an operator's look
SELECT id, account_id, task_id, credential_id, action, state, priority,
    run_at, attempt_count, created_at, started_at, finished_at, failed_at,
    resolved_at, note, last_error_code, last_error_detail
FROM job WHERE application_id = $1 AND id = $2;

-- Waits for claims that have looked and not committed yet.
-- name: work_pause_lock :exec
-- scope: global: it is of all accounts
LOCK TABLE work_pause IN ACCESS EXCLUSIVE MODE;

-- name: work_pause :exec
-- scope: global: it is of all accounts
INSERT INTO work_pause DEFAULT VALUES ON CONFLICT DO NOTHING;

-- name: work_resume :exec
-- scope: global: it is of all accounts
DELETE FROM work_pause;

-- Workers that sleep look again.
-- name: work_wake :exec
-- scope: global: it is of all accounts
SELECT pg_notify('letterrack_job', ''), pg_notify('letterrack_delivery', '');

-- name: work_running :value
-- value: int
-- scope: global: it is of all accounts
SELECT (SELECT count(*) FROM job
    WHERE state = 'running' AND lease_until > now())
    + (SELECT count(*) FROM outgoing WHERE state IN ('queued', 'sending')
    AND lease_until > now())
    + (SELECT count(*) FROM webhook_delivery
    WHERE state = 'sending' AND run_at > now());

-- name: work_paused_at :value
-- value: time
-- scope: global: it is of all accounts
SELECT coalesce((SELECT since FROM work_pause), 'infinity');

-- Jobs that are not done with.
-- name: work_depth :many
-- row:  work_depth
-- scope: global: an operator's sum
SELECT state, action, count(*) AS n,
    extract(epoch FROM now() - min(run_at) FILTER (WHERE is_due))::bigint
    AS due_s
FROM job WHERE state IN ('queued', 'running', 'failed')
GROUP BY state, action ORDER BY state, action;

-- name: work_workers :many
-- row:  work_worker
-- scope: global: an operator's sum
SELECT worker AS name, count(*) AS jobs FROM job
WHERE state = 'running' AND lease_until > now()
GROUP BY worker ORDER BY worker;

-- name: work_mail_waiting :value
-- value: int
-- scope: global: an operator's sum
SELECT count(*) FROM outgoing WHERE state <> 'accepted' AND resolved_at IS NULL;

-- name: work_deliveries_waiting :value
-- value: int
-- scope: global: an operator's sum
SELECT count(*) FROM webhook_delivery WHERE state IN ('queued', 'sending');

-- name: work_invalid :value
-- value: int
-- scope: global: an operator's sum
SELECT count(*) FROM credential
WHERE is_active AND status IN ('invalid', 'expired');

-- The mail accounts that are polled, the longest unseen first.
-- name: work_syncs :many
-- args: int most
-- row:  work_sync
-- scope: global: an operator's list
SELECT id AS credential_id, account_id, status, last_checked, last_error_code
FROM credential
WHERE is_active AND provider_kind = 'imap' AND sync_mode <> 'off'
ORDER BY last_checked NULLS FIRST, id LIMIT $1;

-- name: work_schema :value
-- value: int
-- scope: global: an operator's look
SELECT max(number)::bigint FROM migration;

-- An operator's transactions in an account.
-- name: work_guard :guard
-- args: int application, int account
-- scope: global: decides the scope of what follows
SELECT set_config('letterrack.application', $1::text, true),
    set_config('letterrack.account', $2::text, true),
    set_config('letterrack.user', '0', true);

-- The same for a monitor, which asks as the programs do.
-- name: work_metrics :many
-- row:  work_metric
-- scope: global: sums, and no row of anybody
SELECT what, state, kind, n, due_s FROM work_metrics()
UNION ALL
SELECT 'watchers', state, NULL, n, NULL FROM watch_metrics();
