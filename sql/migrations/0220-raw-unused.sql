-- Files of the raw store that no row names any more, and what waits for review
-- at addresses that have no mailbox.

SET LOCAL search_path = letterrack;

CREATE INDEX submission_raw ON submission (account_id, raw_sha256)
	WHERE raw_sha256 IS NOT NULL;

-- Of these names of files, hashes in hex, those that nobody needs: what a
-- transaction that failed has left, or was sent and is over.
CREATE FUNCTION raw_unused(p_account bigint, p_names text[]) RETURNS text[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
	SELECT coalesce(array_agg(n.name), '{}')
	FROM unnest(p_names) AS n (name)
	WHERE NOT EXISTS (SELECT FROM submission s
	    WHERE s.account_id = p_account
	    AND s.raw_sha256 = decode(n.name, 'hex'))
	AND NOT EXISTS (SELECT FROM hold h WHERE h.account_id = p_account
	    AND h.sha256 = decode(n.name, 'hex') AND h.bytes_gone_at IS NULL)
	AND NOT EXISTS (SELECT FROM hold h WHERE h.account_id = p_account
	    AND h.edited_sha256 = decode(n.name, 'hex')
	    AND h.bytes_gone_at IS NULL)
$$;

-- No poll comes by where an address only sends: a job looks at what has waited
-- there long enough, or ended `p_keep` seconds ago. How many.
CREATE FUNCTION hold_senders_due(p_keep integer, p_most integer)
RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
	WITH due AS (
		SELECT c.application_id, c.account_id, c.id
		FROM credential c
		LEFT JOIN review_setting r ON r.account_id = c.account_id
		WHERE c.provider_kind = 'smtp'
		AND EXISTS (SELECT FROM hold h WHERE h.account_id = c.account_id
		    AND h.credential_id = c.id
		    AND (h.state = 'held' AND h.held_at < now() -
		        make_interval(days => r.hold_expiry_days)
		    OR h.state IN ('released', 'discarded')
		    AND h.bytes_gone_at IS NULL
		    AND h.ended_at < now() - make_interval(secs => p_keep)))
		LIMIT p_most
	), j AS (
		INSERT INTO job (application_id, account_id, task_id,
		    credential_id, action, exclusion, singleton)
		SELECT application_id, account_id, nextval('task_id_seq'), id,
		    'imap_hold', 'imap:' || id, 'imap_hold:' || id FROM due
		ON CONFLICT (account_id, singleton) WHERE state = 'queued'
		DO NOTHING
		RETURNING application_id, account_id, task_id, id, credential_id
	), t AS (
		INSERT INTO task (application_id, account_id, id, task_type,
		    target_credential_id, state, last_job_id)
		SELECT application_id, account_id, task_id, 'imap_hold',
		    credential_id, 'queued', id FROM j
	)
	SELECT count(*) FROM j
$$;
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA letterrack FROM PUBLIC;
