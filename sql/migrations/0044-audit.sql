-- The audit log, and what is private by its comment.
--
-- A table whose comment is 'private' is for functions alone: grant_to gives
-- nobody a right to it. A function whose name begins with door_ is for what
-- signs people in (the door's role) and nobody else.

SET LOCAL search_path = letterrack;

-- Logins, rights, credentials, reads of bodies, holds and releases. Written in
-- the transaction of what it tells, and never changed: what is written is
-- sealed later, each row with the hash of the one before (seal_*).
CREATE TABLE audit (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	application_id bigint NOT NULL REFERENCES application,
	account_id bigint, -- NULL: of the application, or of nobody's account
	user_id bigint,    -- who did it; no key: it outlives them
	client text,
	action text NOT NULL CHECK (length(action) BETWEEN 1 AND 64),
	subject text CHECK (length(subject) <= 128), -- "pc_7", "uid_3"
	detail text CHECK (length(detail) <= 400),
	address text,
	request_id text,
	created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	sealed_as bigint UNIQUE, -- its place in the chain
	hash bytea CHECK (length(hash) = 32)
);
CREATE INDEX audit_account ON audit (account_id, id);
CREATE INDEX audit_unsealed ON audit (id) WHERE sealed_as IS NULL;
ALTER TABLE audit ENABLE ROW LEVEL SECURITY;
COMMENT ON TABLE audit IS 'private';
COMMENT ON TABLE housekeeping IS 'private';
COMMENT ON TABLE session IS 'private';

CREATE FUNCTION audit_add(p_application bigint, p_account bigint, p_user bigint,
    p_client text, p_action text, p_subject text, p_detail text,
    p_address text, p_request text)
RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
	INSERT INTO audit (application_id, account_id, user_id, client, action,
	    subject, detail, address, request_id)
	VALUES (p_application, p_account, nullif(p_user, 0), nullif(p_client, ''),
	    p_action, p_subject, p_detail, p_address, p_request);
$$;

CREATE OR REPLACE FUNCTION door_functions() RETURNS SETOF regprocedure
LANGUAGE sql STABLE SET search_path = letterrack, pg_temp AS $$
	SELECT oid::regprocedure FROM pg_proc
	WHERE pronamespace = 'letterrack'::regnamespace AND prosecdef
	AND (proname ~ '^door_' OR proname IN ('login_find', 'login_failed',
	    'password_rehash', 'session_open', 'session_end', 'rights_of'))
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
