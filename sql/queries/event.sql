-- What happened, for programs that listen; in the transaction of what it
-- tells. One about somebody's personal mail account is theirs alone.
-- name: event_insert :exec
-- args: account account, id application, text name, json data, id? credential
INSERT INTO event (account_id, application_id, name, data, user_id)
VALUES ($1, $2, $3, $4, (SELECT c.user_id FROM credential c
    WHERE c.account_id = $1 AND c.id = $5));
