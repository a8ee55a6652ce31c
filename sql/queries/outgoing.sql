-- name: outgoing_insert :exec
-- args: id application, text kind, text recipient, text subject, text words
-- scope: global: of the installation, to people who may be nobody yet
SELECT door_outgoing_add($1, $2, $3, $4, $5);
