-- A poll that somebody from outside asks for (POST /webhooks/poll-emails): of
-- all mail accounts that are polled anyhow, now. Whose they are is nothing to
-- the caller, who belongs to none.

SET LOCAL search_path = letterrack;

-- Makes the jobs; those that wait already are among them.
CREATE FUNCTION poll_begin(p_interval integer)
RETURNS TABLE (account_id bigint, job_id bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	UPDATE credential SET next_poll_at = NULL
	WHERE is_active AND provider_kind = 'imap' AND user_id IS NULL
	AND sync_mode IN ('poll', 'idle') AND status <> 'invalid';
	PERFORM poll_enqueue(p_interval, 0);
	RETURN QUERY SELECT j.account_id, j.id FROM credential c
	JOIN job j ON j.account_id = c.account_id AND j.state = 'queued'
	    AND j.singleton = 'imap_sync_messages:' || c.id
	WHERE c.is_active AND c.provider_kind = 'imap' AND c.user_id IS NULL
	AND c.sync_mode IN ('poll', 'idle') AND c.status <> 'invalid'
	ORDER BY c.last_checked NULLS FIRST;
END $$;

-- What became of them. Emails are counted that are newer than p_mark.
CREATE FUNCTION poll_seen(p_jobs bigint[], p_mark bigint)
RETURNS TABLE (job_id bigint, credential_id bigint, state text, code text,
    is_over boolean, emails bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
	SELECT j.id, j.credential_id, j.state, j.last_error_code,
	    j.state NOT IN ('queued', 'running')
	    OR (j.state = 'queued' AND j.attempt_count > 0
	    AND j.last_error_code IS NOT NULL AND NOT j.is_due),
	    (SELECT count(*) FROM email e WHERE e.account_id = j.account_id
	    AND e.id > p_mark AND e.credential_id = j.credential_id)
	FROM job j WHERE j.id = ANY (p_jobs) ORDER BY j.id
$$;

-- The newest email of all.
CREATE FUNCTION poll_mark() RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
	SELECT coalesce(max(id), 0) FROM email
$$;
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA letterrack FROM PUBLIC;
