-- Tokens of mail accounts (auth_kind oauth2) that are renewed before they end.
-- The tokens themselves are in `secret`, sealed; what has to be asked of all of
-- them at once stands beside it in the clear.

SET LOCAL search_path = letterrack;

ALTER TABLE credential
	ADD COLUMN has_refresh boolean NOT NULL DEFAULT false,
	ADD COLUMN token_expires_at timestamptz, -- NULL: not known
	ADD COLUMN refresh_expires_at timestamptz, -- the same; some never do
	ADD COLUMN token_renewed_at timestamptz,
	ADD COLUMN token_refused_at timestamptz, -- a person has to sign in anew
	ADD COLUMN token_warned_at timestamptz, -- an event has told of the end
	-- Who is renewing it, and how long nobody else does.
	ADD COLUMN token_lease text,
	ADD COLUMN token_lease_until timestamptz;
CREATE INDEX credential_renew ON credential (token_renewed_at)
	WHERE has_refresh AND is_active;

-- Jobs for tokens that nobody has used for a day: so that a refusal shows long
-- before mail stops, and a provider does not forget one that rests.
CREATE FUNCTION token_enqueue() RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
DECLARE
	c record;
	t bigint;
	j bigint;
	n bigint := 0;
BEGIN
	FOR c IN SELECT application_id, account_id, id FROM credential
	    WHERE has_refresh AND is_active AND token_refused_at IS NULL
	    AND coalesce(token_renewed_at, created_at) < now() - interval '1 day'
	    ORDER BY token_renewed_at NULLS FIRST LIMIT 1000
	    FOR UPDATE SKIP LOCKED LOOP
		CONTINUE WHEN EXISTS (SELECT FROM job
		    WHERE account_id = c.account_id
		    AND singleton = 'credential_renew:' || c.id
		    AND state IN ('queued', 'running'));
		INSERT INTO task (application_id, account_id, task_type,
		    target_credential_id, state)
		VALUES (c.application_id, c.account_id, 'credential_renew',
		    c.id, 'queued') RETURNING id INTO t;
		INSERT INTO job (application_id, account_id, task_id,
		    credential_id, action, singleton)
		VALUES (c.application_id, c.account_id, t, c.id,
		    'credential_renew', 'credential_renew:' || c.id)
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

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA letterrack FROM PUBLIC;
