-- The SMTP proxies that run; see smtp-server.h.

-- name: smtp_server_beat :exec
-- args: text host, text address, int4 port, time started, time? checked,
-- args: int sessions, int taken, int held, int refused
-- scope: global: a program of ours, no tenant's
SELECT smtp_server_beat($1, $2, $3, $4, $5, $6, $7, $8, $9);

-- name: smtp_server_end :exec
-- args: text host, text address, int4 port
-- scope: global: a program of ours, no tenant's
SELECT smtp_server_end($1, $2, $3);

-- name: smtp_servers :many
-- row:  smtp_server_seen
-- scope: global: programs of ours, no tenant's
SELECT host, address, port, uptime, quiet, checked_at, sessions, taken, held,
    refused
FROM smtp_servers();
