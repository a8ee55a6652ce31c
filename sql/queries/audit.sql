-- What is kept of who did what; see audit.h. In the transaction of what it
-- tells.
-- name: audit_add :exec
-- args: id application, id? account, int user, text? client, text action,
-- args: text? subject, text? detail, text? address, text? request
-- scope: global: written by a function that only adds
SELECT audit_add($1, $2, $3, $4, $5, $6, $7, $8, $9);
