-- Since when a folder that is listed cannot be opened: Dovecot 2.3 goes on
-- listing one that was deleted while it holds folders.

SET LOCAL search_path = letterrack;

ALTER TABLE mailbox ADD COLUMN refused_since timestamptz;
