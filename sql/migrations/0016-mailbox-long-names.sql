-- A name may be longer than an index takes (2.7 kB); one such folder kept all
-- of its mail account from being synced.

SET LOCAL search_path = letterrack;

DROP INDEX mailbox_name;
CREATE UNIQUE INDEX mailbox_name ON mailbox
	(account_id, credential_id, md5(wire_name)) WHERE removed_at IS NULL;
