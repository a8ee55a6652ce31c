-- Whoever writes an event holds the webhooks that are told of it: one that is
-- removed in this very moment is told nothing, where the event's transaction
-- failed at the key before.

SET LOCAL search_path = letterrack;

CREATE OR REPLACE FUNCTION event_deliver() RETURNS trigger LANGUAGE plpgsql
SET search_path = letterrack, pg_temp AS $$
BEGIN
	INSERT INTO webhook_delivery (application_id, account_id, webhook_id,
	    event_id, event_type, body)
	SELECT e.application_id, e.account_id, w.id, e.id, e.name,
	    event_body(e.id, e.name, e.created_at, e.account_id, e.data::text)
	FROM fresh e JOIN webhook w ON w.account_id = e.account_id
	WHERE w.is_active AND e.user_id IS NULL
	AND w.events && ARRAY[e.name, '*']
	ORDER BY e.id, w.id
	FOR KEY SHARE OF w;
	RETURN NULL;
END $$;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA letterrack FROM PUBLIC;
