-- External issuers: the guard goes in one pipeline with what it guards.

SET LOCAL search_path = letterrack;

-- Whom a token of an external issuer speaks for, and what the membership row
-- says now that they may; no row: nobody. 0: the token does not say; then the
-- link tells the user, and the account is the active one. A link counts for more
-- than a claim: a token that says both must mean the same user.
CREATE FUNCTION door_external_bearer(p_issuer text, p_subject text,
    p_application bigint, p_account bigint, p_user bigint)
RETURNS TABLE (session_id bigint, application_id bigint, user_id bigint,
    account_id bigint, role text, is_admin boolean, version bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	linked bigint := (SELECT user_id FROM external_identity
	    WHERE issuer = p_issuer AND subject = p_subject);
	who bigint := coalesce(linked, p_user);
BEGIN
	RETURN QUERY SELECT 0::bigint, x.application_id, x.user_id, x.account_id,
	    x.role, x.is_admin, x.version
	FROM app_user u JOIN account_right x ON x.user_id = u.id
	WHERE u.id = who AND (p_user = 0 OR p_user = who)
	AND (p_application = 0 OR x.application_id = p_application)
	AND x.account_id = coalesce(nullif(p_account, 0), u.active_account_id,
	    (SELECT min(m.account_id) FROM membership m WHERE m.user_id = u.id));
END $$;

-- `p_as_user` 0: whoever it is. Else what the caller knows of an earlier time
-- has to be true still. The one with five arguments is the earlier program's.
CREATE FUNCTION guard_token(p_issuer text, p_subject text,
    p_application bigint, p_account bigint, p_user bigint,
    p_as_account bigint, p_as_user bigint, p_as_version bigint)
RETURNS TABLE (session_id bigint, application_id bigint, user_id bigint,
    account_id bigint, role text, is_admin boolean, version bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	r record;
BEGIN
	SELECT * INTO r FROM door_external_bearer(p_issuer, p_subject,
	    p_application, p_account, p_user);
	IF NOT FOUND OR (p_as_user <> 0 AND (r.user_id, r.account_id, r.version)
	    IS DISTINCT FROM (p_as_user, p_as_account, p_as_version)) THEN
		RAISE EXCEPTION 'The token speaks for nobody who may come in.'
		    USING ERRCODE = 'LR401';
	END IF;
	PERFORM set_config('letterrack.application', r.application_id::text, true),
	    set_config('letterrack.account', r.account_id::text, true),
	    set_config('letterrack.user', r.user_id::text, true);
	RETURN QUERY SELECT r.session_id, r.application_id, r.user_id,
	    r.account_id, r.role, r.is_admin, r.version;
END $$;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA letterrack FROM PUBLIC;
