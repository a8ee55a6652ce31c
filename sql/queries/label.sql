-- Labels of an account; see domain/label.h.

-- Few, and needed whole wherever threads are shown.
-- name: label_list :many
-- args: account account, bool system_only
-- row:  label
SELECT id, name, color, description, display_order, is_system,
    is_system AS is_system_label, created_at, updated_at
FROM label
WHERE account_id = $1 AND (is_system OR NOT $2)
ORDER BY display_order, id;

-- name: label_get :one
-- args: account account, id id
-- row:  label
SELECT id, name, color, description, display_order, is_system,
    is_system AS is_system_label, created_at, updated_at
FROM label
WHERE account_id = $1 AND id = $2;

-- One that is to be changed in this transaction.
-- name: label_lock :one
-- args: account account, id id
-- row:  label
SELECT id, name, color, description, display_order, is_system,
    is_system AS is_system_label, created_at, updated_at
FROM label
WHERE account_id = $1 AND id = $2
FOR UPDATE;

-- How many threads have each: numbers kept beside the threads.
-- name: label_stats :many
-- args: account account
-- row:  label_stat
SELECT l.id AS label_id, l.name AS label_name, coalesce(c.n, 0) AS thread_count,
    l.color, l.is_system
FROM label l
LEFT JOIN counter c ON c.account_id = $1 AND c.name = 'label:' || l.id
WHERE l.account_id = $1
ORDER BY l.display_order, l.id;

-- How many an account has made.
-- name: label_count :value
-- args: account account
-- value: int
SELECT count(*) FROM label WHERE account_id = $1 AND NOT is_system;

-- Those who make labels of one account at once go one by one: they are counted.
-- name: label_hold :exec
-- args: int account
-- scope: global: a lock of the account's name, and no row
SELECT pg_advisory_xact_lock(hashtextextended('label', $1));

-- name: label_insert :value
-- args: account account, id application, text name, text color,
-- args: text? description, int4 display_order
-- value: int
INSERT INTO label (account_id, application_id, name, color, description,
    display_order)
VALUES ($1, $2, $3, $4, $5, $6) RETURNING id;

-- name: label_change :must
-- args: account account, id id, text name, text color, text? description,
-- args: int4 display_order
UPDATE label SET name = $3, color = $4, description = $5, display_order = $6,
    updated_at = now()
WHERE account_id = $1 AND id = $2;

-- Whoever is putting it on a thread has committed by then; label_take_off has
-- to follow.
-- name: label_delete :must
-- args: account account, id id
DELETE FROM label WHERE account_id = $1 AND id = $2;

-- name: label_take_off :exec
-- args: account account, id label
-- plan: custom
UPDATE thread SET labels = array_remove(labels, $2), updated_at = now()
WHERE account_id = $1 AND labels <> '{}' AND labels @> ARRAY[$2];

-- Its number goes when no thread has it.
-- name: label_uncount :exec
-- args: account account, id label
DELETE FROM counter WHERE account_id = $1 AND name = 'label:' || $2;

-- Which of these there are, in the order asked for; they stay until the
-- transaction ends.
-- name: label_share :many
-- args: account account, ids ids
-- row:  label
-- plan: custom
SELECT l.id, l.name, l.color FROM label l
WHERE l.account_id = $1 AND l.id = ANY ($2)
ORDER BY array_position($2, l.id)
FOR KEY SHARE;
