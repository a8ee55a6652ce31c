-- Whoever has no password shows by a sign-in of just now that a second factor is
-- theirs to set up.

SET LOCAL search_path = letterrack;

-- Since when the caller's session is there. No row: it is none of theirs.
CREATE FUNCTION door_session_age(p_session bigint)
RETURNS TABLE (age_seconds bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
	SELECT extract(epoch FROM now() - created_at)::bigint FROM session
	WHERE id = p_session AND user_id = scope_user() AND ended_at IS NULL
$$;
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA letterrack FROM PUBLIC;
