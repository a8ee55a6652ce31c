-- Who looks at a thread; see domain/presence.h.

-- Those who may still enter the account, first come first.
-- name: presence_list :many
-- args: account account, id thread
-- row:  presence
SELECT p.user_id, u.name, p.state, p.since, p.expires_at
FROM presence p, account_person(p.user_id) AS u
WHERE p.account_id = $1 AND p.thread_id = $2 AND p.expires_at > now()
ORDER BY p.since, p.user_id;

-- What somebody's state is now; no row: none.
-- name: presence_get :maybe
-- args: account account, id thread, int user
-- row:  presence
SELECT p.user_id, '' AS name, p.state, p.since, p.expires_at
FROM presence p
WHERE p.account_id = $1 AND p.thread_id = $2 AND p.user_id = $3
AND p.expires_at > now()
FOR UPDATE;

-- name: presence_put :exec
-- args: account account, id application, id thread, id user, text state,
-- args: int4 seconds
INSERT INTO presence (account_id, application_id, thread_id, user_id, state,
    expires_at)
VALUES ($1, $2, $3, $4, $5, now() + make_interval(secs => $6))
ON CONFLICT (account_id, thread_id, user_id) DO UPDATE SET
    since = CASE WHEN presence.state = excluded.state
        AND presence.expires_at > now() THEN presence.since ELSE now() END,
    state = excluded.state, expires_at = excluded.expires_at;

-- name: presence_drop :exec
-- args: account account, id thread, id user
DELETE FROM presence
WHERE account_id = $1 AND thread_id = $2 AND user_id = $3;

-- Rows that have expired go where others come; nobody waits for another.
-- name: presence_clear :exec
-- args: account account, int most
DELETE FROM presence WHERE account_id = $1 AND (thread_id, user_id) IN (
    SELECT thread_id, user_id FROM presence
    WHERE account_id = $1 AND expires_at < now()
    ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED);

-- name: presence_tell :exec
-- args: account account, text name, id thread, id user, text state
INSERT INTO event (application_id, account_id, name, data)
SELECT t.application_id, t.account_id, $2, json_build_object('thread_id', t.id,
    'user_id', $4, 'state', $5, 'expires_at', (SELECT p.expires_at
    FROM presence p WHERE p.account_id = $1 AND p.thread_id = t.id
    AND p.user_id = $4), 'by_user_id', $4)
FROM thread t
WHERE t.account_id = $1 AND t.id = $3;
