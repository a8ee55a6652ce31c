-- Grants and links that are over go by housekeeping, as everything else that is
-- old, and no more beside the making of new ones, where somebody waits.

SET LOCAL search_path = letterrack;

-- Removes at most `p_most` of a kind that ended longer than `p_keep` seconds
-- ago; how many. What another transaction holds is left for the next time.
CREATE OR REPLACE FUNCTION housekeep(p_what text, p_keep integer,
    p_most integer)
RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
DECLARE
	before timestamptz := now() - make_interval(secs => p_keep);
	n bigint;
BEGIN
	CASE p_what
	WHEN 'idempotency' THEN
		DELETE FROM idempotency WHERE (account_id, actor, route, key) IN
		    (SELECT account_id, actor, route, key FROM idempotency
		    WHERE created_at < before
		    ORDER BY created_at LIMIT p_most FOR UPDATE SKIP LOCKED);
	WHEN 'session' THEN
		DELETE FROM session WHERE id IN (SELECT id FROM session
		    WHERE coalesce(ended_at, least(expires_at, last_seen_at +
		        make_interval(secs => idle_seconds))) < before
		    LIMIT p_most FOR UPDATE SKIP LOCKED);
	WHEN 'task', 'failed_task' THEN
		-- Their jobs go with them; one that may still run keeps its task.
		DELETE FROM task WHERE (account_id, id) IN
		    (SELECT t.account_id, t.id FROM task t
		    WHERE t.finished_at < before
		    AND t.state = ANY (CASE p_what WHEN 'task'
		        THEN ARRAY['succeeded', 'cancelled'] ELSE ARRAY['failed'] END)
		    AND NOT EXISTS (SELECT FROM job j WHERE j.account_id = t.account_id
		        AND j.task_id = t.id AND j.state IN ('queued', 'running'))
		    ORDER BY t.finished_at LIMIT p_most FOR UPDATE SKIP LOCKED);
	WHEN 'log' THEN
		-- Ids grow with time: the oldest are the first.
		DELETE FROM log WHERE id IN (SELECT id FROM
		    (SELECT id, created_at FROM log ORDER BY id LIMIT p_most) l
		    WHERE created_at < before);
	WHEN 'oauth_code' THEN
		DELETE FROM oauth_code WHERE hash IN (SELECT hash FROM oauth_code
		    WHERE expires_at < before
		    ORDER BY expires_at LIMIT p_most FOR UPDATE SKIP LOCKED);
	WHEN 'oauth_device' THEN
		DELETE FROM oauth_device WHERE hash IN (SELECT hash FROM oauth_device
		    WHERE expires_at < before
		    ORDER BY expires_at LIMIT p_most FOR UPDATE SKIP LOCKED);
	WHEN 'refresh_family' THEN
		-- Its tokens go with it, each of which ended before it.
		DELETE FROM refresh_family WHERE id IN (SELECT id FROM refresh_family
		    WHERE expires_at < before
		    ORDER BY expires_at LIMIT p_most FOR UPDATE SKIP LOCKED);
	WHEN 'one_time' THEN
		DELETE FROM one_time WHERE id IN (SELECT id FROM one_time
		    WHERE expires_at < before
		    ORDER BY expires_at LIMIT p_most FOR UPDATE SKIP LOCKED);
	END CASE;
	GET DIAGNOSTICS n = ROW_COUNT;
	RETURN n;
END $$;

CREATE OR REPLACE FUNCTION door_code_add(p_hash bytea, p_session bigint,
    p_account bigint, p_client text, p_redirect_uri text, p_challenge text, p_scope text,
    p_nonce text, p_audience text, p_life integer)
RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
DECLARE
	n bigint;
BEGIN
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

CREATE OR REPLACE FUNCTION door_device_add(p_hash bytea, p_user_code_hash bytea,
    p_client text, p_scope text, p_audience text, p_life integer,
    p_pause integer)
RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
	INSERT INTO oauth_device (hash, user_code_hash, application_id, client,
	    scope, audience, pause_seconds, expires_at)
	SELECT p_hash, p_user_code_hash, application_id, id, p_scope, p_audience,
	    p_pause, now() + make_interval(secs => p_life)
	FROM client WHERE id = p_client AND is_active;
$$;

-- A new family and its first token.
CREATE OR REPLACE FUNCTION refresh_family_add(f refresh_family, p_hash bytea,
    p_life integer)
RETURNS bigint
LANGUAGE plpgsql SET search_path = letterrack, pg_temp
AS $$
BEGIN
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

-- A new link takes the place of older ones of its kind, of an invitation those
-- into the same account. No row: the address has had `p_most` within the hour,
-- or the account has sent twenty times as many invitations.
-- Its commit does not wait for the disk: that would tell by its time which
-- users there are, and a link that is lost with the power is asked for again.
CREATE OR REPLACE FUNCTION door_one_time_add(p_kind text, p_application bigint,
    p_hash bytea, p_address text, p_user bigint, p_password_hash text,
    p_account bigint, p_role text, p_life integer, p_most integer)
RETURNS TABLE (id bigint, account_id bigint, role text, created_at timestamptz,
    expires_at timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	IF p_account IS NOT NULL AND (p_account <> scope_account()
	    OR p_application <> scope_application() OR NOT scope_owner()) THEN
		RAISE EXCEPTION 'Only an owner invites.' USING ERRCODE = 'LR403';
	END IF;
	PERFORM set_config('synchronous_commit', 'off', true);
	-- Two at once would both be the newest.
	PERFORM pg_advisory_xact_lock(hashtextextended(
	    concat_ws(' ', p_kind, p_application, lower(p_address)), 0));
	IF (SELECT count(*) FROM one_time o
	    WHERE o.application_id = p_application AND o.kind = p_kind
	    AND lower(o.address) = lower(p_address)
	    AND o.created_at > now() - interval '1 hour') >= p_most
	OR (SELECT count(*) FROM one_time o WHERE o.account_id = p_account
	    AND o.created_at > now() - interval '1 hour') >= 20 * p_most THEN
		RETURN;
	END IF;
	UPDATE one_time o SET expires_at = now(), password_hash = NULL
	WHERE o.application_id = p_application AND o.kind = p_kind
	AND lower(o.address) = lower(p_address)
	AND o.account_id IS NOT DISTINCT FROM p_account
	AND o.used_at IS NULL AND o.expires_at > now();
	RETURN QUERY INSERT INTO one_time AS o (application_id, kind, hash,
	    address, user_id, password_hash, account_id, role, made_by, expires_at)
	VALUES (p_application, p_kind, p_hash, p_address, p_user,
	    p_password_hash, p_account, p_role,
	    CASE WHEN p_account IS NOT NULL AND scope_user() > 0
	    THEN scope_user() END, now() + make_interval(secs => p_life))
	RETURNING o.id, o.account_id, o.role, o.created_at, o.expires_at;
END $$;
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA letterrack FROM PUBLIC;
