-- What happened, for the people of the account; written in the transaction of
-- what it tells. One about a credential, job or email of somebody's personal
-- mail account is theirs alone.
-- name: log_add :exec
-- args: account account, id application, text subject, text action,
-- args: text status, text message, json data, text? request, id? credential,
-- args: id? job, id? email
INSERT INTO log (account_id, application_id, subject, action, status, level,
    message, data, request_id, user_id)
VALUES ($1, $2, $3, $4, $5,
    CASE WHEN $5 = 'failed' THEN 'warning' ELSE 'info' END, $6, $7, $8,
    (SELECT c.user_id FROM credential c
    WHERE c.account_id = $1 AND c.id = coalesce($9,
        (SELECT j.credential_id FROM job j
        WHERE j.account_id = $1 AND j.id = $10),
        (SELECT e.credential_id FROM email e
        WHERE e.account_id = $1 AND e.id = $11))));

-- The account's log, newest first, behind an id.
-- name: log_list :many
-- args: account account, text? subject, text? level, text? q, id before,
-- args: int skip, int most
-- row:  log_row
SELECT id, account_id, subject, action, status, level, message, data,
    request_id, created_at
FROM log
WHERE account_id = $1 AND id < $5
AND ($2 IS NULL OR subject = $2) AND ($3 IS NULL OR level = $3)
AND ($4 IS NULL OR position(lower($4) IN lower(concat_ws(' ', subject,
    action, status, message))) > 0)
ORDER BY id DESC
LIMIT $7 OFFSET $6;

-- The same, counted; stops at 10,001.
-- name: log_count :value
-- args: account account, text? subject, text? level, text? q
-- value: int
SELECT count(*) FROM (
    SELECT FROM log
    WHERE account_id = $1
    AND ($2 IS NULL OR subject = $2) AND ($3 IS NULL OR level = $3)
    AND ($4 IS NULL OR position(lower($4) IN lower(concat_ws(' ', subject,
        action, status, message))) > 0)
    LIMIT 10001) AS capped;

-- name: log_get :one
-- args: account account, id id
-- row:  log_row
SELECT id, account_id, subject, action, status, level, message, data,
    request_id, created_at
FROM log WHERE account_id = $1 AND id = $2;
