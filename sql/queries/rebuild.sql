-- uses: thread
-- uses: threading
-- Threads of an account made again; see domain/rebuild.h. All of it in one
-- transaction, which holds the account's threads (thread_hold).

-- Accounts of an application, or one.
-- name: rebuild_accounts :many
-- args: id application, int account
-- row:  rebuild_account
-- scope: global: an operator's list
SELECT id, application_id,
    (SELECT count(*) FROM email e WHERE e.account_id = a.id
        AND e.thread_rule IS NULL AND e.removed_at IS NULL) AS waiting
FROM account a WHERE application_id = $1 AND ($2 = 0 OR id = $2) ORDER BY id;

-- Threads that people have shaped: parted, or merged and not parted again.
-- Where a merged one leads to is one, too.
-- name: rebuild_shaped :many
-- args: id account
-- row:  thread_id
-- scope: global: an operator's work
WITH RECURSIVE way AS (
    SELECT t.id, t.merged_into FROM thread t
    WHERE t.account_id = $1 AND (t.is_apart OR EXISTS (SELECT
        FROM thread_step s WHERE s.account_id = $1 AND s.kind = 'merge'
        AND s.thread_id = t.id AND s.undone_at IS NULL))
    UNION SELECT t.id, t.merged_into FROM way
    JOIN thread t ON t.account_id = $1 AND t.id = way.merged_into)
SELECT id FROM way WHERE merged_into IS NULL ORDER BY id;

-- Mail that is in threads, also what was deleted alone: answers still name it.
-- name: rebuild_mail :many
-- args: id account, int after, int most
-- row:  rebuild_mail
-- scope: global: an operator's work
SELECT e.id, e.message_id, e.in_reply_to, left(e."references", 65536)
        AS "references", left(e.subject, 998) AS subject, e.received_at,
    e.thread_id, e.thread_rule = 'sent' AS is_sent,
    e.removed_at IS NOT NULL AS is_gone, EXISTS (SELECT FROM submission s
        WHERE s.account_id = $1 AND s.email_id = e.id) AS is_ours
FROM email e
JOIN thread t ON t.account_id = $1 AND t.id = e.thread_id
    AND t.removed_at IS NULL AND t.merged_into IS NULL
WHERE e.account_id = $1 AND e.id > $2
ORDER BY e.id LIMIT $3;

-- Ids that lead to threads which stay as they are.
-- name: rebuild_known :many
-- args: id account, ids threads
-- row:  threading_key
-- scope: global: an operator's work
SELECT k.key, k.thread_id, t.is_apart
FROM thread_key k
JOIN thread t ON t.account_id = $1 AND t.id = k.thread_id
WHERE k.account_id = $1 AND k.thread_id = ANY ($2);

-- Does the account join mail by subject?
-- name: rebuild_policy :one
-- args: id account
-- row:  threading_policy
-- scope: global: an operator's work
SELECT thread_subjects AS subjects, thread_subject_days AS days
FROM account WHERE id = $1;

-- As threading_people.
-- name: rebuild_people :many
-- args: id account, ids emails
-- row:  threading_people
-- scope: global: an operator's work
SELECT e.id, ARRAY(SELECT DISTINCT lower(p->>'address')
    FROM (VALUES (e.from_json), (e.to_json), (e.cc_json)) AS v (list),
        json_array_elements(coalesce(v.list, '[]')::json) AS p
    WHERE p->>'address' <> '' AND lower(p->>'address') <> ALL (own.addresses)
    ORDER BY 1 LIMIT 8) AS people
FROM email e, (SELECT coalesce(array_agg(lower(email_address))
        FILTER (WHERE email_address IS NOT NULL), '{}') AS addresses
    FROM credential WHERE account_id = $1) AS own
WHERE e.account_id = $1 AND e.id = ANY ($2);

-- Where subjects lead to, of threads that stay as they are.
-- name: rebuild_alike :many
-- args: id account, ids threads
-- row:  threading_alike
-- scope: global: an operator's work
SELECT k.key, k.thread_id, t.last_message_at
FROM thread_key k
JOIN thread t ON t.account_id = $1 AND t.id = k.thread_id
WHERE k.account_id = $1 AND k.thread_id = ANY ($2) AND k.key < 0
AND t.last_message_at IS NOT NULL;

-- How an account joins mail by subject.
-- name: rebuild_policy_set :must
-- args: id application, id account, text subjects, int4 days
-- scope: global: an operator says so
UPDATE account SET thread_subjects = $3, thread_subject_days = $4
WHERE application_id = $1 AND id = $2;

-- name: rebuild_ids_take :value
-- args: int n
-- value: ids
-- scope: global: numbers of a sequence
SELECT array_agg(nextval('thread_id_seq')) FROM generate_series(1, $1);

-- New threads, each as the one its mail was in.
-- name: rebuild_make :exec
-- args: id account, ids ids, ids likes, texts subjects
-- scope: global: an operator's work
INSERT INTO thread (account_id, application_id, id, subject, status,
    assigned_to, labels)
SELECT t.account_id, t.application_id, n.id, n.subject, t.status,
    t.assigned_to, t.labels
FROM unnest($2, $3, $4) AS n (id, src, subject)
JOIN thread t ON t.account_id = $1 AND t.id = n.src;

-- name: rebuild_join :exec
-- args: id account, ids froms, ids intos
-- scope: global: an operator's work
SELECT thread_join($1, $2, $3);

-- name: rebuild_put :exec
-- args: id account, ids emails, ids threads, texts rules
-- scope: global: an operator's work
UPDATE email e SET thread_id = d.thread, thread_rule = d.rule,
    updated_at = now()
FROM unnest($2, $3, $4) AS d (id, thread, rule)
WHERE e.account_id = $1 AND e.id = d.id;

-- name: rebuild_lead :exec
-- args: id account, id application, ints keys, ids threads
-- scope: global: an operator's work
INSERT INTO thread_key (account_id, application_id, key, thread_id)
SELECT $1, $2, unnest($3), unnest($4)
ON CONFLICT (account_id, key) DO UPDATE SET thread_id = excluded.thread_id
WHERE thread_key.thread_id <> excluded.thread_id;

-- name: rebuild_tell :exec
-- args: id account, ids threads
-- scope: global: an operator's work
INSERT INTO event (application_id, account_id, name, data)
SELECT application_id, account_id,
    CASE WHEN merged_into IS NULL THEN 'thread.updated' ELSE 'thread.merged' END,
    json_build_object('thread_id', id, 'subject', subject, 'status', status,
    'assigned_to', assigned_to, 'email_count', email_count,
    'merged_into', merged_into, 'by_user_id', NULL)
FROM thread WHERE account_id = $1 AND id = ANY ($2) ORDER BY id;
