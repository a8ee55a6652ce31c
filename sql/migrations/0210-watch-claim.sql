-- A watcher does at once what it was told of: the job of that begins as its own.

SET LOCAL search_path = letterrack;

-- The job that looks for new mail, leased to the watcher of that mail account;
-- no row where it is not to be done by it: nothing is held there, work is
-- paused, or another job of the mail account is at it. p_ms: how long ago the
-- server told. What a crash of the database undoes the next look finds.
CREATE FUNCTION watch_claim(p_account bigint, p_credential bigint,
    p_worker text, p_lease integer, p_ms bigint)
RETURNS TABLE (id bigint, application_id bigint, account_id bigint,
    task_id bigint, credential_id bigint, action text, attempt_count integer,
    lease_token bigint, payload json)
LANGUAGE plpgsql SET search_path = letterrack, pg_temp AS $$
#variable_conflict use_column
DECLARE
	app bigint;
	j bigint;
	t bigint;
BEGIN
	PERFORM set_config('synchronous_commit', 'off', true);
	SELECT application_id INTO app FROM credential c
	WHERE c.account_id = p_account AND c.id = p_credential
	AND c.hold_policy <> 'off' AND NOT EXISTS (SELECT FROM work_pause)
	AND NOT EXISTS (SELECT FROM job o WHERE o.account_id = p_account
	    AND o.exclusion = 'imap:' || p_credential AND o.state = 'running');
	IF NOT FOUND THEN
		RETURN;
	END IF;
	-- As job_attend: what this session asks for is carried out before the
	-- worker counts as dead.
	PERFORM pg_advisory_lock_shared(
	    hashtextextended('letterrack.worker.' || p_worker, 0));
	SELECT x.id, x.task_id INTO j, t FROM job x
	WHERE x.account_id = p_account AND x.state = 'queued'
	AND x.singleton = 'imap_watch:' || p_credential;
	IF NOT FOUND THEN
		INSERT INTO task (application_id, account_id, task_type,
		    target_credential_id, priority, state, started_at)
		VALUES (app, p_account, 'imap_watch', p_credential, 9, 'running',
		    now()) RETURNING task.id INTO t;
		INSERT INTO job (application_id, account_id, task_id,
		    credential_id, action, priority, exclusion, singleton, state,
		    worker, lease_token, lease_until, attempt_count, started_at)
		VALUES (app, p_account, t, p_credential, 'imap_watch', 9,
		    'imap:' || p_credential, 'imap_watch:' || p_credential,
		    'running', p_worker, 1, now() + make_interval(secs => p_lease),
		    1, now()) RETURNING job.id INTO j;
		UPDATE task x SET last_job_id = j
		WHERE x.account_id = p_account AND x.id = t;
	ELSE
		UPDATE job x SET state = 'running', worker = p_worker,
		    lease_token = x.lease_token + 1,
		    lease_until = now() + make_interval(secs => p_lease),
		    attempt_count = x.attempt_count + 1,
		    started_at = coalesce(x.started_at, now()),
		    finished_at = NULL, failed_at = NULL
		WHERE x.id IN (SELECT q.id FROM job q WHERE q.id = j
		    AND q.account_id = p_account AND q.state = 'queued'
		    FOR UPDATE SKIP LOCKED);
		IF NOT FOUND THEN
			RETURN;
		END IF;
		UPDATE task x SET state = 'running',
		    started_at = coalesce(x.started_at, now())
		WHERE x.account_id = p_account AND x.id = t;
	END IF;
	UPDATE watcher w SET told_at = CASE
	    WHEN w.told_at > now() - interval '10 minutes' THEN w.told_at
	    ELSE now() - make_interval(secs => p_ms / 1000.0) END
	WHERE w.account_id = p_account AND w.credential_id = p_credential;
	RETURN QUERY SELECT x.id, x.application_id, x.account_id, x.task_id,
	    x.credential_id, x.action, x.attempt_count, x.lease_token,
	    '{}'::json
	FROM job x WHERE x.account_id = p_account AND x.id = j;
EXCEPTION WHEN unique_violation THEN
	-- Another began in this very moment.
	RETURN;
END $$;
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA letterrack FROM PUBLIC;
