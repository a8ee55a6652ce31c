-- What happened, for the people of the account; written in the transaction of
-- what it tells.
-- name: log_add :exec
-- args: account account, id application, text subject, text action,
-- args: text status, text message, json data, text? request
INSERT INTO log (account_id, application_id, subject, action, status, level,
    message, data, request_id)
VALUES ($1, $2, $3, $4, $5,
    CASE WHEN $5 = 'failed' THEN 'warning' ELSE 'info' END, $6, $7, $8);
