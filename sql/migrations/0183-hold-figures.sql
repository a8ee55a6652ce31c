-- What a monitor sees of mail that is held, over all tenants: numbers only.

SET LOCAL search_path = letterrack;

CREATE INDEX hold_fresh ON hold (held_at) WHERE held_at IS NOT NULL;
CREATE INDEX hold_released ON hold (ended_at) WHERE state = 'released';

CREATE FUNCTION hold_figures(OUT held bigint, OUT released bigint,
    OUT latency_ms bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
	SELECT (SELECT count(*) FROM hold
	        WHERE state IN ('held', 'releasing', 'filed')),
	    (SELECT count(*) FROM hold WHERE state = 'released'
	        AND ended_at > now() - interval '24 hours'),
	    (SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY h.latency_ms)
	        FROM hold h WHERE held_at > now() - interval '24 hours')
$$;
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA letterrack FROM PUBLIC;
