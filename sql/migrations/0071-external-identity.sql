-- External issuers: whom their tokens speak for.

SET LOCAL search_path = letterrack;

-- An issuer's word for somebody, where its tokens have no claim `uid`. An
-- operator makes the links.
CREATE TABLE external_identity (
	issuer text NOT NULL CHECK (length(issuer) BETWEEN 1 AND 512),
	subject text NOT NULL CHECK (length(subject) BETWEEN 1 AND 128),
	application_id bigint NOT NULL,
	user_id bigint NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (issuer, subject),
	FOREIGN KEY (application_id, user_id)
		REFERENCES app_user (application_id, id) ON DELETE CASCADE
);
CREATE INDEX external_identity_user ON external_identity (user_id);
ALTER TABLE external_identity ENABLE ROW LEVEL SECURITY;
COMMENT ON TABLE external_identity IS 'private';

-- For a token of an external issuer: it has no session, so what the user may do
-- is what the membership row says now. 0: the token does not say; then the link
-- tells the user, and the account is the active one. A link counts for more than
-- a claim: a token that says both must mean the same user.
CREATE FUNCTION guard_token(p_issuer text, p_subject text,
    p_application bigint, p_account bigint, p_user bigint)
RETURNS TABLE (session_id bigint, application_id bigint, user_id bigint,
    account_id bigint, role text, is_admin boolean, version bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	linked bigint := (SELECT user_id FROM external_identity
	    WHERE issuer = p_issuer AND subject = p_subject);
	who bigint := coalesce(linked, p_user);
	r record;
BEGIN
	SELECT x.application_id, x.user_id, x.account_id, x.role, x.is_admin,
	    x.version INTO r
	FROM app_user u JOIN account_right x ON x.user_id = u.id
	WHERE u.id = who AND (p_user = 0 OR p_user = who)
	AND (p_application = 0 OR x.application_id = p_application)
	AND x.account_id = coalesce(nullif(p_account, 0), u.active_account_id,
	    (SELECT min(m.account_id) FROM membership m WHERE m.user_id = u.id));
	IF NOT FOUND THEN
		RAISE EXCEPTION 'The token speaks for nobody who may come in.'
		    USING ERRCODE = 'LR401';
	END IF;
	PERFORM set_config('letterrack.application', r.application_id::text, true),
	    set_config('letterrack.account', r.account_id::text, true),
	    set_config('letterrack.user', r.user_id::text, true);
	RETURN QUERY SELECT 0::bigint, r.application_id, r.user_id, r.account_id,
	    r.role, r.is_admin, r.version;
END $$;
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA letterrack FROM PUBLIC;
