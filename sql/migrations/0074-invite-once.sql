-- Invitations under an Idempotency-Key.

SET LOCAL search_path = letterrack;

-- One of the caller's account, as it is now.
CREATE FUNCTION door_invite_look(p_account bigint, p_invite bigint)
RETURNS TABLE (id bigint, account_id bigint, address text, role text,
    made_by bigint, state text, created_at timestamptz, expires_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
	SELECT id, account_id, address, role, made_by,
	    CASE WHEN used_at IS NOT NULL THEN 'accepted'
	    WHEN expires_at <= now() THEN 'expired' ELSE 'pending' END,
	    created_at, expires_at
	FROM one_time WHERE id = p_invite AND kind = 'invite'
	AND account_id = p_account AND account_id = scope_account()
$$;

CREATE OR REPLACE FUNCTION grant_to(p_role name) RETURNS void LANGUAGE plpgsql
SET search_path = letterrack, pg_temp AS $$
DECLARE
	door name := coalesce((SELECT rolname FROM pg_roles
	    WHERE rolname = p_role || '_auth'), p_role);
	t record;
	f regprocedure;
BEGIN
	EXECUTE format('GRANT USAGE ON SCHEMA letterrack TO %I, %I', p_role, door);
	EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON
	    ALL TABLES IN SCHEMA letterrack TO %I', p_role);
	-- What can be written through a view is written as its owner.
	FOR t IN SELECT oid::regclass AS name FROM pg_class
	    WHERE relnamespace = 'letterrack'::regnamespace AND relkind = 'v' LOOP
		EXECUTE format('REVOKE INSERT, UPDATE, DELETE ON %s FROM %I', t.name,
		    p_role);
	END LOOP;
	EXECUTE format('GRANT USAGE ON ALL SEQUENCES IN SCHEMA letterrack TO %I',
	    p_role);
	EXECUTE format('GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA letterrack TO %I',
	    p_role);
	EXECUTE format('REVOKE EXECUTE ON FUNCTION grant_to(name), door_functions()
	    FROM %I', p_role);
	EXECUTE format('REVOKE ALL ON app_user, client, account_right FROM %I',
	    p_role);
	FOR t IN SELECT oid::regclass AS name FROM pg_class
	    WHERE relnamespace = 'letterrack'::regnamespace AND relkind = 'r'
	    AND obj_description(oid, 'pg_class') = 'private' LOOP
		EXECUTE format('REVOKE ALL ON %s FROM %I', t.name, p_role);
	END LOOP;
	FOR t IN SELECT attrelid::regclass AS name,
	    string_agg(quote_ident(attname), ', ') AS cols FROM pg_attribute
	    WHERE attrelid IN ('app_user'::regclass, 'client'::regclass)
	    AND attnum > 0 AND NOT attisdropped
	    AND attname NOT IN ('password_hash', 'secret_hash')
	    GROUP BY attrelid LOOP
		EXECUTE format('GRANT SELECT (%s), INSERT, UPDATE, DELETE ON %s
		    TO %I', t.cols, t.name, p_role);
		EXECUTE format('GRANT SELECT (%s) ON %s TO %I', t.cols, t.name, door);
	END LOOP;
	FOR f IN SELECT door_functions() LOOP
		EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM %I', f, p_role);
		EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %I', f, door);
	END LOOP;
	-- The door asks who somebody is, and nothing about mail.
	EXECUTE format('GRANT SELECT ON application, account, membership TO %I',
	    door);
	-- What it makes under an Idempotency-Key it makes once.
	EXECUTE format('GRANT SELECT, INSERT, UPDATE ON idempotency TO %I', door);
	FOR f IN SELECT oid::regprocedure FROM pg_proc
	    WHERE pronamespace = 'letterrack'::regnamespace AND
	    (proname ~ '^scope_' OR proname IN ('guard_token', 'guard_client',
	    'guard_session', 'audit_add')) LOOP
		EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %I', f, door);
	END LOOP;
	IF to_regclass('letterrack.migration') IS NOT NULL THEN
		EXECUTE format('REVOKE ALL ON migration FROM %I', p_role);
		EXECUTE format('GRANT SELECT ON migration TO %I, %I', p_role, door);
	END IF;
END $$;
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA letterrack FROM PUBLIC;
