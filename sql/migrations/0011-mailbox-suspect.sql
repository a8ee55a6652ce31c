-- A message at which the connection broke though the same session had carried
-- more before it, and in how many runs: only then is it set aside.

SET LOCAL search_path = letterrack;

ALTER TABLE mailbox ADD COLUMN suspect_uid bigint,
	ADD COLUMN suspect_times integer NOT NULL DEFAULT 0,
	ADD COLUMN suspect_at timestamptz;
