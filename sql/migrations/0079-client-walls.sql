-- An admin reaches the clients of every account by going there, as an owner's
-- right; from another account the policies let them through and only the
-- statements did not.

DROP POLICY seen ON client;
CREATE POLICY seen ON client FOR SELECT USING (
	application_id = scope_application() AND (id = scope_client()
	OR (account_id = scope_account()
	    AND ((SELECT scope_owner()) OR (SELECT scope_admin())))));
DROP POLICY written ON client;
CREATE POLICY written ON client USING (
	application_id = scope_application() AND account_id = scope_account()
	AND ((NOT is_app_admin AND (SELECT scope_owner()))
	    OR (SELECT scope_admin())));
