-- Whom a mailed link leads to. `lower` makes a k of the Kelvin sign (U+212A) and
-- an i of others, so that a mailbox of such a name had links of the user whose
-- address looks the same: addresses are alike in ASCII's two cases, no more. And
-- a link is dead once its user has another address, or has changed the password.

CREATE FUNCTION same_address(a text, b text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
	SELECT lower(a) = lower(b) AND lower(a COLLATE "C") = lower(b COLLATE "C")
$$;

CREATE OR REPLACE FUNCTION door_user_at(p_application bigint, p_address text)
RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
	SELECT id FROM app_user WHERE application_id = p_application
	AND same_address(email, p_address) AND is_active
$$;

CREATE OR REPLACE FUNCTION door_one_time_look(p_kind text, p_hash bytea)
RETURNS TABLE (id bigint, application_id bigint, address text, user_id bigint,
    password_hash text, account_id bigint, account_name text, role text,
    user_name text, has_password boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
	SELECT o.id, o.application_id, o.address, coalesce(o.user_id, u.id),
	    o.password_hash, o.account_id, a.name, o.role,
	    coalesce(u.username, u.name), u.password_hash IS NOT NULL
	FROM one_time o
	LEFT JOIN app_user u ON u.application_id = o.application_id
	    AND same_address(u.email, o.address)
	LEFT JOIN account a ON a.id = o.account_id
	WHERE o.hash = p_hash AND o.kind = p_kind AND o.used_at IS NULL
	AND o.expires_at > now() AND (o.user_id IS NULL OR o.user_id = u.id)
$$;

CREATE OR REPLACE FUNCTION door_one_time_use(p_kind text, p_hash bytea,
    p_client text)
RETURNS TABLE (id bigint, application_id bigint, address text, user_id bigint,
    password_hash text, account_id bigint, role text)
LANGUAGE sql SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
	UPDATE one_time o SET used_at = now(), password_hash = NULL
	FROM (SELECT x.id, x.password_hash FROM one_time x
	    WHERE x.hash = p_hash FOR UPDATE) was
	WHERE o.id = was.id AND o.kind = p_kind AND o.used_at IS NULL
	AND o.expires_at > now()
	AND (p_client IS NULL OR o.application_id = door_application(p_client))
	AND (o.user_id IS NULL OR EXISTS (SELECT FROM app_user u
	    WHERE u.id = o.user_id AND same_address(u.email, o.address)))
	RETURNING o.id, o.application_id, o.address, o.user_id,
	    was.password_hash, o.account_id, o.role
$$;

CREATE OR REPLACE FUNCTION door_password_set(p_user bigint, p_old text,
    p_new text, p_keep bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
BEGIN
	UPDATE app_user SET password_hash = p_new, failed_logins = 0,
	    locked_until = NULL, updated_at = now()
	WHERE id = p_user AND application_id = scope_application()
	AND CASE WHEN id = scope_user() THEN password_hash IS NOT DISTINCT FROM p_old
	    ELSE scope_admin() END;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'The password has been changed meanwhile.'
		    USING ERRCODE = 'LR409';
	END IF;
	UPDATE session SET ended_at = now()
	WHERE user_id = p_user AND id <> p_keep AND ended_at IS NULL;
	UPDATE one_time SET expires_at = now()
	WHERE user_id = p_user AND kind IN ('magic', 'reset')
	AND used_at IS NULL AND expires_at > now();
END $$;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA letterrack FROM PUBLIC;
