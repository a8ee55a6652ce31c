-- Who looks at a thread, or answers it: rows that expire.

SET LOCAL search_path = letterrack;

CREATE TABLE presence (
	application_id bigint NOT NULL,
	account_id bigint NOT NULL,
	thread_id bigint NOT NULL,
	user_id bigint NOT NULL,
	state text NOT NULL CHECK (state IN ('viewing', 'replying')),
	since timestamptz NOT NULL DEFAULT now(), -- in this state
	expires_at timestamptz NOT NULL,
	PRIMARY KEY (account_id, thread_id, user_id),
	FOREIGN KEY (account_id, thread_id) REFERENCES thread ON DELETE CASCADE,
	FOREIGN KEY (application_id, user_id)
		REFERENCES app_user (application_id, id) ON DELETE CASCADE
);
CREATE INDEX presence_expired ON presence (account_id, expires_at);
CREATE INDEX presence_user ON presence (application_id, user_id);
ALTER TABLE presence ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON presence USING (account_id =
	(SELECT current_setting('letterrack.account')::bigint));
