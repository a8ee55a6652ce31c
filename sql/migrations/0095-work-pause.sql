-- An operator may let work rest: while there is a row, no worker takes another
-- job but one that is named, nor mail of the service, nor a delivery.

SET LOCAL search_path = letterrack;

CREATE TABLE work_pause (
	only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
	since timestamptz NOT NULL DEFAULT now()
);
ALTER TABLE work_pause ENABLE ROW LEVEL SECURITY;
CREATE POLICY look ON work_pause FOR SELECT USING (true);

CREATE OR REPLACE FUNCTION door_outgoing_claim(p_worker text,
    p_seconds integer)
RETURNS SETOF outgoing
LANGUAGE plpgsql SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
BEGIN
	UPDATE outgoing SET state = 'unknown', worker = NULL, lease_until = NULL,
	    ended_at = now()
	WHERE state = 'sending' AND lease_until < now();
	IF EXISTS (SELECT FROM work_pause) THEN
		RETURN;
	END IF;
	RETURN QUERY UPDATE outgoing o SET worker = p_worker,
	    lease_until = now() + make_interval(secs => p_seconds),
	    lease_token = o.lease_token + 1, attempt_count = o.attempt_count + 1
	WHERE o.id = (SELECT id FROM outgoing
	    WHERE state = 'queued' AND run_at <= now()
	    AND (lease_until IS NULL OR lease_until < now())
	    ORDER BY run_at, id LIMIT 1 FOR UPDATE SKIP LOCKED)
	RETURNING o.*;
END $$;
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA letterrack FROM PUBLIC;
