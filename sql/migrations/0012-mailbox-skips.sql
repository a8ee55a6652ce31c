-- When the messages of a folder that were set aside were last tried again, and
-- how far that has come: a few a run, all of them about once a day.

SET LOCAL search_path = letterrack;

ALTER TABLE mailbox ADD COLUMN skips_tried_at timestamptz,
	ADD COLUMN skips_tried_uid bigint NOT NULL DEFAULT 0;
