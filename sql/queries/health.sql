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

-- Is this role under no row-level security, whatever the policies say?
-- name: over_walls :value
-- value: bool
-- scope: global: asks about a role
SELECT rolsuper OR rolbypassrls OR EXISTS (SELECT FROM pg_class
    WHERE oid = to_regclass('letterrack.email') AND relowner = pg_roles.oid)
FROM pg_roles WHERE rolname = current_user;

-- May this role sign people in? True also where there is no schema yet.
-- name: door_open :value
-- value: bool
-- scope: global: asks about a role
SELECT coalesce(has_function_privilege(
    to_regprocedure('letterrack.login_find(text,text)')::oid, 'EXECUTE'), true);
