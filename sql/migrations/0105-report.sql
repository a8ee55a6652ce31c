-- Reports about mail that was sent: what became of it (RFC 3464), and that
-- somebody complains of it (RFC 5965).

SET LOCAL search_path = letterrack;

-- An email that looks like one is written here when it comes; a job reads it.
-- What it says is applied to messages of the same account that it names, and
-- to nothing else: anybody can write such an email.
CREATE TABLE mail_report (
	application_id bigint NOT NULL,
	account_id bigint NOT NULL,
	email_id bigint NOT NULL,
	credential_id bigint NOT NULL, -- of the mailbox it came to
	state text NOT NULL DEFAULT 'due' CHECK (state IN ('due', 'read')),
	tries integer NOT NULL DEFAULT 0,
	kind text CHECK (kind IN ('none', 'delivery', 'complaint')),
	feedback text, -- of a complaint: "abuse"
	submission_id bigint, -- NULL: it is about no mail of this account
	created_at timestamptz NOT NULL DEFAULT now(),
	read_at timestamptz,
	PRIMARY KEY (account_id, email_id),
	FOREIGN KEY (application_id, account_id)
		REFERENCES account (application_id, id) ON DELETE CASCADE,
	FOREIGN KEY (account_id, email_id) REFERENCES email ON DELETE CASCADE,
	FOREIGN KEY (account_id, credential_id) REFERENCES credential
		ON DELETE CASCADE,
	FOREIGN KEY (account_id, submission_id) REFERENCES submission
		ON DELETE SET NULL (submission_id)
);
CREATE INDEX mail_report_due ON mail_report (account_id, credential_id)
	WHERE state = 'due';
CREATE INDEX mail_report_submission ON mail_report (account_id, submission_id)
	WHERE submission_id IS NOT NULL;

-- What was reported of a recipient last, and by which email.
ALTER TABLE submission_recipient
	ADD COLUMN report text CHECK (report IN ('failed', 'delayed', 'delivered',
		'relayed', 'expanded', 'complaint')),
	ADD COLUMN report_status text, -- "5.1.1"
	ADD COLUMN report_email_id bigint,
	ADD COLUMN reported_at timestamptz;

CREATE INDEX submission_message_id ON submission (account_id, message_id);

ALTER TABLE mail_report ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON mail_report
	USING (account_id = current_setting('letterrack.account')::bigint);
CREATE POLICY personal ON mail_report AS RESTRICTIVE
	USING (CASE WHEN credential_id = ANY (ARRAY(SELECT credential_id
	FROM foreign_personal)) THEN NULL ELSE true END IS NOT NULL);
