-- Pages of other origins: those that a public client is registered with.

SET LOCAL search_path = letterrack;

-- The origins of redirect addresses, as a browser writes them: in lower case,
-- without a port that goes without saying.
CREATE FUNCTION client_origins(p_uris text[]) RETURNS text[]
LANGUAGE sql IMMUTABLE STRICT SET search_path = letterrack, pg_temp
RETURN (SELECT coalesce(array_agg(DISTINCT CASE
    WHEN o LIKE 'https:%' THEN regexp_replace(o, ':443$', '')
    ELSE regexp_replace(o, ':80$', '') END), '{}')
FROM unnest(p_uris) AS u, lower(substring(u FROM
    '^([Hh][Tt][Tt][Pp][Ss]?://[^/?#@]+)(?:[/?#]|$)')) AS o
WHERE o IS NOT NULL);
CREATE INDEX client_origin ON client USING gin (client_origins(redirect_uris))
	WHERE is_active AND secret_hash IS NULL;

-- Of which applications and accounts (0: any of the application's) the public
-- clients of an origin are: one after the other, in turn.
CREATE FUNCTION scope_origin(p_origin text) RETURNS bigint[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
	SELECT coalesce(array_agg(v ORDER BY n, k), '{}') FROM
	    (SELECT row_number() OVER () AS n, application_id, account_id
	    FROM (SELECT DISTINCT application_id, coalesce(account_id, 0)
	        AS account_id FROM client
	        WHERE is_active AND secret_hash IS NULL
	        AND client_origins(redirect_uris) @> ARRAY[p_origin]
	        LIMIT 16) AS few) AS numbered,
	    LATERAL (VALUES (1, application_id), (2, account_id)) AS pair (k, v)
$$;
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA letterrack FROM PUBLIC;
