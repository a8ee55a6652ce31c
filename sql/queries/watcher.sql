-- uses: task
-- uses: job
-- Watchers: what letterrack-watch asks and says.

-- A watcher's transactions in an account, as long as it is its own.
-- name: watcher_guard :guard
-- args: int account, int credential, text worker
-- scope: global: decides the scope of what follows
SELECT guard_watch($1, $2, $3);

-- A beat of the heart; answers what this one has to watch by now.
-- name: watcher_follow :many
-- args: text worker, int4 lease, int4 most
-- row:  watcher_own
-- scope: global: looks for work in all accounts
SELECT application_id, account_id, credential_id, turn, secret_version
FROM watch_follow($1, $2, $3);

-- Others may have what this one had.
-- name: watcher_leave :value
-- args: text worker
-- value: int
-- scope: global: nobody knows which accounts they are of
SELECT watch_leave($1);

-- The session is in another state. `code` NULL: nothing is wrong.
-- name: watcher_state :exec
-- args: account account, id credential, text state, text? code, text? detail
UPDATE watcher SET state = $3, error_code = $4, error_detail = $5,
    since = CASE WHEN state = $3 THEN since ELSE now() END
WHERE account_id = $1 AND credential_id = $2;

-- The same, for programs that listen, as the state is shown.
-- name: watcher_event :exec
-- args: account account, id credential, text state, text? code
INSERT INTO event (application_id, account_id, name, data, user_id)
SELECT c.application_id, c.account_id, 'watcher.state', json_build_object(
    'credential_id', c.id, 'email_address', c.email_address, 'state', $3::text,
    'error', $4::text), c.user_id
FROM credential c WHERE c.account_id = $1 AND c.id = $2;

-- Begins the job of what the server told of so long ago; none where another is
-- to do it.
-- name: watcher_claim :maybe
-- args: account account, id credential, text worker, int4 lease, int ms
-- row:  lease
SELECT id, application_id, account_id, task_id, credential_id, action,
    attempt_count, lease_token, payload
FROM watch_claim($1, $2, $3, $4, $5);

-- The server told of mail so long ago; the first time counts until somebody has
-- looked.
-- name: watcher_told :exec
-- args: account account, id credential, int ms
UPDATE watcher SET told_at = CASE WHEN told_at > now() - interval '10 minutes'
    THEN told_at ELSE now() - make_interval(secs => $3 / 1000.0) END
WHERE account_id = $1 AND credential_id = $2;

-- name: watcher_told_at :value
-- args: account account, id credential
-- value: time
SELECT coalesce((SELECT told_at FROM watcher
    WHERE account_id = $1 AND credential_id = $2), '-infinity');

-- Whatever it had told by then has been looked for.
-- name: watcher_looked :exec
-- args: account account, id credential, time told
UPDATE watcher SET told_at = NULL
WHERE account_id = $1 AND credential_id = $2 AND told_at <= $3;

-- A job that waits for another try, or behind others, need not wait longer:
-- there is news.
-- name: watcher_hurry :exec
-- args: account account, text singleton, int4 priority
UPDATE job SET run_at = least(run_at, now()), priority = greatest(priority, $3)
WHERE account_id = $1 AND singleton = $2 AND state = 'queued'
AND (run_at > now() OR priority < $3);

-- How far INBOX is known.
-- name: watcher_inbox :maybe
-- args: account account, id credential
-- row:  watcher_inbox
SELECT uidvalidity, uid_next, server_messages FROM mailbox
WHERE account_id = $1 AND credential_id = $2 AND special_use = 'inbox'
AND removed_at IS NULL ORDER BY id LIMIT 1;

-- The folder that mail of a server's rule comes to, and how far that is known; by
-- the name that it is to have, where it is not there yet. None where nothing is
-- held.
-- name: watcher_quarantine :maybe
-- args: account account, id credential
-- row:  watcher_quarantine
SELECT c.quarantine_folder AS name, b.wire_name, coalesce(b.uid_next, 0)
    AS uid_next
FROM credential c
LEFT JOIN LATERAL (SELECT m.wire_name, m.uid_next FROM mailbox m
    WHERE m.account_id = $1 AND m.credential_id = c.id
    AND m.removed_at IS NULL AND m.is_selectable
    AND m.name IN (c.quarantine_folder,
        'INBOX' || m.delimiter || c.quarantine_folder)
    ORDER BY m.name <> c.quarantine_folder, m.id LIMIT 1) AS b ON true
WHERE c.account_id = $1 AND c.id = $2 AND c.hold_policy <> 'off';

-- ---- what people want

-- It is to be watched. An old refusal of its server is no reason not to try.
-- name: watcher_start :must
-- args: account account, id credential
UPDATE credential SET sync_mode = 'idle', updated_at = now(),
    status = CASE status WHEN 'invalid' THEN 'unverified' ELSE status END
WHERE account_id = $1 AND id = $2;

-- Its mail is looked for on demand only.
-- name: watcher_stop :exec
-- args: account account, id credential
UPDATE credential SET sync_mode = 'on_demand', updated_at = now()
WHERE account_id = $1 AND id = $2 AND sync_mode IN ('poll', 'idle');

-- The session begins anew, at once.
-- name: watcher_turn :exec
-- args: account account, id credential
INSERT INTO watcher (application_id, account_id, credential_id, turn)
SELECT application_id, account_id, id, 1 FROM credential
WHERE account_id = $1 AND id = $2
ON CONFLICT (account_id, credential_id) DO UPDATE SET turn = watcher.turn + 1;

-- The account's IMAP rows that the caller may see, and how each is watched. Where
-- no process watches it, polls go on.
-- name: watcher_list :many
-- args: account account, int user, int most
-- row:  watcher_view
SELECT c.id, c.label AS account_name, c.email_address, c.is_active,
    CASE WHEN NOT c.is_active OR c.sync_mode IN ('off', 'on_demand')
        OR c.user_id IS NOT NULL OR c.status = 'invalid' THEN 'stopped'
    WHEN c.sync_mode = 'poll' OR h.worker IS NULL THEN 'polling'
    WHEN h.heartbeat_at < now() - interval '10 s' THEN 'unknown'
    WHEN w.state = 'idle' THEN 'idle' ELSE 'polling' END AS state,
    (extract(epoch FROM now() - coalesce(h.heartbeat_at, c.last_checked))
    * 1000)::bigint AS beat_ms,
    coalesce(w.error_code, CASE WHEN c.status IN ('invalid', 'expired')
        THEN c.last_error_code END) AS error
FROM credential c
LEFT JOIN watcher w ON w.account_id = $1 AND w.credential_id = c.id
LEFT JOIN watch_host h ON h.worker = w.worker
WHERE c.account_id = $1 AND c.provider_kind = 'imap'
AND (c.user_id IS NULL OR c.user_id = $2)
ORDER BY c.id LIMIT $3;

-- ---- for monitors

-- name: watcher_beats :many
-- args: int4 most
-- row:  watcher_beat
-- scope: global: no row of anybody but its number
SELECT credential_id, state, beat_ms, error_code FROM watch_beats($1);

-- Processes that watch, and how many mail accounts each has.
-- name: watcher_hosts :many
-- row:  watcher_host
-- scope: global: an operator's sum
SELECT h.worker AS name, (SELECT count(*) FROM watcher w
    WHERE w.worker = h.worker) AS watched,
    extract(epoch FROM now() - h.heartbeat_at)::bigint AS beat_s
FROM watch_host h ORDER BY h.worker;
