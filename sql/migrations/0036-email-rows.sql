-- A first sync goes from the newest message to the oldest. Its rows are written
-- in that order now, and an index that has it too grows at its end only: it is
-- filled, not split in halves over and over, and no row has to look for its
-- place. email_time and email_mailbox_time had the order; this index had not.

SET LOCAL search_path = letterrack;

ALTER TABLE placement DROP CONSTRAINT placement_pkey;
CREATE UNIQUE INDEX placement_uid ON placement
	(account_id, mailbox_id, uidvalidity, uid DESC);
ALTER TABLE placement REPLICA IDENTITY USING INDEX placement_uid;

-- Nearly all mail has no Reply-To, and servers repeat From there: NULL says so.
COMMENT ON COLUMN email.reply_to_json IS 'NULL: as from_json';
CREATE OR REPLACE VIEW email_row WITH (security_invoker) AS
SELECT e.id, e.account_id, e.credential_id, e.mailbox_id AS mailbox,
    m.name AS folder, e.uid, e.message_id, e.in_reply_to, e."references",
    e.thread_id, e.direction, e.subject, e.from_json, e.to_json, e.cc_json,
    e.bcc_json, coalesce(e.reply_to_json, e.from_json) AS reply_to_json,
    e.sent_at, e.received_at, e.size_bytes, e.is_read, e.is_flagged,
    e.is_answered, e.is_draft, e.flags, e.has_attachments, e.snippet,
    e.interception_status, e.status, e.created_at, e.updated_at
FROM email e
LEFT JOIN mailbox m ON m.account_id = e.account_id AND m.id = e.mailbox_id
WHERE e.removed_at IS NULL;
