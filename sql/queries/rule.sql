-- Rules of an account: what mail is held for, marked or counted.

-- name: rule_list :many
-- args: account account, id after, int skip, int most
-- row:  rule
SELECT id, name, type, operator, value, action, priority, is_active,
    created_at, updated_at
FROM rule
WHERE account_id = $1 AND id > $2
ORDER BY id
LIMIT $4 OFFSET $3;

-- name: rule_count :value
-- args: account account
-- value: int
SELECT count(*) FROM rule WHERE account_id = $1;

-- name: rule_get :one
-- args: account account, id id
-- row:  rule
SELECT id, name, type, operator, value, action, priority, is_active,
    created_at, updated_at
FROM rule
WHERE account_id = $1 AND id = $2;

-- One that is to be changed in this transaction.
-- name: rule_lock :one
-- args: account account, id id
-- row:  rule
SELECT id, name, type, operator, value, action, priority, is_active,
    created_at, updated_at
FROM rule
WHERE account_id = $1 AND id = $2
FOR UPDATE;

-- Those who make rules of one account at once go one by one: they are counted.
-- name: rule_hold :exec
-- args: int account
-- scope: global: a lock of the account's name, and no row
SELECT pg_advisory_xact_lock(hashtextextended('rule', $1));

-- name: rule_insert :value
-- args: account account, id application, text name, text type, text operator,
-- args: text value, text action, int4 priority, bool is_active
-- value: int
INSERT INTO rule (account_id, application_id, name, type, operator, value,
    action, priority, is_active)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
RETURNING id;

-- name: rule_change :must
-- args: account account, id id, text name, text type, text operator,
-- args: text value, text action, int4 priority, bool is_active
UPDATE rule SET name = $3, type = $4, operator = $5, value = $6, action = $7,
    priority = $8, is_active = $9, updated_at = now()
WHERE account_id = $1 AND id = $2;

-- name: rule_remove :must
-- args: account account, id id
DELETE FROM rule WHERE account_id = $1 AND id = $2;

-- Mail that was received since, as rules see it: the newest first, below the
-- time and id of the one before.
-- name: rule_seen_since :many
-- args: account account, int days, time before, id before_id, int most
-- row:  rule_seen
SELECT e.id, e.subject,
    (SELECT x->>'address' FROM json_array_elements(e.from_json::json) x LIMIT 1)
        AS sender,
    (SELECT string_agg(concat(x->>'name', ' <', x->>'address', '>'), ', ')
        FROM json_array_elements(e.from_json::json) x) AS senders,
    (SELECT string_agg(concat(x->>'name', ' <', x->>'address', '>'), ', ')
        FROM (SELECT json_array_elements(e.to_json::json) AS x
            UNION ALL SELECT json_array_elements(e.cc_json::json)) AS p)
        AS recipients,
    ARRAY(SELECT f FROM email_told(e.structure) AS t,
        LATERAL (VALUES (t.filename), (t.content_type)) AS v (f)
        WHERE f IS NOT NULL AND (t.filename IS NOT NULL
            OR t.disposition = 'attachment')) AS files,
    e.snippet, e.size_bytes, e.received_at AS created_at
FROM email e
WHERE e.account_id = $1 AND e.removed_at IS NULL
AND e.received_at > now() - make_interval(days => $2::int)
AND (e.received_at, e.id) < ($3, $4) AND e.direction = 'inbound'
ORDER BY e.received_at DESC, e.id DESC
LIMIT $5;
