-- Email columns as they are read and written.
--
-- People and structure are JSON of our own making, read back by us or sent on
-- as they are: as `json` each insert parsed them once more, a twelfth of the
-- time of a first sync. They are text now, and still JSON; parts leave out what
-- they do not have.
--
-- Nothing looks for an email but within its account: the primary key does that,
-- and the index of ids alone cost every insert.

SET LOCAL search_path = letterrack;

DROP VIEW email_row;

ALTER TABLE email
	ALTER COLUMN from_json TYPE text,
	ALTER COLUMN to_json TYPE text,
	ALTER COLUMN cc_json TYPE text,
	ALTER COLUMN bcc_json TYPE text,
	ALTER COLUMN reply_to_json TYPE text,
	ALTER COLUMN structure TYPE text USING json_strip_nulls(structure)::text,
	DROP CONSTRAINT email_id_key;

-- The setting is read once a statement instead of once a row that is written.
DROP POLICY tenant ON email;
DROP POLICY tenant ON placement;
CREATE POLICY tenant ON email USING (account_id =
	(SELECT current_setting('letterrack.account')::bigint));
CREATE POLICY tenant ON placement USING (account_id =
	(SELECT current_setting('letterrack.account')::bigint));

-- An email as the API shows it; row-level security is the caller's.
CREATE VIEW email_row WITH (security_invoker) AS
SELECT e.id, e.account_id, e.credential_id, e.mailbox_id AS mailbox,
    m.name AS folder, e.uid, e.message_id, e.in_reply_to, e."references",
    e.thread_id, e.direction, e.subject, e.from_json, e.to_json, e.cc_json,
    e.bcc_json, e.reply_to_json, e.sent_at, e.received_at, e.size_bytes,
    e.is_read, e.is_flagged, e.is_answered, e.is_draft, e.flags,
    e.has_attachments, e.snippet, e.interception_status, e.status,
    e.created_at, e.updated_at
FROM email e
LEFT JOIN mailbox m ON m.account_id = e.account_id AND m.id = e.mailbox_id
WHERE e.removed_at IS NULL;
