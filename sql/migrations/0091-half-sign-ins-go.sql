-- Sign-ins that nobody finished go, whether somebody signs in later or not.

SET LOCAL search_path = letterrack;

CREATE FUNCTION half_sign_in_clear(p_what text, p_keep integer, p_most integer)
RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
	WITH gone AS (
		DELETE FROM half_sign_in WHERE hash IN (SELECT hash FROM half_sign_in
		    WHERE p_what = 'half_sign_in'
		    AND expires_at < now() - make_interval(secs => p_keep)
		    ORDER BY expires_at LIMIT p_most FOR UPDATE SKIP LOCKED)
		RETURNING hash
	)
	SELECT count(*) FROM gone
$$;
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA letterrack FROM PUBLIC;
