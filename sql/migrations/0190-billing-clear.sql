-- What is asked of the payment service, and what it has told, goes when it is old:
-- with other old rows, not while an event is taken.

SET LOCAL search_path = letterrack;

CREATE INDEX billing_intent_old ON billing_intent (created_at);

-- Stripe forgets a key after a day, and tells of an event for three.
CREATE FUNCTION billing_clear(p_what text, p_keep integer, p_most integer)
RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
DECLARE
	before timestamptz := now() - make_interval(secs => p_keep);
	n bigint;
BEGIN
	CASE p_what
	WHEN 'billing_event' THEN
		DELETE FROM billing_event WHERE event_id IN (SELECT event_id
		    FROM billing_event WHERE created_at < before
		    ORDER BY created_at LIMIT p_most FOR UPDATE SKIP LOCKED);
	WHEN 'billing_intent' THEN
		DELETE FROM billing_intent WHERE id IN (SELECT id
		    FROM billing_intent WHERE created_at < before
		    ORDER BY created_at LIMIT p_most FOR UPDATE SKIP LOCKED);
	END CASE;
	GET DIAGNOSTICS n = ROW_COUNT;
	RETURN n;
END $$;

-- As in 0182, without that.
CREATE OR REPLACE FUNCTION billing_event_take(p_event text, p_type text,
    p_object text, p_customer text)
RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
DECLARE
	c billing_customer;
	t bigint;
	j bigint;
BEGIN
	SELECT b.* INTO c FROM billing_customer b JOIN account a
	ON a.id = b.account_id AND a.status <> 'deleting'
	WHERE b.customer_id = p_customer;
	INSERT INTO billing_event (event_id, type, object_id, account_id)
	VALUES (p_event, p_type, p_object, c.account_id) ON CONFLICT DO NOTHING;
	IF NOT FOUND OR c.account_id IS NULL OR p_object IS NULL THEN
		RETURN false;
	END IF;
	INSERT INTO task (application_id, account_id, task_type, payload, state)
	VALUES (c.application_id, c.account_id, 'billing_event',
	    json_build_object('event', p_event, 'type', p_type,
	    'object', p_object), 'queued')
	RETURNING id INTO t;
	INSERT INTO job (application_id, account_id, task_id, action)
	VALUES (c.application_id, c.account_id, t, 'billing_event')
	RETURNING id INTO j;
	UPDATE task SET last_job_id = j WHERE account_id = c.account_id AND id = t;
	UPDATE billing_event SET job_id = j WHERE event_id = p_event;
	RETURN true;
END $$;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA letterrack FROM PUBLIC;
