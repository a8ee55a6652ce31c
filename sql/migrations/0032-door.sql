-- The door: what signs people in has a database role of its own.

SET LOCAL search_path = letterrack;

-- What only the door (the family `auth`) calls: it learns password hashes and
-- opens sessions for whom it says.
CREATE FUNCTION door_functions() RETURNS SETOF regprocedure
LANGUAGE sql STABLE SET search_path = letterrack, pg_temp AS $$
	SELECT oid::regprocedure FROM pg_proc
	WHERE pronamespace = 'letterrack'::regnamespace AND proname IN
	    ('login_find', 'login_failed', 'password_rehash', 'session_open',
	    'session_end', 'rights_of')
$$;

-- What the programs' role may do; called by every migrate. Hashes of passwords,
-- sessions and clients' secrets are not among it. Where there is a role
-- "<role>_auth" it is the door's, and the programs' role has no part in that.
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
	EXECUTE format('REVOKE ALL ON session, app_user, client, account_right
	    FROM %I', p_role);
	-- What only functions touch, and may come with a later migration.
	IF to_regclass('letterrack.housekeeping') IS NOT NULL THEN
		EXECUTE format('REVOKE ALL ON housekeeping FROM %I', p_role);
	END IF;
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
	FOR f IN SELECT oid::regprocedure FROM pg_proc
	    WHERE pronamespace = 'letterrack'::regnamespace AND
	    (proname ~ '^scope_' OR proname IN ('guard_token', 'guard_client',
	    'guard_session')) LOOP
		EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %I', f, door);
	END LOOP;
	IF to_regclass('letterrack.migration') IS NOT NULL THEN
		EXECUTE format('REVOKE ALL ON migration FROM %I', p_role);
		EXECUTE format('GRANT SELECT ON migration TO %I, %I', p_role, door);
	END IF;
END $$;
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA letterrack FROM PUBLIC;
