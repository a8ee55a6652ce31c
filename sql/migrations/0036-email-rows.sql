-- A first sync goes from the newest message to the oldest. Its rows are written
-- in that order now, and an index that has it too grows at its end only: it is
-- filled, not split in halves over and over, and no row has to look for its
-- place. email_time and email_mailbox_time had the order; this index had not.

SET LOCAL search_path = letterrack;

ALTER TABLE placement DROP CONSTRAINT placement_pkey;
CREATE UNIQUE INDEX placement_uid ON placement
	(account_id, mailbox_id, uidvalidity, uid DESC);
ALTER TABLE placement REPLICA IDENTITY USING INDEX placement_uid;

-- No two entries of these are alike, so that there is nothing to merge where a
-- page is full.
ALTER INDEX email_time SET (deduplicate_items = off);
ALTER INDEX email_mailbox_time SET (deduplicate_items = off);
ALTER INDEX placement_email SET (deduplicate_items = off);

-- Nearly all mail has no Reply-To, and IMAP servers repeat From there: NULL says
-- so. Mail that was stored before repeats it still.
COMMENT ON COLUMN email.reply_to_json IS 'NULL: replies go to from_json';
