-- Mail that moves and whose hash nobody knows is found again by when it was
-- received. Emails that are there have email_time for that; those that are gone
-- get an index, which costs only when one goes, and nothing where the server
-- has ids.
SET LOCAL search_path = letterrack;

CREATE INDEX email_gone ON email (account_id, credential_id, received_at)
	WHERE removed_at IS NOT NULL AND sha256 IS NULL
	AND server_email_id IS NULL;
