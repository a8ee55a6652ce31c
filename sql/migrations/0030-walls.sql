-- Walls inside an application. Accounts, users and clients were parted by
-- application only; from here on a transaction sees of them what its caller
-- may, and changes less.

SET LOCAL search_path = letterrack;

-- ---------------------------------------------------------- who is asking

-- The machine client that asks; NULL: none.
CREATE FUNCTION scope_client() RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN nullif(current_setting('letterrack.client', true), '');

-- As before, and tells which client it is.
CREATE OR REPLACE FUNCTION guard_client(p_application bigint, p_account bigint,
    p_client text, p_role text)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
BEGIN
	PERFORM 1 FROM client c JOIN account a ON a.id = c.account_id
	WHERE c.id = p_client AND c.application_id = p_application
	AND c.account_id = p_account AND c.is_active AND c.role = p_role
	AND c.secret_hash IS NOT NULL AND a.status = 'active';
	IF NOT FOUND THEN
		RAISE EXCEPTION 'The client may no longer do this.'
		    USING ERRCODE = 'LR401';
	END IF;
	PERFORM set_config('letterrack.application', p_application::text, true),
	    set_config('letterrack.account', p_account::text, true),
	    set_config('letterrack.client', p_client, true),
	    -- not 0: that is the workers'
	    set_config('letterrack.user', '-1', true);
END $$;

-- Is the caller an admin of the application, or a client marked so? Policies
-- ask it in a sub-select, so that a statement asks once, and only where
-- nothing cheaper has let the row through.
CREATE FUNCTION scope_admin() RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
BEGIN
	RETURN EXISTS (SELECT FROM app_user
	    WHERE application_id = scope_application() AND id = scope_user()
	    AND role = 'admin' AND is_active)
	OR EXISTS (SELECT FROM client
	    WHERE application_id = scope_application() AND id = scope_client()
	    AND is_app_admin AND is_active);
END $$;

-- May the caller do in this account what its owner may?
CREATE FUNCTION scope_owner() RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
BEGIN
	RETURN EXISTS (SELECT FROM account_right
	    WHERE application_id = scope_application()
	    AND account_id = scope_account() AND user_id = scope_user()
	    AND role = 'owner')
	OR EXISTS (SELECT FROM client
	    WHERE application_id = scope_application() AND id = scope_client()
	    AND account_id = scope_account() AND is_active
	    AND (role = 'owner' OR is_app_admin));
END $$;

-- --------------------------------------------- accounts, users and clients

DROP POLICY own ON application;
CREATE POLICY own ON application FOR SELECT USING (id = scope_application());

-- The own account, its children for its owner, those of one's memberships;
-- admins all.
DROP POLICY own ON account;
CREATE POLICY seen ON account FOR SELECT USING (
	application_id = scope_application() AND (id = scope_account()
	OR (parent_account_id = scope_account() AND (SELECT scope_owner()))
	OR EXISTS (SELECT FROM membership m
	    WHERE m.account_id = account.id AND m.user_id = scope_user())
	OR (SELECT scope_admin())));
CREATE POLICY made ON account FOR INSERT WITH CHECK (
	application_id = scope_application()
	AND ((parent_account_id = scope_account() AND (SELECT scope_owner()))
	OR (SELECT scope_admin())));
CREATE POLICY changed ON account FOR UPDATE USING (
	application_id = scope_application()
	AND ((id = scope_account() AND (SELECT scope_owner()))
	OR (SELECT scope_admin())));
CREATE POLICY removed ON account FOR DELETE USING (
	application_id = scope_application()
	AND ((id = scope_account() AND (SELECT scope_owner()))
	OR (SELECT scope_admin())));

-- Oneself, and the members of the account; admins all. Others than oneself are
-- changed by admins only.
DROP POLICY own ON app_user;
CREATE POLICY seen ON app_user FOR SELECT USING (
	application_id = scope_application() AND (id = scope_user()
	OR EXISTS (SELECT FROM membership m
	    WHERE m.account_id = scope_account() AND m.user_id = app_user.id)
	OR (SELECT scope_admin())));
CREATE POLICY made ON app_user FOR INSERT WITH CHECK (
	application_id = scope_application() AND (SELECT scope_admin()));
CREATE POLICY changed ON app_user FOR UPDATE USING (
	application_id = scope_application()
	AND (id = scope_user() OR (SELECT scope_admin())));
CREATE POLICY removed ON app_user FOR DELETE USING (
	application_id = scope_application() AND (SELECT scope_admin()));

-- Nobody raises themselves: role and activity are an admin's to change. The
-- owner of the schema, and the functions that run as it, are under no wall.
CREATE OR REPLACE FUNCTION user_rights_changed() RETURNS trigger
LANGUAGE plpgsql SET search_path = letterrack, pg_temp AS $$
BEGIN
	IF (OLD.role, OLD.is_active) IS DISTINCT FROM (NEW.role, NEW.is_active) THEN
		IF row_security_active(TG_RELID) AND NOT scope_admin() THEN
			RAISE EXCEPTION 'Only an admin changes role and activity.'
			    USING ERRCODE = 'insufficient_privilege';
		END IF;
		NEW.version := OLD.version + 1;
	END IF;
	RETURN NEW;
END $$;

-- Who belongs to an account is its owner's to say.
DROP POLICY own ON membership;
CREATE POLICY seen ON membership FOR SELECT USING (
	application_id = scope_application()
	AND (account_id = scope_account() OR user_id = scope_user()));
CREATE POLICY written ON membership USING (
	application_id = scope_application() AND account_id = scope_account()
	AND (SELECT scope_owner()));

-- A client sees itself; an account's are its owner's. Only an admin makes one
-- that acts as an admin.
DROP POLICY own ON client;
CREATE POLICY seen ON client FOR SELECT USING (
	application_id = scope_application() AND (id = scope_client()
	OR (account_id = scope_account() AND (SELECT scope_owner()))
	OR (SELECT scope_admin())));
CREATE POLICY written ON client USING (
	application_id = scope_application()
	AND ((account_id = scope_account() AND NOT is_app_admin
	    AND (SELECT scope_owner())) OR (SELECT scope_admin())));

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA letterrack FROM PUBLIC;
