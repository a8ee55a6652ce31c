-- A folder that a complete LIST does not name may be one that the server
-- forgot to tell: it is gone when it is still missing minutes later.

SET LOCAL search_path = letterrack;

ALTER TABLE mailbox ADD COLUMN missing_since timestamptz;
