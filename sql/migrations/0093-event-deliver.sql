-- A webhook that is removed at the same time takes no event down.

SET LOCAL search_path = letterrack;

-- As it was, but that webhooks stay until their deliveries are written: one
-- whose removal is on its way is waited for and left out. Its key would be missed
-- otherwise, and with that whatever raised the event.
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
