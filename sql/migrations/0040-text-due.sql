-- First words are read by id, up to text_done_id. A message that was set aside
-- and is shown later lies behind that: it says itself that its words are due.

SET LOCAL search_path = letterrack;

ALTER TABLE email ADD COLUMN text_due boolean NOT NULL DEFAULT false;
CREATE INDEX email_text_due ON email (account_id, credential_id, id)
	WHERE text_due;
