-- A monitor sees the mail of accounts that is not done with, and what is unknown
-- and waits for an operator.

SET LOCAL search_path = letterrack;

CREATE INDEX submission_open ON submission (state, created_at)
	WHERE state IN ('queued', 'sending', 'unknown');

CREATE OR REPLACE FUNCTION work_metrics() RETURNS TABLE (what text, state text,
    kind text, n bigint, due_s bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
	SELECT 'jobs', state, action, count(*),
	    extract(epoch FROM now() - min(run_at) FILTER (WHERE is_due))::bigint
	FROM job WHERE state IN ('queued', 'running', 'failed')
	GROUP BY state, action
	UNION ALL
	SELECT 'deliveries', state, NULL, count(*), extract(epoch FROM now()
	    - min(run_at) FILTER (WHERE state = 'queued' AND run_at < now()))::bigint
	FROM webhook_delivery WHERE state IN ('queued', 'sending')
	GROUP BY state
	UNION ALL
	SELECT 'messages', s.state, NULL, count(*), extract(epoch FROM now()
	    - min(coalesce(s.send_at, s.created_at)) FILTER (WHERE
	    s.state = 'queued' AND coalesce(s.send_at, s.created_at) < now()))::bigint
	FROM submission s WHERE s.state IN ('queued', 'sending', 'unknown')
	AND (s.state <> 'unknown' OR NOT EXISTS (SELECT FROM job j
	    WHERE j.account_id = s.account_id AND j.id = s.job_id
	    AND j.state = 'resolved'))
	GROUP BY s.state
	UNION ALL
	SELECT 'service_mail', state, NULL, count(*), extract(epoch FROM now()
	    - min(run_at) FILTER (WHERE state = 'queued' AND run_at < now()))::bigint
	FROM outgoing WHERE state <> 'accepted' AND resolved_at IS NULL
	GROUP BY state
	UNION ALL
	SELECT 'workers', 'busy', NULL, count(DISTINCT worker), NULL
	FROM job WHERE state = 'running' AND lease_until > now()
	ORDER BY 1, 2, 3
$$;
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA letterrack FROM PUBLIC;
