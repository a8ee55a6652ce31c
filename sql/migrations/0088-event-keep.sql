-- Events and what was told of them go when they are old; with an account at
-- once.

SET LOCAL search_path = letterrack;

-- Removes at most `p_most` of a kind that ended longer than `p_keep` seconds
-- ago; how many.
CREATE FUNCTION event_clear(p_what text, p_keep integer, p_most integer)
RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
DECLARE
	before timestamptz := now() - make_interval(secs => p_keep);
	n bigint;
BEGIN
	CASE p_what
	WHEN 'event' THEN
		DELETE FROM event WHERE id IN (SELECT id FROM event
		    WHERE created_at < before
		    ORDER BY created_at LIMIT p_most FOR UPDATE SKIP LOCKED);
	WHEN 'delivery' THEN
		DELETE FROM webhook_delivery WHERE id IN (SELECT id
		    FROM webhook_delivery WHERE ended_at < before
		    ORDER BY ended_at LIMIT p_most FOR UPDATE SKIP LOCKED);
	WHEN 'delivery_late' THEN
		-- Its webhook is switched off, or has not answered for so long that
		-- its turn never came.
		UPDATE webhook_delivery SET state = 'dead', ended_at = now(),
		    last_error = coalesce(last_error, 'its time was over')
		WHERE id IN (SELECT d.id FROM webhook_delivery d
		    WHERE d.state = 'queued' AND d.give_up_at < before
		    LIMIT p_most FOR UPDATE SKIP LOCKED);
	WHEN 'event_order' THEN
		-- From a backup of another server, whose transactions were further on:
		-- nothing would be shown until this one's are, too.
		UPDATE event SET xid = pg_current_xact_id()
		WHERE xid > pg_current_xact_id();
		RETURN 0;
	END CASE;
	GET DIAGNOSTICS n = ROW_COUNT;
	RETURN n;
END $$;

CREATE OR REPLACE FUNCTION account_remove_some(p_account bigint, p_job bigint,
    p_most integer) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
DECLARE
	t text;
	n bigint;
BEGIN
	PERFORM FROM account WHERE id = p_account AND status = 'deleting'
	AND p_account = scope_account() AND scope_user() = 0;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'It is not being removed.' USING ERRCODE = 'LR403';
	END IF;
	FOREACH t IN ARRAY ARRAY['webhook_delivery', 'webhook', 'event',
	    'flag_intent', 'expunge_intent', 'email_part', 'placement', 'email',
	    'log', 'idempotency', 'mailbox'] LOOP
		EXECUTE format('DELETE FROM %I WHERE account_id = $1 AND ctid = ANY
		    (ARRAY(SELECT ctid FROM %I WHERE account_id = $1 LIMIT $2))', t, t)
		USING p_account, p_most;
		GET DIAGNOSTICS n = ROW_COUNT;
		IF n > 0 THEN
			RETURN n;
		END IF;
	END LOOP;
	-- Jobs go with their tasks.
	DELETE FROM task WHERE account_id = p_account AND id IN (SELECT x.id
	    FROM task x WHERE x.account_id = p_account AND x.id <> (SELECT
	    j.task_id FROM job j WHERE j.account_id = p_account AND j.id = p_job)
	    LIMIT p_most);
	GET DIAGNOSTICS n = ROW_COUNT;
	RETURN n;
END $$;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA letterrack FROM PUBLIC;
