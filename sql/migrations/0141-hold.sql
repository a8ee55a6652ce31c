-- Holds: mail that waits for review, and what became of it.

SET LOCAL search_path = letterrack;

-- One row an email that a policy looks at or a person has taken. What is done on
-- the mail server follows from it, and it is written before and after:
--
--   due        to be judged, and held if need be
--   passed     judged, and let through; only where there is something to tell
--   moving     its bytes are kept, and it is on its way into the quarantine
--   held       it waits for a person
--   releasing  somebody has decided; it is on its way out
--   filed      an edited form lies where it was released to, and the copy in
--              the quarantine is to go
--   released
--   discarded  the copy in the quarantine stays until the retention is over
--
-- at_*: where it lies when what to_* says begins. to_*: where it is to go, and
-- from which UID on it may be found there if nobody could write down how that
-- ended; NULL: nothing is on its way.
CREATE TABLE hold (
	application_id bigint NOT NULL,
	account_id bigint NOT NULL,
	email_id bigint NOT NULL,
	credential_id bigint NOT NULL,
	state text NOT NULL CHECK (state IN ('due', 'passed', 'moving', 'held',
		'releasing', 'filed', 'released', 'discarded')),
	-- by policy, by a rule, found in the quarantine, by a person, or because it
	-- came back
	why text NOT NULL CHECK (why IN ('policy', 'rule', 'quarantine', 'hand',
		'again')),
	-- the message as it came
	sha256 bytea CHECK (length(sha256) = 32),
	size_bytes bigint,
	flags text[] NOT NULL DEFAULT '{}',
	original_mailbox_id bigint,
	original_uid bigint,
	preview text,
	-- what rules said of it
	risk_score integer NOT NULL DEFAULT 0
		CHECK (risk_score BETWEEN 0 AND 100),
	keywords text[] NOT NULL DEFAULT '{}',
	tags text[] NOT NULL DEFAULT '{}',
	-- where it lies, and where it goes
	at_mailbox_id bigint,
	at_uidvalidity bigint,
	at_uid bigint,
	to_mailbox_id bigint,
	to_uidvalidity bigint,
	to_uidnext bigint,
	to_uid bigint,
	-- It could only be marked as deleted where it was (no UIDPLUS).
	is_visible boolean NOT NULL DEFAULT false,
	-- what a reviewer has written, and decided
	edited_subject text,
	edited_text text,
	edited_html text,
	edited_by bigint,
	edited_at timestamptz,
	target_mailbox_id bigint,
	strip_attachments boolean NOT NULL DEFAULT false,
	edited_sha256 bytea CHECK (length(edited_sha256) = 32),
	edited_message_id text,
	removed_files text[],
	decided_by bigint,
	decided_at timestamptz,
	error_code text,
	error_detail text,
	-- when the watcher was told of it, and how long it took from there
	told_at timestamptz NOT NULL DEFAULT now(),
	held_at timestamptz,
	latency_ms integer,
	ended_at timestamptz,
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (account_id, email_id),
	FOREIGN KEY (account_id, email_id) REFERENCES email ON DELETE CASCADE,
	FOREIGN KEY (account_id, credential_id) REFERENCES credential
		ON DELETE CASCADE
);
CREATE INDEX hold_work ON hold (account_id, credential_id, email_id)
	WHERE state IN ('due', 'moving', 'releasing', 'filed');
CREATE INDEX hold_waiting ON hold (account_id, credential_id, email_id)
	WHERE state IN ('held', 'discarded');
CREATE INDEX hold_list ON hold (account_id, held_at DESC, email_id DESC)
	WHERE state IN ('held', 'releasing', 'filed');
CREATE INDEX hold_ended ON hold (account_id, state, ended_at)
	WHERE ended_at IS NOT NULL;
CREATE INDEX hold_credential ON hold (account_id, credential_id);

ALTER TABLE hold ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON hold
	USING (account_id = current_setting('letterrack.account')::bigint);
-- As in 0031-personal.sql.
CREATE POLICY personal ON hold AS RESTRICTIVE
	USING (CASE WHEN credential_id = ANY (ARRAY(SELECT credential_id
	FROM foreign_personal)) THEN NULL ELSE true END IS NOT NULL);
