-- Refresh tokens: a family begins with a grant (a sign-in, a code, a device)
-- and each of its tokens is good once. One that comes a second time was stolen,
-- before or after it was used, and ends all that came of the grant.

SET LOCAL search_path = letterrack;

CREATE TABLE refresh_family (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	application_id bigint NOT NULL,
	account_id bigint NOT NULL,
	user_id bigint NOT NULL,
	-- The session that its access tokens name, and the one in which it was
	-- granted, whose end is its end, too. Neither is there for ever: who is
	-- away for longer than a session lives gets another by the next refresh.
	session_id bigint REFERENCES session ON DELETE SET NULL,
	origin_id bigint REFERENCES session ON DELETE SET NULL,
	client text REFERENCES client ON DELETE CASCADE, -- NULL: none was named
	scope text NOT NULL,
	audience text,
	auth_time timestamptz NOT NULL, -- when the password was given
	created_at timestamptz NOT NULL DEFAULT now(),
	expires_at timestamptz NOT NULL, -- its newest token's
	ended_at timestamptz,
	FOREIGN KEY (application_id, account_id)
		REFERENCES account (application_id, id) ON DELETE CASCADE,
	FOREIGN KEY (application_id, user_id)
		REFERENCES app_user (application_id, id) ON DELETE CASCADE
);
CREATE INDEX refresh_family_session ON refresh_family (session_id);
CREATE INDEX refresh_family_origin ON refresh_family (origin_id);
CREATE INDEX refresh_family_client ON refresh_family (client);
CREATE INDEX refresh_family_user ON refresh_family (user_id);
CREATE INDEX refresh_family_age ON refresh_family (expires_at);
ALTER TABLE refresh_family ENABLE ROW LEVEL SECURITY;
COMMENT ON TABLE refresh_family IS 'private';

CREATE TABLE refresh_token (
	hash bytea PRIMARY KEY CHECK (length(hash) = 32), -- SHA-256 of the token
	family_id bigint NOT NULL REFERENCES refresh_family ON DELETE CASCADE,
	created_at timestamptz NOT NULL DEFAULT now(),
	expires_at timestamptz NOT NULL,
	used_at timestamptz
);
CREATE INDEX refresh_token_family ON refresh_token (family_id);
ALTER TABLE refresh_token ENABLE ROW LEVEL SECURITY;
COMMENT ON TABLE refresh_token IS 'private';

-- What came of a session ends with it.
CREATE FUNCTION session_ended() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = letterrack, pg_temp AS $$
BEGIN
	UPDATE refresh_family SET ended_at = now()
	WHERE (session_id = NEW.id OR origin_id = NEW.id) AND ended_at IS NULL;
	UPDATE session s SET ended_at = now() FROM refresh_family f
	WHERE f.origin_id = NEW.id AND s.id = f.session_id AND s.ended_at IS NULL;
	RETURN NULL;
END $$;
CREATE TRIGGER session_ended AFTER UPDATE OF ended_at ON session
	FOR EACH ROW WHEN (OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL)
	EXECUTE FUNCTION session_ended();

-- What a client has got ends when it may no longer ask.
CREATE FUNCTION client_ended() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = letterrack, pg_temp AS $$
BEGIN
	UPDATE session s SET ended_at = now() FROM refresh_family f
	WHERE f.client = OLD.id AND s.id = f.session_id AND s.ended_at IS NULL;
	UPDATE refresh_family SET ended_at = now()
	WHERE client = OLD.id AND ended_at IS NULL;
	IF TG_OP = 'DELETE' THEN
		RETURN OLD;
	END IF;
	RETURN NEW;
END $$;
CREATE TRIGGER client_ended BEFORE DELETE ON client
	FOR EACH ROW EXECUTE FUNCTION client_ended();
CREATE TRIGGER client_inactive BEFORE UPDATE OF is_active ON client
	FOR EACH ROW WHEN (OLD.is_active AND NOT NEW.is_active)
	EXECUTE FUNCTION client_ended();

-- ------------------------------------------------------- parts of the doors
-- These run as whoever calls them, so they are of use to the functions below
-- only.

-- A session that no cookie opens: access tokens name it.
CREATE FUNCTION session_silent(p_application bigint, p_user bigint,
    p_idle integer, p_life integer, p_address text)
RETURNS bigint
LANGUAGE sql SET search_path = letterrack, pg_temp
AS $$
	INSERT INTO session (application_id, user_id, token_hash, idle_seconds,
	    expires_at, address)
	VALUES (p_application, p_user, sha256(uuid_send(gen_random_uuid()) ||
	    uuid_send(gen_random_uuid())), p_idle,
	    now() + make_interval(secs => p_life), p_address)
	RETURNING id
$$;

CREATE FUNCTION refresh_token_add(p_family bigint, p_hash bytea, p_life integer)
RETURNS void
LANGUAGE sql SET search_path = letterrack, pg_temp
AS $$
	DELETE FROM refresh_token WHERE family_id = p_family AND expires_at < now();
	INSERT INTO refresh_token (hash, family_id, expires_at)
	VALUES (p_hash, p_family, now() + make_interval(secs => p_life));
	UPDATE refresh_family SET expires_at = now() + make_interval(secs => p_life)
	WHERE id = p_family;
$$;

-- A new family and its first token. A few of those that are long over go.
CREATE FUNCTION refresh_family_add(f refresh_family, p_hash bytea,
    p_life integer)
RETURNS bigint
LANGUAGE plpgsql SET search_path = letterrack, pg_temp
AS $$
BEGIN
	DELETE FROM refresh_family WHERE id IN (SELECT id FROM refresh_family
	    WHERE expires_at < now() - interval '30 days'
	    LIMIT 20 FOR UPDATE SKIP LOCKED);
	INSERT INTO refresh_family (application_id, account_id, user_id, session_id,
	    origin_id, client, scope, audience, auth_time, expires_at)
	VALUES (f.application_id, f.account_id, f.user_id, f.session_id,
	    f.origin_id, f.client, f.scope, f.audience, f.auth_time, now())
	RETURNING id INTO f.id;
	PERFORM refresh_token_add(f.id, p_hash, p_life);
	RETURN f.id;
END $$;

-- Its session ends, and with it every access token; the trigger does the rest.
CREATE FUNCTION refresh_family_end(p_family bigint) RETURNS void
LANGUAGE sql SET search_path = letterrack, pg_temp
AS $$
	UPDATE session s SET ended_at = now() FROM refresh_family f
	WHERE f.id = p_family AND s.id = f.session_id AND s.ended_at IS NULL;
	UPDATE refresh_family SET ended_at = now()
	WHERE id = p_family AND ended_at IS NULL;
$$;

-- The same, because what is good once came twice.
CREATE FUNCTION refresh_family_stolen(p_family bigint, p_what text,
    p_address text, p_request text)
RETURNS void
LANGUAGE plpgsql SET search_path = letterrack, pg_temp
AS $$
DECLARE
	f refresh_family;
BEGIN
	SELECT * INTO f FROM refresh_family WHERE id = p_family;
	IF FOUND AND f.ended_at IS NULL THEN
		PERFORM refresh_family_end(p_family),
		    audit_add(f.application_id, f.account_id, f.user_id, f.client,
		    'token.refuse_reuse', 'ses_' || f.session_id, p_what, p_address,
		    p_request);
	END IF;
END $$;

-- ------------------------------------------------------------------ doors

-- For a session that has just been opened by signing in.
CREATE FUNCTION door_refresh_open(p_session bigint, p_account bigint,
    p_client text, p_scope text, p_hash bytea, p_life integer)
RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
	SELECT refresh_family_add(ROW(NULL, s.application_id, p_account, s.user_id,
	    s.id, NULL, p_client, p_scope, NULL, s.created_at, NULL, NULL,
	    NULL)::refresh_family, p_hash, p_life)
	FROM session s WHERE s.id = p_session AND s.ended_at IS NULL
$$;

-- A token is used and its successor made. No row: it is none, or it may no
-- longer. Outcome `reused`: it was good once, and now nothing of its family is;
-- `scope`: more is asked for than was granted, and nothing has happened.
-- `p_client` NULL is for who need not show a secret; else the family's.
CREATE FUNCTION door_refresh_rotate(p_hash bytea, p_client text, p_scope text,
    p_new bytea, p_idle integer, p_session_life integer, p_life integer,
    p_address text, p_request text)
RETURNS TABLE (outcome text, application_id bigint, account_id bigint,
    user_id bigint, session_id bigint, client text, scope text, audience text,
    nonce text, auth_time timestamptz, role text, version bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	f refresh_family;
	t refresh_token;
	r record;
BEGIN
	SELECT x.* INTO f FROM refresh_token y
	JOIN refresh_family x ON x.id = y.family_id WHERE y.hash = p_hash;
	-- In the order of who ends a session: that first, then the family.
	PERFORM FROM session s WHERE s.id = f.session_id FOR UPDATE;
	SELECT * INTO f FROM refresh_family x WHERE x.id = f.id FOR UPDATE;
	SELECT * INTO t FROM refresh_token y WHERE y.hash = p_hash FOR UPDATE;
	IF NOT FOUND OR (p_client IS NOT NULL AND f.client IS DISTINCT FROM p_client)
	    OR (p_client IS NULL AND EXISTS (SELECT FROM client c
	    WHERE c.id = f.client AND (c.secret_hash IS NOT NULL
	    OR NOT c.is_active))) THEN
		RETURN;
	END IF;
	IF t.used_at IS NOT NULL THEN
		PERFORM refresh_family_stolen(f.id, 'refresh token', p_address,
		    p_request);
		RETURN QUERY SELECT 'reused', f.application_id, f.account_id,
		    f.user_id, f.session_id, f.client, f.scope, f.audience, NULL,
		    f.auth_time, NULL, NULL::bigint;
		RETURN;
	END IF;
	SELECT x.role, x.version INTO r
	FROM rights_of(f.application_id, f.account_id, f.user_id) x;
	IF NOT FOUND OR f.ended_at IS NOT NULL OR t.expires_at <= now() THEN
		RETURN;
	END IF;
	IF NOT string_to_array(p_scope, ' ') <@ string_to_array(f.scope, ' ') THEN
		RETURN QUERY SELECT 'scope', f.application_id, f.account_id,
		    f.user_id, f.session_id, f.client, f.scope, f.audience, NULL,
		    f.auth_time, r.role, r.version;
		RETURN;
	END IF;
	IF NOT EXISTS (SELECT FROM session s WHERE s.id = f.session_id
	    AND s.ended_at IS NULL AND s.expires_at > now()
	    AND s.last_seen_at + make_interval(secs => s.idle_seconds) > now()) THEN
		f.session_id := session_silent(f.application_id, f.user_id, p_idle,
		    p_session_life, p_address);
		UPDATE refresh_family x SET session_id = f.session_id
		WHERE x.id = f.id;
	END IF;
	UPDATE refresh_token y SET used_at = now() WHERE y.hash = p_hash;
	PERFORM refresh_token_add(f.id, p_new, p_life);
	RETURN QUERY SELECT 'ok', f.application_id, f.account_id, f.user_id,
	    f.session_id, f.client, coalesce(p_scope, f.scope), f.audience, NULL,
	    f.auth_time, r.role, r.version;
END $$;

-- What a token would be good for now. No row: nothing.
CREATE FUNCTION door_refresh_look(p_hash bytea)
RETURNS TABLE (family_id bigint, application_id bigint, account_id bigint,
    user_id bigint, session_id bigint, client text, scope text, role text,
    created_at timestamptz, expires_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
	SELECT f.id, f.application_id, f.account_id, f.user_id, f.session_id,
	    f.client, f.scope, r.role, t.created_at, t.expires_at
	FROM refresh_token t JOIN refresh_family f ON f.id = t.family_id,
	LATERAL rights_of(f.application_id, f.account_id, f.user_id) r
	WHERE t.hash = p_hash AND t.used_at IS NULL AND t.expires_at > now()
	AND f.ended_at IS NULL
$$;

-- Ends what a token belongs to, used or not; a row where there was something.
-- Of a client's own only.
CREATE FUNCTION door_refresh_revoke(p_hash bytea, p_client text)
RETURNS TABLE (application_id bigint, account_id bigint, user_id bigint,
    session_id bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	f refresh_family;
BEGIN
	SELECT x.* INTO f FROM refresh_token t
	JOIN refresh_family x ON x.id = t.family_id
	WHERE t.hash = p_hash AND x.client = p_client AND x.ended_at IS NULL;
	IF FOUND THEN
		PERFORM refresh_family_end(f.id);
		RETURN QUERY SELECT f.application_id, f.account_id, f.user_id,
		    f.session_id;
	END IF;
END $$;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA letterrack FROM PUBLIC;
