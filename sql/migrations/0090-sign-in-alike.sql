-- A sign-in that fails costs the same whether there is such a user or not.

SET LOCAL search_path = letterrack;

-- Who is nobody has failures, too: each name that no user has shares one of
-- these rows, of the same shape, indexes, checks and trigger as a user's. There
-- are as many as there ever will be, so nobody can fill the table; what they
-- count is of no use to anybody.
CREATE TABLE login_nobody (LIKE app_user INCLUDING ALL);
CREATE TRIGGER login_nobody_rights BEFORE UPDATE ON login_nobody
	FOR EACH ROW EXECUTE FUNCTION user_rights_changed();
ALTER TABLE login_nobody ENABLE ROW LEVEL SECURITY;
COMMENT ON TABLE login_nobody IS 'private';

-- Room in each page, so that a failure is written beside the row: else it would
-- go into every index of the one and of none of the other.
ALTER TABLE login_nobody SET (fillfactor = 60);
ALTER TABLE app_user SET (fillfactor = 60);

INSERT INTO login_nobody (id, application_id, email, is_active)
SELECT n, 0, 'nobody-' || n || '@nowhere.invalid', false
FROM generate_series(0, 1023) n;

-- Back-off an account: from the fifth failure in a row 2^n seconds, at most
-- fifteen minutes. Its commit does not wait for the disk: that would tell by
-- its time which users there are. `p_user` 0: nobody has that name.
CREATE FUNCTION login_failed(p_user bigint, p_name text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
BEGIN
	PERFORM set_config('synchronous_commit', 'off', true);
	IF p_user <> 0 THEN
		UPDATE app_user SET failed_logins = failed_logins + 1,
		    locked_until = CASE WHEN failed_logins >= 4 THEN now() +
		        make_interval(secs => least(900,
		            2 ^ least(failed_logins - 3, 10)))
		    END
		WHERE id = p_user;
	ELSE
		-- The count stays small whatever is tried under these names.
		UPDATE login_nobody SET failed_logins = (failed_logins + 1) % 1000,
		    locked_until = CASE WHEN failed_logins >= 4 THEN now() +
		        make_interval(secs => least(900,
		            2 ^ least(failed_logins - 3, 10)))
		    END
		WHERE id = hashtext(lower(p_name)) & 1023;
	END IF;
END $$;
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA letterrack FROM PUBLIC;
