-- What belongs to a personal mail account is seen by its owner and by workers.

SET LOCAL search_path = letterrack;

CREATE INDEX credential_personal ON credential (account_id, user_id, id)
	WHERE user_id IS NOT NULL;

-- The personal mail accounts in this account that are not the caller's: mostly
-- none, and for a worker (user 0) none without looking. The view looks over
-- the wall of `credential`, which hides just these; it tells ids only.
CREATE VIEW foreign_personal WITH (security_barrier) AS
SELECT id AS credential_id FROM credential
WHERE account_id = scope_account() AND user_id IS NOT NULL
AND user_id <> scope_user() AND scope_user() <> 0;

-- What hangs on a mail account is hidden with it. The list is made once a
-- statement, when its first row comes. Each condition is written as an IS NOT
-- NULL, which the planner takes to hold for nearly all rows, as it does; for
-- "not one of these" it guesses none where an account has one credential, and
-- then sorts all its mail instead of walking along an index.
DO $$
DECLARE
	t record;
BEGIN
	FOR t IN SELECT * FROM (VALUES ('mailbox', 'credential_id'),
	    ('email', 'credential_id'), ('flag_intent', 'credential_id'),
	    ('job', 'credential_id'), ('task', 'target_credential_id'))
	    AS v (name, col) LOOP
		EXECUTE format('CREATE POLICY personal ON %I AS RESTRICTIVE
			USING (CASE WHEN %I = ANY (ARRAY(SELECT credential_id
			FROM foreign_personal)) THEN NULL ELSE true END IS NOT NULL)',
			t.name, t.col);
	END LOOP;
END $$;

CREATE VIEW foreign_mailbox WITH (security_barrier) AS
SELECT m.id AS mailbox_id FROM mailbox m
WHERE m.account_id = scope_account() AND m.credential_id IN
    (SELECT credential_id FROM foreign_personal);

CREATE POLICY personal ON placement AS RESTRICTIVE
	USING (CASE WHEN mailbox_id = ANY (ARRAY(SELECT mailbox_id
	FROM foreign_mailbox)) THEN NULL ELSE true END IS NOT NULL);

-- A part names its email only; that one is looked for where an account has
-- personal mail at all.
CREATE POLICY personal ON email_part AS RESTRICTIVE
	USING (NOT EXISTS (SELECT FROM foreign_personal)
	OR EXISTS (SELECT FROM email e
	    WHERE e.account_id = scope_account() AND e.id = email_id));

-- A log outlives what it tells of, so it keeps whose alone it is.
ALTER TABLE log ADD COLUMN user_id bigint,
	ADD FOREIGN KEY (application_id, user_id)
	    REFERENCES app_user (application_id, id) ON DELETE CASCADE;
CREATE INDEX log_personal ON log (user_id) WHERE user_id IS NOT NULL;
CREATE POLICY personal ON log AS RESTRICTIVE
	USING (user_id IS NULL OR user_id = scope_user() OR scope_user() = 0);
