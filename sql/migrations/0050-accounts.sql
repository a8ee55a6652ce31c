-- Accounts, members, users and clients are made, changed and removed through
-- the API. What has to look beyond the caller's account is a function here, and
-- each asks first whether the caller may.

SET LOCAL search_path = letterrack;

-- A user that a machine client makes may have no address, and no way in, yet.
ALTER TABLE app_user ALTER COLUMN email DROP NOT NULL;

-- A client's own name is random: this is the order of lists. Whether it has a
-- secret may be known, the hash of it not.
ALTER TABLE client ADD number bigint GENERATED ALWAYS AS IDENTITY;
ALTER TABLE client ADD is_public boolean
	GENERATED ALWAYS AS (secret_hash IS NULL) STORED;
CREATE INDEX client_account ON client (account_id, number);

-- ---------------------------------------------------------------- accounts

-- A root account, or a child of the caller's (an admin's: of any). Whoever is a
-- person owns it; what a machine makes has no members yet.
CREATE FUNCTION account_make(p_parent bigint, p_name text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
DECLARE
	made bigint;
BEGIN
	IF NOT scope_owner() AND NOT scope_admin() THEN
		RAISE EXCEPTION 'Only an owner makes accounts.'
		    USING ERRCODE = 'LR403';
	END IF;
	IF p_parent IS NULL AND scope_user() <= 0 AND NOT scope_admin() THEN
		RAISE EXCEPTION 'A root account needs a person who owns it.'
		    USING ERRCODE = 'LR403';
	END IF;
	IF p_parent IS NOT NULL THEN
		-- Held, so that it is not removed under its child.
		PERFORM FROM account WHERE application_id = scope_application()
		AND id = p_parent AND status = 'active'
		AND (id = scope_account() OR scope_admin()) FOR SHARE;
		IF NOT FOUND THEN
			RAISE EXCEPTION 'There is no such account.'
			    USING ERRCODE = 'LR404';
		END IF;
	END IF;
	INSERT INTO account (application_id, parent_account_id, name)
	VALUES (scope_application(), p_parent, p_name) RETURNING id INTO made;
	IF scope_user() > 0 THEN
		INSERT INTO membership (application_id, account_id, user_id, role)
		VALUES (scope_application(), made, scope_user(), 'owner');
	END IF;
	RETURN made;
END $$;

-- The account is out of reach from the commit on; a job removes its rows. Its
-- work ends: no lease in it holds any more. Whoever had it before them gets
-- another account of theirs.
CREATE FUNCTION account_close(p_account bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
BEGIN
	IF p_account <> scope_account() OR NOT scope_owner() THEN
		RAISE EXCEPTION 'Only its owner removes an account.'
		    USING ERRCODE = 'LR403';
	END IF;
	PERFORM FROM account WHERE id = p_account AND status = 'active'
	FOR UPDATE;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'There is no such account.' USING ERRCODE = 'LR404';
	END IF;
	IF EXISTS (SELECT FROM account WHERE parent_account_id = p_account
	    AND application_id = scope_application() AND status <> 'deleting') THEN
		RAISE EXCEPTION 'It has child accounts; remove these first.'
		    USING ERRCODE = 'LR409';
	END IF;
	UPDATE account SET status = 'deleting', updated_at = now()
	WHERE id = p_account;
	UPDATE credential SET is_active = false WHERE account_id = p_account;
	UPDATE job SET state = 'resolved', resolved_at = now(),
	    note = 'The account is being removed.', worker = NULL,
	    lease_until = NULL
	WHERE account_id = p_account AND state IN ('queued', 'running');
	UPDATE app_user u SET active_account_id = (SELECT m.account_id
	    FROM membership m JOIN account a ON a.id = m.account_id
	    WHERE m.user_id = u.id AND a.status = 'active'
	    ORDER BY m.account_id LIMIT 1)
	WHERE u.application_id = scope_application()
	AND u.active_account_id = p_account;
END $$;

-- Removes some of an account's rows, `p_most` of a table at most; 0: what is
-- left goes with the account. For the job `p_job` of it that does so, behind
-- guard_lease. The big tables are emptied first, and none of them by a cascade,
-- which knows no bounds.
CREATE FUNCTION account_remove_some(p_account bigint, p_job bigint,
    p_most integer) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
DECLARE
	t text;
	n bigint;
BEGIN
	PERFORM FROM account WHERE id = p_account AND status = 'deleting'
	AND p_account = scope_account() AND scope_user() = 0;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'It is not being removed.' USING ERRCODE = 'LR403';
	END IF;
	FOREACH t IN ARRAY ARRAY['flag_intent', 'expunge_intent', 'email_part',
	    'placement', 'email', 'log', 'idempotency', 'mailbox'] LOOP
		EXECUTE format('DELETE FROM %I WHERE account_id = $1 AND ctid = ANY
		    (ARRAY(SELECT ctid FROM %I WHERE account_id = $1 LIMIT $2))', t, t)
		USING p_account, p_most;
		GET DIAGNOSTICS n = ROW_COUNT;
		IF n > 0 THEN
			RETURN n;
		END IF;
	END LOOP;
	-- Jobs go with their tasks.
	DELETE FROM task WHERE account_id = p_account AND id IN (SELECT x.id
	    FROM task x WHERE x.account_id = p_account AND x.id <> (SELECT
	    j.task_id FROM job j WHERE j.account_id = p_account AND j.id = p_job)
	    LIMIT p_most);
	GET DIAGNOSTICS n = ROW_COUNT;
	RETURN n;
END $$;

-- The rest, the job itself among it. The audit log stays: it tells who did it.
CREATE FUNCTION account_remove_last(p_account bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
BEGIN
	IF p_account <> scope_account() OR scope_user() <> 0 THEN
		RAISE EXCEPTION 'It is not being removed.' USING ERRCODE = 'LR403';
	END IF;
	IF EXISTS (SELECT FROM account WHERE parent_account_id = p_account) THEN
		RAISE EXCEPTION 'A child of it is still being removed.'
		    USING ERRCODE = 'LR503';
	END IF;
	UPDATE app_user SET active_account_id = NULL
	WHERE active_account_id = p_account;
	DELETE FROM account WHERE id = p_account AND status = 'deleting';
END $$;

-- Children are listed, and asked for whenever an account is removed.
CREATE INDEX account_parent ON account (parent_account_id)
	WHERE parent_account_id IS NOT NULL;

-- ----------------------------------------------------------------- members

-- Whom an owner means to take in: a user of the application, by id or address.
-- No row: there is none.
CREATE FUNCTION member_to_be(p_user bigint, p_email text) RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
BEGIN
	IF NOT scope_owner() THEN
		RAISE EXCEPTION 'Only an owner takes members in.'
		    USING ERRCODE = 'LR403';
	END IF;
	RETURN (SELECT id FROM app_user WHERE application_id = scope_application()
	    AND (p_user IS NULL OR id = p_user)
	    AND (p_email IS NULL OR lower(email) = lower(p_email))
	    AND (p_user IS NOT NULL OR p_email IS NOT NULL));
END $$;

-- ------------------------------------------------------------------- users

-- May this user be no admin any more, or, `p_gone`, not be at all? Raises where
-- the application would be left without an admin, or an account without an
-- owner. Holds those who count until the transaction ends: of two at once the
-- second sees what the first has done.
CREATE FUNCTION user_spare(p_user bigint, p_gone boolean) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
BEGIN
	IF NOT scope_admin() THEN
		RAISE EXCEPTION 'Only an admin does this.' USING ERRCODE = 'LR403';
	END IF;
	PERFORM FROM app_user WHERE application_id = scope_application()
	AND role = 'admin' AND is_active ORDER BY id FOR UPDATE;
	IF EXISTS (SELECT FROM app_user WHERE id = p_user
	    AND application_id = scope_application()
	    AND role = 'admin' AND is_active)
	AND NOT EXISTS (SELECT FROM app_user WHERE id <> p_user
	    AND application_id = scope_application()
	    AND role = 'admin' AND is_active) THEN
		RAISE EXCEPTION 'The last admin stays.' USING ERRCODE = 'LR409';
	END IF;
	IF NOT p_gone THEN
		RETURN;
	END IF;
	-- Theirs too, so that nobody makes them an owner meanwhile.
	PERFORM FROM membership WHERE application_id = scope_application()
	AND (user_id = p_user OR (role = 'owner' AND account_id IN
	    (SELECT account_id FROM membership WHERE user_id = p_user)))
	ORDER BY account_id, id FOR UPDATE;
	IF EXISTS (SELECT FROM membership m JOIN account a ON a.id = m.account_id
	    WHERE m.application_id = scope_application() AND m.user_id = p_user
	    AND m.role = 'owner' AND a.status <> 'deleting'
	    AND NOT EXISTS (SELECT FROM membership o JOIN app_user u
	        ON u.id = o.user_id AND u.is_active
	        WHERE o.account_id = m.account_id AND o.user_id <> p_user
	        AND o.role = 'owner')) THEN
		RAISE EXCEPTION 'The last owner of an account stays.'
		    USING ERRCODE = 'LR409';
	END IF;
END $$;

-- ---------------------------------------------------------------- the door

-- The caller goes on in another account of theirs: this becomes the active one.
-- No row: they may not enter it.
CREATE FUNCTION door_account_switch(p_account bigint)
RETURNS TABLE (role text, is_admin boolean, version bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY SELECT role, is_admin, version FROM account_right
	WHERE application_id = scope_application() AND account_id = p_account
	AND user_id = scope_user();
	IF FOUND THEN
		UPDATE app_user SET active_account_id = p_account
		WHERE id = scope_user() AND application_id = scope_application();
	END IF;
END $$;

-- What is needed to change a password: one's own, or as an admin that of any
-- user. No row: there is no such user.
CREATE FUNCTION door_password_of(p_user bigint)
RETURNS TABLE (user_id bigint, email text, username text, password_hash text,
    locked_seconds bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
	SELECT id, email, username,
	    -- of others nobody proves the present one
	    CASE WHEN id = scope_user() THEN password_hash END,
	    greatest(0, ceil(extract(epoch FROM locked_until - now())))::bigint
	FROM app_user WHERE id = p_user AND application_id = scope_application()
	AND (id = scope_user() OR scope_admin())
$$;

-- A new password lifts a lock, and ends every session of the user but `p_keep`.
-- `p_old`: the hash that was proved; another than the present one: somebody was
-- faster. NULL: an admin's word is enough.
CREATE FUNCTION door_password_set(p_user bigint, p_old text, p_new text,
    p_keep bigint) RETURNS void
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
END $$;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA letterrack FROM PUBLIC;
