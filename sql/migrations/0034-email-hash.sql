-- Nothing looks for an email by its hash alone: moves have an index of their own
-- (email_hashed), and hashes are written for most small mail.

SET LOCAL search_path = letterrack;

DROP INDEX email_sha256;
