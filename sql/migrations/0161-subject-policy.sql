-- Mail that names no other may come into a thread by its subject, where the
-- account wants that. Keys of subjects lie beside those of Message-IDs, below 0.

SET LOCAL search_path = letterrack;

ALTER TABLE account
	ADD COLUMN thread_subjects text NOT NULL DEFAULT 'off'
		CHECK (thread_subjects IN ('off', 'replies', 'all')),
	ADD COLUMN thread_subject_days integer NOT NULL DEFAULT 30
		CHECK (thread_subject_days BETWEEN 1 AND 365);
