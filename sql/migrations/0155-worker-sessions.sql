-- What a killed worker had sent last is carried out behind its death, and for
-- as long as that takes nobody sees anything of it: a claim was found when its
-- worker had been looked for and forgotten, and its job waited for the end of
-- its lease. So a worker's sessions share a lock that lasts as long as they do,
-- and the worker is not forgotten before it is free: by then they have ended,
-- and all that they did is there to be seen.

SET LOCAL search_path = letterrack;

CREATE FUNCTION worker_lock(p_worker text) RETURNS bigint
LANGUAGE sql IMMUTABLE
AS $$ SELECT hashtextextended('letterrack.worker.' || p_worker, 0) $$;

-- The lock is asked for first: who has it sees all.
CREATE OR REPLACE FUNCTION job_release_dead(p_worker text, OUT released bigint,
    OUT held bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
DECLARE
	over boolean := pg_try_advisory_xact_lock(worker_lock(p_worker));
BEGIN
	WITH theirs AS MATERIALIZED (
		SELECT x.account_id, x.id, x.task_id FROM job x
		WHERE x.state = 'running' AND x.worker = p_worker
		FOR UPDATE SKIP LOCKED
	), back AS (
		UPDATE job x SET state = 'queued', run_at = now() +
		    make_interval(secs => CASE WHEN x.attempt_count > 3
		        THEN 5 * 2 ^ least(x.attempt_count - 4, 5) ELSE 0 END),
		    -- As in job_move: one of its kind may wait already.
		    singleton = CASE WHEN NOT EXISTS (SELECT FROM job o
		        WHERE o.account_id = x.account_id
		        AND o.singleton = x.singleton AND o.state = 'queued')
		        THEN x.singleton END,
		    worker = NULL, lease_until = NULL
		FROM theirs
		WHERE x.account_id = theirs.account_id AND x.id = theirs.id
	), waits AS (
		UPDATE task t SET state = 'queued' FROM theirs
		WHERE t.account_id = theirs.account_id AND t.id = theirs.task_id
		AND t.last_job_id = theirs.id
	)
	SELECT count(*) INTO released FROM theirs;
	SELECT count(*) INTO held FROM job x
	WHERE x.state = 'running' AND x.worker = p_worker;
	held := greatest(held, (NOT over)::int);
END $$;
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA letterrack FROM PUBLIC;
