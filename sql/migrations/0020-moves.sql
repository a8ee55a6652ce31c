-- Mail that moves between folders is found again by its hash: which emails of
-- a mail account have one, by size. Emails get theirs after they were stored,
-- so that storing them costs nothing more.
SET LOCAL search_path = letterrack;

CREATE INDEX email_hashed ON email (account_id, credential_id, size_bytes)
	WHERE sha256 IS NOT NULL;
