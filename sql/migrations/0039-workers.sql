-- A worker that was killed held its jobs, and with each one a whole mail
-- account, until their leases ended. Whoever knows that it is dead may say so:
-- its jobs wait again at once. Nothing that it still had on its way is written
-- behind this, since its leases are no longer running (guard_lease), and a
-- transaction of it that is being carried out holds the row: that one is left
-- (`held`) and asked for again.
--
-- The try counts. A job that has killed several workers waits in between, if
-- never as long as for a lease.

SET LOCAL search_path = letterrack;

CREATE FUNCTION job_release_dead(p_worker text, OUT released bigint,
    OUT held bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
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
END $$;

-- Is there such an account? For who is told by hand what to work for.
CREATE FUNCTION account_known(p_account bigint) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
	SELECT EXISTS (SELECT FROM account WHERE id = p_account)
$$;

-- The state of a job of an account (0: of any); NULL: there is none.
CREATE FUNCTION job_known(p_account bigint, p_job bigint) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
	SELECT state FROM job
	WHERE id = p_job AND (p_account = 0 OR account_id = p_account)
$$;
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA letterrack FROM PUBLIC;
