-- Accounts take turns: one with a million jobs keeps another's waiting for one
-- job a worker. And a claim costs the same, however many jobs wait.
--
-- A worker goes around the accounts that have something due, from the one it
-- served last (p_after) to the next by id, and takes that account's first job:
-- higher priority, then older. What is due is a column, so that an index has
-- just that: a job with a time to come is brought into it by the first claim
-- behind its time. So accounts that are looked at in vain are those whose due
-- jobs are all excluded by one that runs, and no more of these than workers.

SET LOCAL search_path = letterrack;

ALTER TABLE job ADD COLUMN is_due boolean NOT NULL DEFAULT false;
UPDATE job SET is_due = true WHERE state = 'queued' AND run_at <= now();

CREATE FUNCTION job_due_set() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	NEW.is_due := NEW.state = 'queued' AND NEW.run_at <= now();
	RETURN NEW;
END $$;
CREATE TRIGGER job_due_set BEFORE INSERT OR UPDATE OF state, run_at ON job
	FOR EACH ROW EXECUTE FUNCTION job_due_set();

DROP INDEX job_due;
CREATE INDEX job_due ON job (account_id, priority DESC, run_at, id)
	WHERE is_due;
-- Each thing of which one job at a time runs, with its first job.
CREATE INDEX job_due_lane ON job
	(account_id, exclusion, priority DESC, run_at, id) WHERE is_due;
CREATE INDEX job_later ON job (run_at) WHERE state = 'queued' AND NOT is_due;
CREATE INDEX job_later_account ON job (account_id, run_at)
	WHERE state = 'queued' AND NOT is_due;

-- What follows is job_claim's, and runs in its plans' circumstances.

-- Jobs whose time has come since. Where more have than are taken at once, each
-- account's first one is among them.
CREATE FUNCTION job_come_due(p_most integer) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
	n bigint;
BEGIN
	IF NOT EXISTS (SELECT FROM job WHERE state = 'queued' AND NOT is_due
	    AND run_at <= now()) THEN
		RETURN;
	END IF;
	UPDATE job SET is_due = true WHERE id IN (SELECT id FROM job
	    WHERE state = 'queued' AND NOT is_due AND run_at <= now()
	    ORDER BY run_at LIMIT p_most FOR UPDATE SKIP LOCKED);
	GET DIAGNOSTICS n = ROW_COUNT;
	IF n < p_most THEN
		RETURN;
	END IF;
	UPDATE job SET is_due = true WHERE id IN (SELECT id FROM job WHERE id IN (
	    WITH RECURSIVE a AS (
		(SELECT account_id FROM job WHERE state = 'queued' AND NOT is_due
		ORDER BY account_id LIMIT 1)
		UNION ALL
		SELECT (SELECT x.account_id FROM job x
		    WHERE x.state = 'queued' AND NOT x.is_due
		    AND x.account_id > a.account_id
		    ORDER BY x.account_id LIMIT 1)
		FROM a WHERE a.account_id IS NOT NULL
	    )
	    SELECT j.id FROM a, LATERAL (SELECT x.id FROM job x
		WHERE x.account_id = a.account_id AND x.state = 'queued'
		AND NOT x.is_due AND x.run_at <= now()
		ORDER BY x.run_at LIMIT 1) j) FOR UPDATE SKIP LOCKED);
END $$;

-- May it be taken now? Locked for who asks; another's claim is not waited for.
CREATE FUNCTION job_take(p_id bigint) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
	PERFORM FROM job x WHERE x.id = p_id
	AND (x.state = 'queued'
	    OR (x.state = 'running' AND x.lease_until < now()))
	AND NOT EXISTS (SELECT FROM job o
	    WHERE o.account_id = x.account_id AND o.exclusion = x.exclusion
	    AND o.state = 'running' AND o.id <> x.id)
	FOR UPDATE SKIP LOCKED;
	RETURN FOUND;
END $$;

-- An account's first job that may be taken; NULL: none. Nearly always it is
-- one of the first few; behind them only what is excluded may stand, however
-- much of it, and so each lane is asked for its first.
CREATE FUNCTION job_first(p_account bigint, p_actions text[]) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
	j bigint;
BEGIN
	FOR j IN SELECT f.id FROM (SELECT x.id, x.action FROM job x
	    WHERE x.is_due AND x.account_id = p_account
	    ORDER BY x.account_id, x.priority DESC, x.run_at, x.id LIMIT 8) f
	    WHERE p_actions IS NULL OR f.action = ANY (p_actions) LOOP
		IF job_take(j) THEN
			RETURN j;
		END IF;
	END LOOP;
	FOR j IN WITH RECURSIVE lane AS (
		(SELECT x.exclusion FROM job x
		WHERE x.is_due AND x.account_id = p_account
		AND x.exclusion IS NOT NULL ORDER BY x.exclusion LIMIT 1)
		UNION ALL
		SELECT (SELECT x.exclusion FROM job x
		    WHERE x.is_due AND x.account_id = p_account
		    AND x.exclusion > lane.exclusion
		    ORDER BY x.exclusion LIMIT 1)
		FROM lane WHERE lane.exclusion IS NOT NULL
	    )
	    SELECT f.id FROM (
		SELECT h.* FROM lane, LATERAL (SELECT x.id, x.priority, x.run_at
		    FROM job x WHERE x.is_due AND x.account_id = p_account
		    -- Written so that only the lanes' index gives this order.
		    AND x.exclusion BETWEEN lane.exclusion AND lane.exclusion
		    AND (p_actions IS NULL OR x.action = ANY (p_actions))
		    ORDER BY x.exclusion, x.priority DESC, x.run_at, x.id
		    LIMIT 1) h
		WHERE lane.exclusion IS NOT NULL
		AND NOT EXISTS (SELECT FROM job o WHERE o.account_id = p_account
		    AND o.exclusion = lane.exclusion AND o.state = 'running')
		UNION ALL
		SELECT n.* FROM (SELECT x.id, x.priority, x.run_at FROM job x
		    WHERE x.is_due AND x.account_id = p_account
		    AND x.exclusion IS NULL
		    AND (p_actions IS NULL OR x.action = ANY (p_actions))
		    ORDER BY x.exclusion, x.priority DESC, x.run_at, x.id
		    LIMIT 64) n
	    ) f ORDER BY f.priority DESC, f.run_at, f.id LOOP
		IF job_take(j) THEN
			RETURN j;
		END IF;
	END LOOP;
	RETURN NULL;
END $$;

-- The job whose turn it is; NULL: none. Leases that have ended come first:
-- there are few of them, and they have waited.
CREATE FUNCTION job_next(p_actions text[], p_account bigint, p_after bigint)
RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
	a bigint := p_after;
	around boolean := false;
	j bigint;
BEGIN
	FOR j IN SELECT x.id FROM job x
	    WHERE x.state = 'running' AND x.lease_until < now()
	    AND (p_actions IS NULL OR x.action = ANY (p_actions))
	    AND (p_account = 0 OR x.account_id = p_account)
	    ORDER BY x.lease_until LOOP
		IF job_take(j) THEN
			RETURN j;
		END IF;
	END LOOP;
	IF p_account <> 0 THEN
		RETURN job_first(p_account, p_actions);
	END IF;
	LOOP
		SELECT x.account_id INTO a FROM job x
		WHERE x.is_due AND x.account_id > a
		ORDER BY x.account_id, x.priority DESC, x.run_at, x.id LIMIT 1;
		IF a IS NULL AND NOT around THEN
			around := true;
			a := 0;
			CONTINUE;
		END IF;
		IF a IS NULL OR (around AND a > p_after) THEN
			RETURN NULL;
		END IF;
		j := job_first(a, p_actions);
		IF j IS NOT NULL THEN
			RETURN j;
		END IF;
	END LOOP;
END $$;

-- The next job, leased to `p_worker`. p_account, p_job 0: any; a named job is
-- taken before its time. p_after: whose turn it was last.
DROP FUNCTION job_claim(text, integer, text[], bigint, bigint);
CREATE FUNCTION job_claim(p_worker text, p_lease integer, p_actions text[],
    p_account bigint, p_job bigint, p_after bigint DEFAULT 0)
RETURNS TABLE (id bigint, application_id bigint, account_id bigint,
    task_id bigint, credential_id bigint, action text, attempt_count integer,
    lease_token bigint, payload json)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = letterrack, pg_temp
-- A plan that was made when there were ten jobs has to do for a million.
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off
SET plan_cache_mode = force_generic_plan SET jit = off
AS $$
#variable_conflict use_column
DECLARE
	j bigint;
BEGIN
	PERFORM job_come_due(1000);
	LOOP
		IF p_job = 0 THEN
			j := job_next(p_actions, p_account, p_after);
		ELSE
			SELECT x.id INTO j FROM job x WHERE x.id = p_job
			AND (p_account = 0 OR x.account_id = p_account)
			AND (p_actions IS NULL OR x.action = ANY (p_actions))
			AND job_take(x.id);
		END IF;
		IF j IS NULL THEN
			RETURN;
		END IF;
		BEGIN
			RETURN QUERY UPDATE job x SET state = 'running',
			    worker = p_worker, lease_token = x.lease_token + 1,
			    lease_until = now() + make_interval(secs => p_lease),
			    attempt_count = x.attempt_count + 1,
			    started_at = coalesce(x.started_at, now()),
			    finished_at = NULL, failed_at = NULL
			FROM task t
			WHERE x.id = j AND t.account_id = x.account_id
			AND t.id = x.task_id
			RETURNING x.id, x.application_id, x.account_id, x.task_id,
			    x.credential_id, x.action, x.attempt_count,
			    x.lease_token, t.payload;
			UPDATE task t SET state = 'running',
			    started_at = coalesce(t.started_at, now())
			FROM job x WHERE x.id = j AND t.account_id = x.account_id
			AND t.id = x.task_id;
			RETURN;
		EXCEPTION WHEN unique_violation THEN
			-- Its exclusion was taken in this very moment.
			NULL;
		END;
	END LOOP;
END $$;

-- When the next thing is due, so that a waiting worker knows how long.
CREATE OR REPLACE FUNCTION work_next_at() RETURNS timestamptz
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
	SELECT least((SELECT run_at FROM job WHERE is_due
	    ORDER BY account_id, priority DESC, run_at, id LIMIT 1),
	    (SELECT min(run_at) FROM job WHERE state = 'queued' AND NOT is_due),
	    (SELECT min(lease_until) FROM job WHERE state = 'running'),
	    (SELECT min(coalesce(next_poll_at, now())) FROM credential
	    WHERE is_active AND provider_kind = 'imap' AND user_id IS NULL
	    AND sync_mode IN ('poll', 'idle') AND status <> 'invalid'))
$$;
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA letterrack FROM PUBLIC;
