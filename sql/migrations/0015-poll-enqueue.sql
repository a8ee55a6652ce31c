-- A job that somebody asks for in the very moment of a poll made it fail, and
-- with it the worker's pass.

SET LOCAL search_path = letterrack;

CREATE OR REPLACE FUNCTION poll_enqueue(p_interval integer, p_account bigint)
RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
DECLARE
	c record;
	t bigint;
	j bigint;
	n bigint := 0;
BEGIN
	FOR c IN SELECT application_id, account_id, id FROM credential
	    WHERE is_active AND provider_kind = 'imap' AND user_id IS NULL
	    AND sync_mode IN ('poll', 'idle') AND status <> 'invalid'
	    AND coalesce(next_poll_at, '-infinity') <= now()
	    AND (p_account = 0 OR account_id = p_account)
	    ORDER BY next_poll_at NULLS FIRST
	    FOR UPDATE SKIP LOCKED LOOP
		UPDATE credential SET next_poll_at = now() +
		    make_interval(secs => p_interval)
		WHERE account_id = c.account_id AND id = c.id;
		CONTINUE WHEN EXISTS (SELECT FROM job
		    WHERE account_id = c.account_id
		    AND singleton = 'imap_sync_messages:' || c.id AND state = 'queued');
		INSERT INTO task (application_id, account_id, task_type,
		    target_credential_id, state)
		VALUES (c.application_id, c.account_id, 'imap_sync_messages',
		    c.id, 'queued') RETURNING id INTO t;
		INSERT INTO job (application_id, account_id, task_id,
		    credential_id, action, exclusion, singleton)
		VALUES (c.application_id, c.account_id, t, c.id,
		    'imap_sync_messages', 'imap:' || c.id, 'imap_sync_messages:' || c.id)
		ON CONFLICT (account_id, singleton) WHERE state = 'queued'
		DO NOTHING RETURNING id INTO j;
		IF j IS NULL THEN
			DELETE FROM task WHERE account_id = c.account_id AND id = t;
			CONTINUE;
		END IF;
		UPDATE task SET last_job_id = j
		WHERE account_id = c.account_id AND id = t;
		n := n + 1;
	END LOOP;
	RETURN n;
END $$;
