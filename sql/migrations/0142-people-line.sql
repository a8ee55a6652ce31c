-- People on one line, as the third document shows them: addresses.

SET LOCAL search_path = letterrack;

CREATE FUNCTION people_line(people text) RETURNS text LANGUAGE sql IMMUTABLE
AS $$
	SELECT string_agg(p.x->>'address', ', ' ORDER BY p.n)
	FROM json_array_elements(people::json) WITH ORDINALITY AS p (x, n)
	WHERE p.x->>'address' IS NOT NULL
$$;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA letterrack FROM PUBLIC;
