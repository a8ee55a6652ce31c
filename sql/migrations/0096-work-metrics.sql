-- What a monitor asks of the work that waits: sums over all accounts, no row of
-- any.

SET LOCAL search_path = letterrack;

-- `due_s`: for how long the oldest that is due has waited; NULL: none is due.
CREATE FUNCTION work_metrics() RETURNS TABLE (what text, state text, kind text,
    n bigint, due_s bigint)
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
