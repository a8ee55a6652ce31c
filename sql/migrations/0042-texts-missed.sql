-- First words that could not be read because of their folder, and not of their
-- message: it was renamed or made anew, or the server refused it. They are due
-- again when the folder is in step, and not before.

SET LOCAL search_path = letterrack;

ALTER TABLE mailbox ADD COLUMN texts_missed_from bigint; -- the least email
