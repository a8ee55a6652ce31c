-- A worker whose claim was carried out while its answer was lost holds a job
-- that it does not know of. Its name is its own, and it has no other job when
-- it asks for the next: what carries its name waits again, at once.

SET LOCAL search_path = letterrack;

CREATE FUNCTION job_give_back(p_worker text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
DECLARE
	n bigint;
BEGIN
	WITH mine AS MATERIALIZED (
		SELECT x.account_id, x.id, x.task_id FROM job x
		WHERE x.state = 'running' AND x.worker = p_worker
		FOR UPDATE
	), back AS (
		UPDATE job x SET state = 'queued', run_at = now(),
		    -- As in job_move: one of its kind may wait already.
		    singleton = CASE WHEN NOT EXISTS (SELECT FROM job o
		        WHERE o.account_id = x.account_id
		        AND o.singleton = x.singleton AND o.state = 'queued')
		        THEN x.singleton END,
		    attempt_count = greatest(0, x.attempt_count - 1),
		    worker = NULL, lease_until = NULL
		FROM mine
		WHERE x.account_id = mine.account_id AND x.id = mine.id
	), waits AS (
		UPDATE task t SET state = 'queued' FROM mine
		WHERE t.account_id = mine.account_id AND t.id = mine.task_id
		AND t.last_job_id = mine.id
	)
	SELECT count(*) INTO n FROM mine;
	RETURN n;
END $$;
