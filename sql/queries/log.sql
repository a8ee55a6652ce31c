-- What happened, for the people of the account; written in the transaction of
-- what it tells. One about a credential, job, task or email of somebody's
-- personal mail account is theirs alone.
-- name: log_add :exec
-- args: account account, id application, text subject, text action,
-- args: text status, text message, json data, text? request, id? credential,
-- args: id? job, id? email, id? task
INSERT INTO log (account_id, application_id, subject, action, status, level,
    message, data, request_id, user_id)
VALUES ($1, $2, $3, $4, $5,
    CASE WHEN $5 = 'failed' THEN 'warning' ELSE 'info' END, $6, $7, $8,
    (SELECT c.user_id FROM credential c
    WHERE c.account_id = $1 AND c.id = coalesce($9,
        (SELECT j.credential_id FROM job j
        WHERE j.account_id = $1 AND j.id = $10),
        (SELECT e.credential_id FROM email e
        WHERE e.account_id = $1 AND e.id = $11),
        (SELECT t.target_credential_id FROM task t
        WHERE t.account_id = $1 AND t.id = $12))));

-- The account's log, newest first, behind an id. `q` is looked for in what
-- happened; with `whole` also in the message.
-- name: log_list :many
-- args: account account, text? subject, text? level, text? q, id before,
-- args: int skip, int most, bool whole
-- row:  log_row
SELECT id, account_id, subject, action, status, level, message, data,
    request_id, created_at
FROM log
WHERE account_id = $1 AND id < $5
AND ($2 IS NULL OR subject = $2) AND ($3 IS NULL OR level = $3)
AND ($4 IS NULL OR position(lower($4) IN lower(concat_ws(' ', subject,
    action, status, CASE WHEN $8 THEN message END))) > 0)
ORDER BY id DESC
LIMIT $7 OFFSET $6;

-- The same, counted; stops at 10,001.
-- name: log_count :value
-- args: account account, text? subject, text? level, text? q, bool whole
-- value: int
SELECT count(*) FROM (
    SELECT FROM log
    WHERE account_id = $1
    AND ($2 IS NULL OR subject = $2) AND ($3 IS NULL OR level = $3)
    AND ($4 IS NULL OR position(lower($4) IN lower(concat_ws(' ', subject,
        action, status, CASE WHEN $5 THEN message END))) > 0)
    LIMIT 10001) AS capped;

-- name: log_get :one
-- args: account account, id id
-- row:  log_row
SELECT id, account_id, subject, action, status, level, message, data,
    request_id, created_at
FROM log WHERE account_id = $1 AND id = $2;

-- What somebody wants remembered.
-- name: log_create :value
-- args: account account, id application, text subject, text action,
-- args: text status, text level, text message, json data, text request
-- value: int
INSERT INTO log (account_id, application_id, subject, action, status, level,
    message, data, request_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING id;

-- name: log_remove :must
-- args: account account, id id
DELETE FROM log WHERE account_id = $1 AND id = $2;

-- How many log_search_delete would remove, at most `limit`.
-- name: log_search_delete_count :value
-- args: account account, text? subject, text? level, text? q, time older_than,
-- args: int limit
-- value: int
-- plan: custom
SELECT count(*) FROM (
    SELECT FROM log
    WHERE account_id = $1 AND created_at < $5
    AND ($2 IS NULL OR subject = $2) AND ($3 IS NULL OR level = $3)
    AND ($4 IS NULL OR position(lower($4) IN lower(concat_ws(' ', subject,
        action, status, message))) > 0)
    LIMIT $6) few;

-- Removes them, oldest first; how many.
-- name: log_search_delete :value
-- args: account account, text? subject, text? level, text? q, time older_than,
-- args: int limit
-- value: int
-- plan: custom
WITH gone AS (
	DELETE FROM log WHERE account_id = $1 AND id IN (
	    SELECT l.id FROM log l
	    WHERE l.account_id = $1 AND l.created_at < $5
	    AND ($2 IS NULL OR l.subject = $2) AND ($3 IS NULL OR l.level = $3)
	    AND ($4 IS NULL OR position(lower($4) IN lower(concat_ws(' ',
	        l.subject, l.action, l.status, l.message))) > 0)
	    ORDER BY l.id LIMIT $6)
	RETURNING id
)
SELECT count(*) FROM gone;
