-- A mail account that is deleted takes its mail out of the numbers, too.

SET LOCAL search_path = letterrack;

CREATE OR REPLACE FUNCTION mail_gone() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = letterrack, pg_temp AS $$
BEGIN
	CASE TG_TABLE_NAME
	WHEN 'account' THEN
		DELETE FROM email WHERE account_id = OLD.id;
	WHEN 'credential' THEN
		WITH gone AS (
			DELETE FROM email
			WHERE account_id = OLD.account_id AND credential_id = OLD.id
			RETURNING removed_at IS NULL AS was_there, is_read
		), sums AS (
			SELECT 'emails' AS name, count(*) AS n FROM gone WHERE was_there
			UNION ALL
			SELECT 'unread', count(*) FROM gone
			WHERE was_there AND NOT is_read
		)
		UPDATE counter c SET n = c.n - s.n FROM sums s
		WHERE c.account_id = OLD.account_id AND c.name = s.name;
	WHEN 'mailbox' THEN
		DELETE FROM placement
		WHERE account_id = OLD.account_id AND mailbox_id = OLD.id;
	WHEN 'email' THEN
		DELETE FROM placement
		WHERE account_id = OLD.account_id AND email_id = OLD.id;
	END CASE;
	RETURN NULL;
END $$;

-- What was counted wrongly before.
UPDATE counter c SET n = (SELECT count(*) FROM email e
	WHERE e.account_id = c.account_id AND e.removed_at IS NULL
	AND (c.name = 'emails' OR NOT e.is_read))
WHERE c.name IN ('emails', 'unread');
