-- Second factors: codes by time (RFC 6238), and codes for the day the phone is
-- lost. Reached by the door alone.

SET LOCAL search_path = letterrack;

CREATE TABLE factor (
	user_id bigint PRIMARY KEY,
	application_id bigint NOT NULL,
	sealed bytea NOT NULL,  -- the secret, under a key of its own
	wrapped bytea NOT NULL, -- that key; see core/envelope.h
	created_at timestamptz NOT NULL DEFAULT now(),
	active_at timestamptz,  -- NULL: no code has been shown yet
	last_step bigint NOT NULL DEFAULT 0, -- of the last code that was taken
	failed integer NOT NULL DEFAULT 0,   -- codes in a row
	locked_until timestamptz,
	FOREIGN KEY (application_id, user_id)
		REFERENCES app_user (application_id, id) ON DELETE CASCADE
);
CREATE TABLE factor_code (
	application_id bigint NOT NULL,
	user_id bigint NOT NULL,
	hash bytea NOT NULL CHECK (length(hash) = 32),
	used_at timestamptz,
	PRIMARY KEY (user_id, hash),
	FOREIGN KEY (application_id, user_id)
		REFERENCES app_user (application_id, id) ON DELETE CASCADE
);
-- Somebody has shown a password or a mailed link, and their code is waited for.
-- Known by the SHA-256 of a token, as a session is.
CREATE TABLE half_sign_in (
	hash bytea PRIMARY KEY CHECK (length(hash) = 32),
	application_id bigint NOT NULL,
	user_id bigint NOT NULL,
	expires_at timestamptz NOT NULL,
	FOREIGN KEY (application_id, user_id)
		REFERENCES app_user (application_id, id) ON DELETE CASCADE
);
CREATE INDEX half_sign_in_user ON half_sign_in (user_id);
CREATE INDEX half_sign_in_end ON half_sign_in (expires_at);
ALTER TABLE factor ENABLE ROW LEVEL SECURITY;
ALTER TABLE factor_code ENABLE ROW LEVEL SECURITY;
ALTER TABLE half_sign_in ENABLE ROW LEVEL SECURITY;
COMMENT ON TABLE factor IS 'private';
COMMENT ON TABLE factor_code IS 'private';
COMMENT ON TABLE half_sign_in IS 'private';

-- Was a second factor passed? What is granted in a session inherits it.
ALTER TABLE session ADD second_factor boolean NOT NULL DEFAULT false;
ALTER TABLE refresh_family ADD second_factor boolean NOT NULL DEFAULT false;

-- -------------------------------------------------------- what holds always

-- Nobody who has a second factor has a session that did not pass it, whatever
-- way it is made. The factor's row is held, so that of a session and a factor
-- that come at once one sees the other.
CREATE FUNCTION session_needs_factor() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
DECLARE
	since timestamptz;
BEGIN
	SELECT active_at INTO since FROM factor
	WHERE user_id = NEW.user_id FOR SHARE;
	IF since IS NOT NULL THEN
		RAISE EXCEPTION 'A second factor is needed.'
		    USING ERRCODE = 'LR401';
	END IF;
	RETURN NEW;
END $$;
CREATE TRIGGER session_needs_factor BEFORE INSERT ON session
	FOR EACH ROW WHEN (NOT NEW.second_factor)
	EXECUTE FUNCTION session_needs_factor();

-- What an old password has begun does not go on under a new one.
CREATE FUNCTION half_sign_in_cut() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
BEGIN
	DELETE FROM half_sign_in WHERE user_id = NEW.id;
	RETURN NULL;
END $$;
CREATE TRIGGER half_sign_in_cut AFTER UPDATE OF password_hash, is_active
	ON app_user FOR EACH ROW
	WHEN (OLD.password_hash IS DISTINCT FROM NEW.password_hash
	    OR NOT NEW.is_active)
	EXECUTE FUNCTION half_sign_in_cut();

-- ------------------------------------------------------------- parts of doors
-- These run as whoever calls them, so they are of use to the functions below
-- only.

-- The account that a session of this user begins in: the active one, or the
-- first that they may enter.
CREATE FUNCTION session_account(u app_user) RETURNS bigint
LANGUAGE plpgsql SET search_path = letterrack, pg_temp
AS $$
DECLARE
	a bigint := u.active_account_id;
BEGIN
	IF a IS NULL OR NOT EXISTS (SELECT
	    FROM rights_of(u.application_id, a, u.id)) THEN
		a := (SELECT x.id FROM account x,
		    LATERAL rights_of(x.application_id, x.id, u.id) r
		    WHERE x.application_id = u.application_id
		    ORDER BY EXISTS (SELECT FROM membership m WHERE
		        m.account_id = x.id AND m.user_id = u.id) DESC, x.id
		    LIMIT 1);
	END IF;
	IF a IS NULL THEN
		RAISE EXCEPTION 'You are a member of no account.'
		    USING ERRCODE = 'LR403';
	END IF;
	RETURN a;
END $$;

CREATE FUNCTION session_begin(u app_user, p_hash bytea, p_idle integer,
    p_life integer, p_address text, p_passed boolean)
RETURNS bigint
LANGUAGE plpgsql SET search_path = letterrack, pg_temp
AS $$
DECLARE
	s bigint;
BEGIN
	UPDATE app_user SET active_account_id = session_account(u),
	    failed_logins = 0, locked_until = NULL, last_login_at = now()
	WHERE id = u.id;
	INSERT INTO session (application_id, user_id, token_hash, idle_seconds,
	    expires_at, address, second_factor)
	VALUES (u.application_id, u.id, p_hash, p_idle,
	    now() + make_interval(secs => p_life), p_address, p_passed)
	RETURNING id INTO s;
	RETURN s;
END $$;

-- Counts a try before its code is looked at, so that many at once are counted,
-- too; a right one takes it back (factor_take). From the fifth wrong one in a
-- row on 2^n seconds, at most fifteen minutes. A mailed link that sets a
-- password lifts this lock as little as a right password does: it is theirs
-- who have both. `locked_seconds` > 0: this one does not count, whatever it is.
CREATE FUNCTION factor_try(p_user bigint)
RETURNS TABLE (user_id bigint, application_id bigint, sealed bytea,
    wrapped bytea, last_step bigint, is_active boolean, locked_seconds bigint)
LANGUAGE plpgsql SET search_path = letterrack, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY UPDATE factor f SET failed = f.failed + 1,
	    locked_until = CASE WHEN f.failed >= 4 THEN now() + make_interval(
	        secs => least(900, 2 ^ least(f.failed - 3, 10))) END
	WHERE f.user_id = p_user
	AND (f.locked_until IS NULL OR f.locked_until <= now())
	RETURNING f.user_id, f.application_id, f.sealed, f.wrapped, f.last_step,
	    f.active_at IS NOT NULL, 0::bigint;
	IF NOT FOUND THEN
		RETURN QUERY SELECT f.user_id, f.application_id, f.sealed, f.wrapped,
		    f.last_step, f.active_at IS NOT NULL,
		    greatest(1, ceil(extract(epoch FROM f.locked_until - now())))::bigint
		FROM factor f WHERE f.user_id = p_user;
	END IF;
END $$;

-- A code was right: that of a step, or (`p_code`) a written one. It counts once;
-- false: it, or that of a later step, was used before.
CREATE FUNCTION factor_take(p_user bigint, p_step bigint, p_code bytea)
RETURNS boolean
LANGUAGE plpgsql SET search_path = letterrack, pg_temp
AS $$
BEGIN
	IF p_code IS NOT NULL THEN
		UPDATE factor_code SET used_at = now()
		WHERE user_id = p_user AND hash = p_code AND used_at IS NULL;
		IF NOT FOUND THEN
			RETURN false;
		END IF;
	END IF;
	UPDATE factor SET last_step = greatest(last_step, p_step), failed = 0,
	    locked_until = NULL
	WHERE user_id = p_user AND (p_code IS NOT NULL OR last_step < p_step);
	RETURN FOUND;
END $$;

CREATE FUNCTION factor_codes(p_user bigint, p_hashes bytea[]) RETURNS void
LANGUAGE sql SET search_path = letterrack, pg_temp
AS $$
	DELETE FROM factor_code WHERE user_id = p_user;
	INSERT INTO factor_code (application_id, user_id, hash)
	SELECT u.application_id, u.id, h FROM app_user u, unnest(p_hashes) h
	WHERE u.id = p_user;
$$;

-- ------------------------------------------------------------------ signing in

-- Opens a session for a user who has shown a password or a mailed link. 0: they
-- have a second factor, and `p_hash` is that of the second step's token.
CREATE OR REPLACE FUNCTION session_open(p_user bigint, p_hash bytea,
    p_idle integer, p_life integer, p_address text)
RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
DECLARE
	u app_user;
BEGIN
	SELECT * INTO u FROM app_user WHERE id = p_user AND is_active FOR UPDATE;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'No such user.' USING ERRCODE = 'LR401';
	END IF;
	IF NOT EXISTS (SELECT FROM factor WHERE user_id = p_user
	    AND active_at IS NOT NULL) THEN
		RETURN session_begin(u, p_hash, p_idle, p_life, p_address, false);
	END IF;
	PERFORM session_account(u);
	DELETE FROM half_sign_in WHERE hash IN (SELECT hash FROM half_sign_in
	    WHERE expires_at < now() LIMIT 20 FOR UPDATE SKIP LOCKED);
	INSERT INTO half_sign_in (hash, application_id, user_id, expires_at)
	VALUES (p_hash, u.application_id, u.id, now() + interval '10 minutes');
	RETURN 0;
END $$;

-- A code came for the second step; see factor_try. No row: the step is over,
-- or not of this client's application.
CREATE FUNCTION door_step_try(p_hash bytea, p_client text)
RETURNS TABLE (user_id bigint, application_id bigint, sealed bytea,
    wrapped bytea, last_step bigint, is_active boolean, locked_seconds bigint)
LANGUAGE sql SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
	SELECT f.* FROM half_sign_in h JOIN app_user u ON u.id = h.user_id
	    AND u.is_active,
	LATERAL factor_try(h.user_id) f
	WHERE h.hash = p_hash AND h.expires_at > now() AND f.is_active
	AND (p_client IS NULL OR h.application_id = door_application(p_client))
$$;

-- The code was right: the step becomes a session, once. 0: the code was used
-- before, or the step.
CREATE FUNCTION door_step_pass(p_hash bytea, p_step bigint, p_code bytea,
    p_cookie bytea, p_idle integer, p_life integer, p_address text)
RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
DECLARE
	u app_user;
BEGIN
	SELECT x.* INTO u FROM half_sign_in h JOIN app_user x ON x.id = h.user_id
	WHERE h.hash = p_hash AND h.expires_at > now() AND x.is_active
	FOR UPDATE OF x;
	DELETE FROM half_sign_in WHERE hash = p_hash AND user_id = u.id;
	IF NOT FOUND OR NOT factor_take(u.id, p_step, p_code) THEN
		RETURN 0;
	END IF;
	RETURN session_begin(u, p_cookie, p_idle, p_life, p_address, true);
END $$;

-- ------------------------------------------------------------ one's own factor

-- One row for the caller.
CREATE FUNCTION door_factor_look()
RETURNS TABLE (is_admin boolean, is_owner boolean, email text,
    is_active boolean, is_begun boolean, created_at timestamptz,
    codes_left bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
	SELECT u.role = 'admin', EXISTS (SELECT FROM membership m
	    WHERE m.user_id = u.id AND m.role = 'owner'), u.email,
	    f.active_at IS NOT NULL, f.user_id IS NOT NULL, f.created_at,
	    (SELECT count(*) FROM factor_code c
	    WHERE c.user_id = u.id AND c.used_at IS NULL)
	FROM app_user u LEFT JOIN factor f ON f.user_id = u.id
	WHERE u.id = scope_user() AND u.application_id = scope_application()
$$;

-- A new secret, in place of one that was never used.
CREATE FUNCTION door_factor_begin(p_sealed bytea, p_wrapped bytea) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
BEGIN
	INSERT INTO factor AS f (application_id, user_id, sealed, wrapped)
	VALUES (scope_application(), scope_user(), p_sealed, p_wrapped)
	ON CONFLICT (user_id) DO UPDATE SET sealed = p_sealed,
	    wrapped = p_wrapped, created_at = now(), last_step = 0
	WHERE f.active_at IS NULL;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'The second factor is on already.'
		    USING ERRCODE = 'LR409';
	END IF;
END $$;

CREATE FUNCTION door_factor_try()
RETURNS TABLE (user_id bigint, application_id bigint, sealed bytea,
    wrapped bytea, last_step bigint, is_active boolean, locked_seconds bigint)
LANGUAGE sql SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
	SELECT f.* FROM factor_try(scope_user()) f
$$;

-- The first right code turns it on. The session that it was shown in has passed;
-- all others, and what came of them, end. False: as factor_take, or it is on.
CREATE FUNCTION door_factor_confirm(p_step bigint, p_session bigint,
    p_hashes bytea[])
RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
DECLARE
	me bigint := scope_user();
BEGIN
	PERFORM FROM factor WHERE user_id = me AND active_at IS NULL FOR UPDATE;
	IF NOT FOUND OR NOT factor_take(me, p_step, NULL) THEN
		RETURN false;
	END IF;
	UPDATE factor SET active_at = now() WHERE user_id = me;
	PERFORM factor_codes(me, p_hashes);
	UPDATE session SET ended_at = now()
	WHERE user_id = me AND id <> p_session AND ended_at IS NULL;
	UPDATE refresh_family SET ended_at = now()
	WHERE user_id = me AND session_id IS DISTINCT FROM p_session
	AND ended_at IS NULL;
	UPDATE session SET second_factor = true
	WHERE user_id = me AND id = p_session;
	UPDATE refresh_family SET second_factor = true
	WHERE user_id = me AND session_id = p_session;
	RETURN true;
END $$;

-- New recovery codes for a code; the old ones are gone.
CREATE FUNCTION door_factor_codes(p_step bigint, p_code bytea,
    p_hashes bytea[])
RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
BEGIN
	IF NOT factor_take(scope_user(), p_step, p_code) THEN
		RETURN false;
	END IF;
	PERFORM factor_codes(scope_user(), p_hashes);
	RETURN true;
END $$;

-- Turns it off. What was passed counts no more, should one be asked for later.
CREATE FUNCTION door_factor_drop(p_step bigint, p_code bytea) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
DECLARE
	me bigint := scope_user();
BEGIN
	IF NOT factor_take(me, p_step, p_code) THEN
		RETURN false;
	END IF;
	DELETE FROM factor_code WHERE user_id = me;
	DELETE FROM factor WHERE user_id = me;
	DELETE FROM half_sign_in WHERE user_id = me;
	UPDATE session SET second_factor = false WHERE user_id = me;
	UPDATE refresh_family SET second_factor = false WHERE user_id = me;
	RETURN true;
END $$;

-- Is the caller one of those who have to have one (`p_whom`: admins, owners,
-- everybody), and in a session that has not passed it?
CREATE FUNCTION scope_lacks_factor(p_session bigint, p_whom text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
	SELECT EXISTS (SELECT FROM session s JOIN app_user u ON u.id = s.user_id
	WHERE s.id = p_session AND s.user_id = scope_user()
	AND NOT s.second_factor AND (p_whom <> 'admins' OR u.role = 'admin'))
$$;

-- --------------------------------------------------- what a session passes on
-- As in 0055 and 0056, and `second_factor` beside it.

DROP FUNCTION session_silent(bigint, bigint, integer, integer, text);
CREATE FUNCTION session_silent(p_application bigint, p_user bigint,
    p_idle integer, p_life integer, p_address text, p_passed boolean)
RETURNS bigint
LANGUAGE sql SET search_path = letterrack, pg_temp
AS $$
	INSERT INTO session (application_id, user_id, token_hash, idle_seconds,
	    expires_at, address, second_factor)
	VALUES (p_application, p_user, sha256(uuid_send(gen_random_uuid()) ||
	    uuid_send(gen_random_uuid())), p_idle,
	    now() + make_interval(secs => p_life), p_address, p_passed)
	RETURNING id
$$;

CREATE OR REPLACE FUNCTION refresh_family_add(f refresh_family, p_hash bytea,
    p_life integer)
RETURNS bigint
LANGUAGE plpgsql SET search_path = letterrack, pg_temp
AS $$
BEGIN
	DELETE FROM refresh_family WHERE id IN (SELECT id FROM refresh_family
	    WHERE expires_at < now() - interval '30 days'
	    LIMIT 20 FOR UPDATE SKIP LOCKED);
	INSERT INTO refresh_family (application_id, account_id, user_id, session_id,
	    origin_id, client, scope, audience, auth_time, expires_at,
	    second_factor)
	VALUES (f.application_id, f.account_id, f.user_id, f.session_id,
	    f.origin_id, f.client, f.scope, f.audience, f.auth_time, now(),
	    f.second_factor)
	RETURNING id INTO f.id;
	PERFORM refresh_token_add(f.id, p_hash, p_life);
	RETURN f.id;
END $$;

CREATE OR REPLACE FUNCTION door_refresh_open(p_session bigint, p_account bigint,
    p_client text, p_scope text, p_hash bytea, p_life integer)
RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
	SELECT refresh_family_add(ROW(NULL, s.application_id, p_account, s.user_id,
	    s.id, NULL, p_client, p_scope, NULL, s.created_at, NULL, NULL,
	    NULL, s.second_factor)::refresh_family, p_hash, p_life)
	FROM session s WHERE s.id = p_session AND s.ended_at IS NULL
$$;

CREATE OR REPLACE FUNCTION door_refresh_rotate(p_hash bytea, p_client text, p_scope text,
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
		    p_session_life, p_address, f.second_factor);
		UPDATE refresh_family x SET session_id = f.session_id
		WHERE x.id = f.id;
	END IF;
	UPDATE refresh_token y SET used_at = now() WHERE y.hash = p_hash;
	PERFORM refresh_token_add(f.id, p_new, p_life);
	RETURN QUERY SELECT 'ok', f.application_id, f.account_id, f.user_id,
	    f.session_id, f.client, coalesce(p_scope, f.scope), f.audience, NULL,
	    f.auth_time, r.role, r.version;
END $$;

CREATE OR REPLACE FUNCTION grant_open(p_application bigint, p_account bigint,
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
	SELECT created_at, second_factor INTO f.auth_time, f.second_factor
	FROM session WHERE id = p_session;
	f.session_id := session_silent(p_application, p_user, p_idle,
	    p_session_life, p_address, f.second_factor);
	IF NOT 'offline_access' = ANY (string_to_array(p_scope, ' ')) THEN
		f.origin_id := p_session;
	END IF;
	f.client := p_client;
	f.scope := p_scope;
	f.audience := p_audience;
	f.id := refresh_family_add(f, p_new, p_life);
	RETURN f;
END $$;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA letterrack FROM PUBLIC;
