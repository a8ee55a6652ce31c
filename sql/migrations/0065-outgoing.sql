-- Mail of the service itself: links to sign in with, invitations, notices. A
-- row is written in the transaction of what it tells of, and letterrack-sync
-- hands it to the configured server.

SET LOCAL search_path = letterrack;

-- A queue of its own beside `job`, whose rows belong to accounts: this mail may
-- go to somebody who has none yet. Lease and fencing token are the same.
--
--   queued    waits, or a worker is on its way to the server (worker not NULL)
--   sending   from before the first byte of the message leaves until the
--             server's last word is read
--   accepted  the server has taken it
--   failed    the server has refused it for good, or nobody could be reached
--   unknown   it left, and no answer came: it is sent again by a person only
CREATE TABLE outgoing (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	application_id bigint NOT NULL REFERENCES application ON DELETE CASCADE,
	kind text NOT NULL CHECK (length(kind) BETWEEN 1 AND 64),
	recipient text NOT NULL CHECK (length(recipient) BETWEEN 3 AND 320),
	stem text NOT NULL UNIQUE, -- of the Message-ID, before its @
	sender text, -- as configured when the first byte left; it stays
	message bytea, -- but for From and Message-ID; NULL: nobody needs it now
	state text NOT NULL DEFAULT 'queued' CHECK (state IN
		('queued', 'sending', 'accepted', 'failed', 'unknown')),
	run_at timestamptz NOT NULL DEFAULT now(),
	attempt_count integer NOT NULL DEFAULT 0,
	worker text,
	lease_until timestamptz,
	lease_token bigint NOT NULL DEFAULT 0,
	last_error_code text,
	last_error_detail text,
	created_at timestamptz NOT NULL DEFAULT now(),
	ended_at timestamptz,
	resolved_at timestamptz -- an operator has seen what became of it
);
CREATE INDEX outgoing_due ON outgoing (run_at) WHERE state = 'queued';
CREATE INDEX outgoing_sending ON outgoing (lease_until)
	WHERE state = 'sending';
CREATE INDEX outgoing_ended ON outgoing (ended_at) WHERE ended_at IS NOT NULL;
ALTER TABLE outgoing ENABLE ROW LEVEL SECURITY;
COMMENT ON TABLE outgoing IS 'private';

CREATE TRIGGER job_wake AFTER INSERT OR UPDATE OF state, run_at ON outgoing
	FOR EACH ROW WHEN (NEW.state = 'queued') EXECUTE FUNCTION job_wake();

CREATE FUNCTION door_outgoing_add(p_application bigint, p_kind text,
    p_recipient text, p_stem text, p_message bytea)
RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
	INSERT INTO outgoing (application_id, kind, recipient, stem, message)
	VALUES (p_application, p_kind, p_recipient, p_stem, p_message);
$$;

-- When a worker is needed next; NULL: not before something comes. For all
-- programs: it tells of no message.
CREATE FUNCTION outgoing_next_at() RETURNS timestamptz
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
	SELECT least((SELECT min(greatest(run_at, lease_until)) FROM outgoing
	    WHERE state = 'queued'),
	    (SELECT min(lease_until) FROM outgoing WHERE state = 'sending'))
$$;

-- Leases the next that is due. What was leased while it left, and not
-- answered for in time, is unknown.
CREATE FUNCTION door_outgoing_claim(p_worker text, p_seconds integer)
RETURNS SETOF outgoing
LANGUAGE plpgsql SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
BEGIN
	UPDATE outgoing SET state = 'unknown', worker = NULL, lease_until = NULL,
	    ended_at = now()
	WHERE state = 'sending' AND lease_until < now();
	RETURN QUERY UPDATE outgoing o SET worker = p_worker,
	    lease_until = now() + make_interval(secs => p_seconds),
	    lease_token = o.lease_token + 1, attempt_count = o.attempt_count + 1
	WHERE o.id = (SELECT id FROM outgoing
	    WHERE state = 'queued' AND run_at <= now()
	    AND (lease_until IS NULL OR lease_until < now())
	    ORDER BY run_at, id LIMIT 1 FOR UPDATE SKIP LOCKED)
	RETURNING o.*;
END $$;

-- The intent: from the commit of this on it may have left. Answers who sends
-- it, which a later try does not change.
CREATE FUNCTION door_outgoing_send(p_id bigint, p_token bigint, p_sender text,
    p_seconds integer)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
BEGIN
	UPDATE outgoing SET state = 'sending', sender = coalesce(sender, p_sender),
	    lease_until = now() + make_interval(secs => p_seconds)
	WHERE id = p_id AND lease_token = p_token AND state = 'queued';
	IF NOT FOUND THEN
		RAISE EXCEPTION 'The lease of outgoing mail % is gone.', p_id
		    USING ERRCODE = 'LR410';
	END IF;
END $$;

-- What became of a try. The answer may come after the lease's end: it is still
-- the truth, unless somebody has begun another try.
CREATE FUNCTION door_outgoing_end(p_id bigint, p_token bigint, p_state text,
    p_wait integer, p_code text, p_detail text)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
BEGIN
	UPDATE outgoing SET state = p_state, worker = NULL, lease_until = NULL,
	    run_at = now() + make_interval(secs => p_wait),
	    last_error_code = p_code, last_error_detail = p_detail,
	    ended_at = CASE WHEN p_state <> 'queued' THEN now() END,
	    message = CASE WHEN p_state <> 'accepted' THEN message END
	WHERE id = p_id AND lease_token = p_token AND resolved_at IS NULL
	AND (state = 'sending' OR (state = 'unknown' AND p_state <> 'queued')
	OR (state = 'queued' AND worker IS NOT NULL));
	IF NOT FOUND THEN
		RAISE EXCEPTION 'The lease of outgoing mail % is gone.', p_id
		    USING ERRCODE = 'LR410';
	END IF;
END $$;

-- Of a worker that is dead, or has forgotten: what had not left waits again,
-- what had is unknown. How many.
CREATE FUNCTION door_outgoing_give_back(p_worker text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
DECLARE
	n bigint;
BEGIN
	UPDATE outgoing SET worker = NULL, lease_until = NULL,
	    run_at = CASE state WHEN 'queued' THEN now() ELSE run_at END,
	    lease_token = lease_token + (state = 'queued')::int,
	    ended_at = CASE state WHEN 'sending' THEN now() END,
	    state = CASE state WHEN 'sending' THEN 'unknown' ELSE state END
	WHERE worker = p_worker AND state IN ('queued', 'sending');
	GET DIAGNOSTICS n = ROW_COUNT;
	RETURN n;
END $$;

-- What ended long ago and wants nobody's eye goes.
CREATE FUNCTION door_outgoing_clear(p_keep integer, p_most integer)
RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
DECLARE
	n bigint;
BEGIN
	DELETE FROM outgoing WHERE id IN (SELECT id FROM outgoing
	    WHERE ended_at < now() - make_interval(secs => p_keep)
	    ORDER BY ended_at LIMIT p_most FOR UPDATE SKIP LOCKED);
	GET DIAGNOSTICS n = ROW_COUNT;
	RETURN n;
END $$;
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA letterrack FROM PUBLIC;
