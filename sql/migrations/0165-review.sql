-- How an account reviews held mail: who may let it go, what becomes of mail that
-- nobody decides about, and when its bytes go.

SET LOCAL search_path = letterrack;

-- One row an account that has chosen; without: open, and held until somebody
-- decides.
CREATE TABLE review_setting (
	application_id bigint NOT NULL,
	account_id bigint PRIMARY KEY,
	-- four_eyes: nobody releases what they have edited themselves, and who
	-- releases says which content (hold_content)
	review_policy text NOT NULL DEFAULT 'open'
		CHECK (review_policy IN ('open', 'four_eyes')),
	hold_expiry_days integer CHECK (hold_expiry_days BETWEEN 1 AND 365),
	hold_expiry_action text NOT NULL DEFAULT 'discard'
		CHECK (hold_expiry_action IN ('discard', 'release')),
	updated_at timestamptz NOT NULL DEFAULT now(),
	FOREIGN KEY (application_id, account_id)
		REFERENCES account (application_id, id) ON DELETE CASCADE
);
ALTER TABLE review_setting ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON review_setting
	USING (account_id = current_setting('letterrack.account')::bigint);

-- The bytes that were kept of it are no more.
ALTER TABLE hold ADD bytes_gone_at timestamptz;
CREATE INDEX hold_over ON hold (account_id, credential_id, ended_at)
	WHERE ended_at IS NOT NULL AND bytes_gone_at IS NULL;
CREATE INDEX hold_sha256 ON hold (account_id, sha256)
	WHERE sha256 IS NOT NULL AND bytes_gone_at IS NULL;
CREATE INDEX hold_edited_sha256 ON hold (account_id, edited_sha256)
	WHERE edited_sha256 IS NOT NULL AND bytes_gone_at IS NULL;

CREATE FUNCTION hold_piece(piece text) RETURNS bytea LANGUAGE sql IMMUTABLE
AS $$
	SELECT CASE WHEN piece IS NULL THEN decode(repeat('00', 32), 'hex')
	ELSE sha256(convert_to(piece, 'UTF8')) END
$$;

-- What would go if it was released now, as one name: what came, and what was
-- written of it since.
CREATE FUNCTION hold_content(came bytea, subject text, body text, html text)
RETURNS text LANGUAGE sql IMMUTABLE AS $$
	SELECT 'sha256:' || encode(
	    CASE WHEN subject IS NULL AND body IS NULL AND html IS NULL THEN came
	    ELSE sha256(came || hold_piece(subject) || hold_piece(body) ||
	        hold_piece(html)) END, 'hex')
$$;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA letterrack FROM PUBLIC;
