-- The OAuth server's own rows: consents, codes, and devices that wait. All of
-- them private; codes are known by their SHA-256.

SET LOCAL search_path = letterrack;

-- What a user has allowed a client before.
CREATE TABLE oauth_consent (
	application_id bigint NOT NULL,
	user_id bigint NOT NULL,
	client text NOT NULL REFERENCES client ON DELETE CASCADE,
	scope text NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (user_id, client),
	FOREIGN KEY (application_id, user_id)
		REFERENCES app_user (application_id, id) ON DELETE CASCADE
);
CREATE INDEX oauth_consent_client ON oauth_consent (client);
ALTER TABLE oauth_consent ENABLE ROW LEVEL SECURITY;
COMMENT ON TABLE oauth_consent IS 'private';

-- A code (RFC 6749 4.1.2) and what it was given for.
CREATE TABLE oauth_code (
	hash bytea PRIMARY KEY CHECK (length(hash) = 32),
	application_id bigint NOT NULL,
	account_id bigint NOT NULL,
	user_id bigint NOT NULL,
	session_id bigint NOT NULL REFERENCES session ON DELETE CASCADE,
	client text NOT NULL REFERENCES client ON DELETE CASCADE,
	redirect_uri text NOT NULL,
	challenge text NOT NULL,
	scope text NOT NULL,
	nonce text,
	audience text,
	expires_at timestamptz NOT NULL,
	used_at timestamptz,
	family_id bigint REFERENCES refresh_family ON DELETE SET NULL,
	FOREIGN KEY (application_id, account_id)
		REFERENCES account (application_id, id) ON DELETE CASCADE,
	FOREIGN KEY (application_id, user_id)
		REFERENCES app_user (application_id, id) ON DELETE CASCADE
);
CREATE INDEX oauth_code_age ON oauth_code (expires_at);
CREATE INDEX oauth_code_session ON oauth_code (session_id);
CREATE INDEX oauth_code_family ON oauth_code (family_id);
ALTER TABLE oauth_code ENABLE ROW LEVEL SECURITY;
COMMENT ON TABLE oauth_code IS 'private';

-- A device that asks (RFC 8628); account, user and session once somebody has
-- decided.
CREATE TABLE oauth_device (
	hash bytea PRIMARY KEY CHECK (length(hash) = 32),
	user_code_hash bytea NOT NULL UNIQUE CHECK (length(user_code_hash) = 32),
	application_id bigint NOT NULL REFERENCES application ON DELETE CASCADE,
	account_id bigint,
	user_id bigint,
	session_id bigint REFERENCES session ON DELETE CASCADE,
	client text NOT NULL REFERENCES client ON DELETE CASCADE,
	scope text NOT NULL,
	audience text,
	state text NOT NULL DEFAULT 'pending'
		CHECK (state IN ('pending', 'approved', 'denied', 'used')),
	pause_seconds integer NOT NULL DEFAULT 5,
	polled_at timestamptz,
	expires_at timestamptz NOT NULL,
	family_id bigint REFERENCES refresh_family ON DELETE SET NULL,
	FOREIGN KEY (application_id, account_id)
		REFERENCES account (application_id, id) ON DELETE CASCADE,
	FOREIGN KEY (application_id, user_id)
		REFERENCES app_user (application_id, id) ON DELETE CASCADE
);
CREATE INDEX oauth_device_age ON oauth_device (expires_at);
CREATE INDEX oauth_device_session ON oauth_device (session_id);
CREATE INDEX oauth_device_family ON oauth_device (family_id);
ALTER TABLE oauth_device ENABLE ROW LEVEL SECURITY;
COMMENT ON TABLE oauth_device IS 'private';

-- --------------------------------------------------------------- clients

-- A client that may ask, and what proves it. The account is NULL where its own
-- is gone or suspended, too.
CREATE FUNCTION door_client_find(p_client text)
RETURNS TABLE (id text, application_id bigint, account_id bigint, name text,
    secret_hash bytea, redirect_uris text[], role text, is_app_admin boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
	SELECT c.id, c.application_id, a.id, c.name, c.secret_hash,
	    c.redirect_uris, c.role, c.is_app_admin
	FROM client c LEFT JOIN account a ON a.application_id = c.application_id
	    AND a.id = c.account_id AND a.status = 'active'
	WHERE c.id = p_client AND c.is_active
$$;

-- ------------------------------------------------------ consent and codes

-- Since when a session is there, and whether its user has allowed all of a
-- scope before.
CREATE FUNCTION door_consent_look(p_session bigint, p_client text, p_scope text)
RETURNS TABLE (age_seconds bigint, is_given boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
	SELECT extract(epoch FROM now() - s.created_at)::bigint,
	    EXISTS (SELECT FROM oauth_consent c WHERE c.user_id = s.user_id
	    AND c.client = p_client AND string_to_array(p_scope, ' ')
	    <@ string_to_array(c.scope, ' '))
	FROM session s WHERE s.id = p_session AND s.ended_at IS NULL
$$;

-- Remembers it, beside what was allowed before.
CREATE FUNCTION door_consent_put(p_session bigint, p_client text, p_scope text)
RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
	INSERT INTO oauth_consent AS c (application_id, user_id, client, scope)
	SELECT application_id, user_id, p_client, p_scope FROM session
	WHERE id = p_session AND ended_at IS NULL
	ON CONFLICT (user_id, client) DO UPDATE SET created_at = now(),
	    scope = (SELECT string_agg(DISTINCT w, ' ') FROM
	    unnest(string_to_array(c.scope || ' ' || excluded.scope, ' ')) w
	    WHERE w <> '')
$$;

CREATE FUNCTION door_code_add(p_hash bytea, p_session bigint, p_account bigint,
    p_client text, p_redirect_uri text, p_challenge text, p_scope text,
    p_nonce text, p_audience text, p_life integer)
RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
DECLARE
	n bigint;
BEGIN
	-- A few of those that cannot even come a second time any more.
	DELETE FROM oauth_code WHERE hash IN (SELECT hash FROM oauth_code
	    WHERE expires_at < now() - interval '1 day'
	    LIMIT 20 FOR UPDATE SKIP LOCKED);
	INSERT INTO oauth_code (hash, application_id, account_id, user_id,
	    session_id, client, redirect_uri, challenge, scope, nonce, audience,
	    expires_at)
	SELECT p_hash, application_id, p_account, user_id, id, p_client,
	    p_redirect_uri, p_challenge, p_scope, p_nonce, p_audience,
	    now() + make_interval(secs => p_life)
	FROM session WHERE id = p_session AND ended_at IS NULL;
	GET DIAGNOSTICS n = ROW_COUNT;
	RETURN n;
END $$;

-- A grant becomes a session of its own and a family of refresh tokens. Where
-- the client asked for access while its user is away, it outlives the session
-- in which it was granted.
CREATE FUNCTION grant_open(p_application bigint, p_account bigint,
    p_user bigint, p_session bigint, p_client text, p_scope text,
    p_audience text, p_new bytea, p_idle integer, p_session_life integer,
    p_life integer, p_address text)
RETURNS refresh_family
LANGUAGE plpgsql SET search_path = letterrack, pg_temp
AS $$
DECLARE
	f refresh_family;
BEGIN
	f.application_id := p_application;
	f.account_id := p_account;
	f.user_id := p_user;
	f.session_id := session_silent(p_application, p_user, p_idle,
	    p_session_life, p_address);
	IF NOT 'offline_access' = ANY (string_to_array(p_scope, ' ')) THEN
		f.origin_id := p_session;
	END IF;
	f.client := p_client;
	f.scope := p_scope;
	f.audience := p_audience;
	f.auth_time := (SELECT created_at FROM session WHERE id = p_session);
	f.id := refresh_family_add(f, p_new, p_life);
	RETURN f;
END $$;

-- A code is tried once, right or wrong. Outcome `reused`: it was used, and what
-- came of it has ended. No row: it is none, or no longer, or not for this
-- client, address and verifier.
CREATE FUNCTION door_code_redeem(p_hash bytea, p_client text,
    p_redirect_uri text, p_challenge text, p_new bytea, p_idle integer,
    p_session_life integer, p_life integer, p_address text, p_request text)
RETURNS TABLE (outcome text, application_id bigint, account_id bigint,
    user_id bigint, session_id bigint, client text, scope text, audience text,
    nonce text, auth_time timestamptz, role text, version bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	c oauth_code;
	f refresh_family;
	r record;
BEGIN
	UPDATE oauth_code x SET used_at = now()
	WHERE x.hash = p_hash AND x.client = p_client AND x.used_at IS NULL
	RETURNING * INTO c;
	IF NOT FOUND THEN
		SELECT * INTO c FROM oauth_code x
		WHERE x.hash = p_hash AND x.client = p_client;
		IF FOUND THEN
			PERFORM refresh_family_stolen(c.family_id, 'code', p_address,
			    p_request);
			RETURN QUERY SELECT 'reused', c.application_id, c.account_id,
			    c.user_id, c.session_id, c.client, c.scope, c.audience,
			    c.nonce, NULL::timestamptz, NULL, NULL::bigint;
		END IF;
		RETURN;
	END IF;
	SELECT x.role, x.version INTO r
	FROM rights_of(c.application_id, c.account_id, c.user_id) x;
	IF NOT FOUND OR c.expires_at <= now() OR c.redirect_uri <> p_redirect_uri
	    OR c.challenge <> p_challenge OR NOT EXISTS (SELECT FROM session s
	    WHERE s.id = c.session_id AND s.ended_at IS NULL) THEN
		RETURN;
	END IF;
	f := grant_open(c.application_id, c.account_id, c.user_id, c.session_id,
	    c.client, c.scope, c.audience, p_new, p_idle, p_session_life, p_life,
	    p_address);
	UPDATE oauth_code x SET family_id = f.id WHERE x.hash = p_hash;
	RETURN QUERY SELECT 'ok', f.application_id, f.account_id, f.user_id,
	    f.session_id, f.client, f.scope, f.audience, c.nonce, f.auth_time,
	    r.role, r.version;
END $$;

-- ---------------------------------------------------------------- devices

CREATE FUNCTION door_device_add(p_hash bytea, p_user_code_hash bytea,
    p_client text, p_scope text, p_audience text, p_life integer,
    p_pause integer)
RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
	DELETE FROM oauth_device WHERE hash IN (SELECT hash FROM oauth_device
	    WHERE expires_at < now() - interval '1 day'
	    LIMIT 20 FOR UPDATE SKIP LOCKED);
	INSERT INTO oauth_device (hash, user_code_hash, application_id, client,
	    scope, audience, pause_seconds, expires_at)
	SELECT p_hash, p_user_code_hash, application_id, id, p_scope, p_audience,
	    p_pause, now() + make_interval(secs => p_life)
	FROM client WHERE id = p_client AND is_active;
$$;

-- What somebody who types a user code is asked about.
CREATE FUNCTION door_device_look(p_user_code_hash bytea, p_application bigint)
RETURNS TABLE (client text, name text, scope text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
	SELECT c.id, c.name, d.scope
	FROM oauth_device d JOIN client c ON c.id = d.client AND c.is_active
	WHERE d.user_code_hash = p_user_code_hash AND d.state = 'pending'
	AND d.application_id = p_application AND d.expires_at > now()
$$;

-- Decides, once; whether there was something to decide.
CREATE FUNCTION door_device_decide(p_user_code_hash bytea, p_session bigint,
    p_account bigint, p_state text)
RETURNS text
LANGUAGE sql SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
	UPDATE oauth_device d SET state = p_state, session_id = s.id,
	    user_id = s.user_id, account_id = p_account
	FROM session s WHERE s.id = p_session AND s.ended_at IS NULL
	AND s.application_id = d.application_id AND d.state = 'pending'
	AND d.user_code_hash = p_user_code_hash AND d.expires_at > now()
	AND p_state IN ('approved', 'denied')
	RETURNING d.client
$$;

-- A device asks whether somebody has decided: outcome `ok`, or the word it is
-- told. No row: it is none, or not this client's.
CREATE FUNCTION door_device_redeem(p_hash bytea, p_client text, p_new bytea,
    p_idle integer, p_session_life integer, p_life integer, p_address text,
    p_request text)
RETURNS TABLE (outcome text, application_id bigint, account_id bigint,
    user_id bigint, session_id bigint, client text, scope text, audience text,
    nonce text, auth_time timestamptz, role text, version bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	d oauth_device;
	f refresh_family;
	r record;
	word text;
BEGIN
	SELECT * INTO d FROM oauth_device x
	WHERE x.hash = p_hash AND x.client = p_client FOR UPDATE;
	IF NOT FOUND THEN
		RETURN;
	END IF;
	word := CASE WHEN d.state = 'used' THEN 'reused'
	    WHEN d.expires_at <= now() THEN 'expired_token'
	    WHEN d.polled_at > now() - make_interval(secs => d.pause_seconds)
	        THEN 'slow_down'
	    WHEN d.state = 'denied' THEN 'access_denied'
	    WHEN d.state = 'pending' THEN 'authorization_pending'
	    ELSE 'ok' END;
	SELECT x.role, x.version INTO r
	FROM rights_of(d.application_id, d.account_id, d.user_id) x;
	IF word = 'ok' AND (NOT FOUND OR NOT EXISTS (SELECT FROM session s
	    WHERE s.id = d.session_id AND s.ended_at IS NULL)) THEN
		word := 'access_denied';
	END IF;
	IF word = 'reused' THEN
		PERFORM refresh_family_stolen(d.family_id, 'device code', p_address,
		    p_request);
	END IF;
	IF word = 'ok' THEN
		f := grant_open(d.application_id, d.account_id, d.user_id,
		    d.session_id, d.client, d.scope, d.audience, p_new, p_idle,
		    p_session_life, p_life, p_address);
	END IF;
	-- RFC 8628 3.5: who is too fast waits five seconds more from now on.
	UPDATE oauth_device x SET polled_at = now(), family_id =
	    coalesce(f.id, x.family_id), state = CASE word WHEN 'ok' THEN 'used'
	    ELSE x.state END, pause_seconds = x.pause_seconds +
	    CASE word WHEN 'slow_down' THEN 5 ELSE 0 END
	WHERE x.hash = p_hash;
	RETURN QUERY SELECT word, d.application_id, d.account_id, d.user_id,
	    f.session_id, d.client, d.scope, d.audience, NULL, f.auth_time,
	    r.role, r.version;
END $$;

-- ------------------------------------------------------------ access tokens

-- Is what a token says still so? As the guards ask, for a token that is not the
-- caller's.
CREATE FUNCTION door_token_alive(p_application bigint, p_account bigint,
    p_user bigint, p_session bigint, p_version bigint, p_client text,
    p_role text)
RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
	SELECT CASE WHEN p_user = 0 THEN EXISTS (SELECT FROM client c
	    JOIN account a ON a.id = c.account_id
	    WHERE c.id = p_client AND c.application_id = p_application
	    AND c.account_id = p_account AND c.is_active AND c.role = p_role
	    AND c.secret_hash IS NOT NULL AND a.status = 'active')
	ELSE EXISTS (SELECT FROM session s
	    JOIN account_right r ON r.user_id = s.user_id
	    WHERE r.application_id = p_application AND r.account_id = p_account
	    AND r.user_id = p_user AND s.id = p_session AND s.user_id = p_user
	    AND r.version = p_version AND s.ended_at IS NULL
	    AND s.expires_at > now()
	    AND s.last_seen_at + make_interval(secs => s.idle_seconds) > now()) END
$$;

-- Ends the session that a client's access token names.
CREATE FUNCTION door_session_revoke(p_user bigint, p_session bigint)
RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
DECLARE
	n bigint;
BEGIN
	UPDATE session SET ended_at = now()
	WHERE id = p_session AND user_id = p_user AND ended_at IS NULL;
	GET DIAGNOSTICS n = ROW_COUNT;
	RETURN n;
END $$;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA letterrack FROM PUBLIC;
