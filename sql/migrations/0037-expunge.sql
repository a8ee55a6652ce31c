-- Mail that a user deletes is deleted on its server, too, where that is asked.

SET LOCAL search_path = letterrack;

-- Emails that are to go from every folder they lie in. What a server refuses is
-- tried again by the job that it was refused to, when a person says so, and is
-- given up with that job.
CREATE TABLE expunge_intent (
	application_id bigint NOT NULL,
	account_id bigint NOT NULL,
	email_id bigint NOT NULL,
	credential_id bigint NOT NULL,
	refused_by bigint, -- a job; NULL: it is due
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (account_id, email_id),
	FOREIGN KEY (account_id, email_id) REFERENCES email
		ON DELETE CASCADE,
	FOREIGN KEY (account_id, credential_id) REFERENCES credential
		ON DELETE CASCADE,
	FOREIGN KEY (account_id, refused_by) REFERENCES job
		ON DELETE CASCADE
);
CREATE INDEX expunge_intent_credential ON expunge_intent
	(account_id, credential_id, email_id);
CREATE INDEX expunge_intent_refused ON expunge_intent
	(account_id, refused_by) WHERE refused_by IS NOT NULL;

ALTER TABLE expunge_intent ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON expunge_intent
	USING (account_id = current_setting('letterrack.account')::bigint);
-- As in 0031-personal.sql.
CREATE POLICY personal ON expunge_intent AS RESTRICTIVE
	USING (CASE WHEN credential_id = ANY (ARRAY(SELECT credential_id
	FROM foreign_personal)) THEN NULL ELSE true END IS NOT NULL);
