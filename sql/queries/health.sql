-- What the health pages ask.

-- name: health_now :value
-- value: time
-- scope: global: asks for nobody's rows
SELECT now();

-- How many connections the server lets the programs have.
-- name: connections_most :value
-- value: int
-- scope: global: a setting of the server
SELECT current_setting('max_connections')::bigint
    - current_setting('superuser_reserved_connections')::bigint;
