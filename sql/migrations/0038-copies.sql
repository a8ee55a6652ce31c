-- An email that lies in several folders is listed in each of them.

SET LOCAL search_path = letterrack;

-- When the email was received, where this is another folder than the one it is
-- shown under; of several places in one folder the last one has it. So the
-- copies of a folder are walked along in the order of lists, and a folder without
-- any costs nothing. placement_mark_copies keeps it.
ALTER TABLE placement ADD COLUMN copy_at timestamptz;

UPDATE placement p SET copy_at = e.received_at
FROM email e
WHERE e.account_id = p.account_id AND e.id = p.email_id
AND e.mailbox_id <> p.mailbox_id
AND NOT EXISTS (SELECT FROM placement o
    WHERE o.account_id = p.account_id AND o.email_id = p.email_id
    AND o.mailbox_id = p.mailbox_id
    AND (o.uidvalidity, o.uid) > (p.uidvalidity, p.uid));

CREATE INDEX placement_copy ON placement
	(account_id, mailbox_id, copy_at DESC, email_id DESC)
	WHERE copy_at IS NOT NULL;
