-- What the threading engine reads and writes; see domain/threading.h. All of it
-- in one transaction, which holds the account's threads (thread_hold). A first
-- sync runs before there are statistics: what is asked by key leaves nothing to
-- choose (OFFSET 0 is not joined in another order, = ANY has one index).

-- Mail that nobody has looked at yet, oldest first: locked, mail before
-- threads. `is_out`: it is in no thread. `is_news`: it came after its folder
-- was first read.
-- name: threading_due :many
-- args: account account, int most
-- row:  threading_due
-- plan: custom
SELECT e.id, e.message_id, e.in_reply_to, left(e."references", 65536)
        AS "references", left(e.subject, 998) AS subject, e.received_at,
    e.is_draft OR c.user_id IS NOT NULL OR coalesce(m.special_use IN
        ('drafts', 'trash', 'junk'), false) AS is_out,
    e.uid IS NULL OR e.uid >= m.news_from AS is_news,
    e.direction = 'inbound' AND coalesce(m.special_use <> 'sent', true)
        AS is_inbound
FROM email e
LEFT JOIN mailbox m ON m.account_id = $1 AND m.id = e.mailbox_id
LEFT JOIN credential c ON c.account_id = $1 AND c.id = e.credential_id
WHERE e.account_id = $1 AND e.thread_rule IS NULL AND e.removed_at IS NULL
ORDER BY e.received_at, e.id LIMIT $2
FOR NO KEY UPDATE OF e;

-- Is there any?
-- name: threading_is_due :value
-- args: account account
-- value: bool
SELECT EXISTS (SELECT FROM email WHERE account_id = $1
    AND thread_rule IS NULL AND removed_at IS NULL);

-- Where ids lead to. Threads that were deleted are forgotten: who answers
-- them begins anew.
-- name: threading_known :many
-- args: account account, ints keys
-- row:  threading_key
-- plan: custom
SELECT k.key, k.thread_id, t.is_apart
FROM (SELECT key, thread_id FROM thread_key
    WHERE account_id = $1 AND key = ANY ($2) OFFSET 0) AS k
CROSS JOIN LATERAL (SELECT is_apart FROM thread
    WHERE account_id = $1 AND id = k.thread_id AND removed_at IS NULL
    OFFSET 0) AS t;

-- Does the account join mail by subject?
-- name: threading_policy :one
-- args: account account
-- row:  threading_policy
SELECT thread_subjects AS subjects, thread_subject_days AS days
FROM account WHERE id = $1;

-- With whom mails are, the account's own addresses left out.
-- name: threading_people :many
-- args: account account, ids emails
-- row:  threading_people
-- plan: custom
SELECT e.id, ARRAY(SELECT DISTINCT lower(p->>'address')
    FROM (VALUES (e.from_json), (e.to_json), (e.cc_json)) AS v (list),
        json_array_elements(coalesce(v.list, '[]')::json) AS p
    WHERE p->>'address' <> '' AND lower(p->>'address') <> ALL (own.addresses)
    ORDER BY 1 LIMIT 8) AS people
FROM email e, (SELECT coalesce(array_agg(lower(email_address))
        FILTER (WHERE email_address IS NOT NULL), '{}') AS addresses
    FROM credential WHERE account_id = $1) AS own
WHERE e.account_id = $1 AND e.id = ANY ($2);

-- Where subjects lead to.
-- name: threading_alike :many
-- args: account account, ints keys
-- row:  threading_alike
-- plan: custom
SELECT k.key, k.thread_id, t.last_message_at
FROM (SELECT key, thread_id FROM thread_key
    WHERE account_id = $1 AND key = ANY ($2) OFFSET 0) AS k
CROSS JOIN LATERAL (SELECT last_message_at FROM thread
    WHERE account_id = $1 AND id = k.thread_id AND removed_at IS NULL
    AND last_message_at IS NOT NULL OFFSET 0) AS t;

-- name: threading_ids_take :value
-- args: int n
-- value: ids
-- scope: global: numbers of a sequence
SELECT array_agg(nextval('thread_id_seq')) FROM generate_series(1, $1);

-- name: threading_make :exec
-- args: account account, id application, ids ids, texts subjects
-- plan: custom
INSERT INTO thread (account_id, application_id, id, subject)
SELECT $1, $2, unnest($3), unnest($4);

-- name: threading_join :exec
-- args: account account, ids froms, ids intos
SELECT thread_join($1, $2, $3);

-- name: threading_lead :exec
-- args: account account, id application, ints keys, ids threads
-- plan: custom
INSERT INTO thread_key (account_id, application_id, key, thread_id)
SELECT $1, $2, unnest($3), unnest($4)
ON CONFLICT (account_id, key) DO UPDATE SET thread_id = excluded.thread_id
WHERE thread_key.thread_id <> excluded.thread_id;

-- A thread of 0: none.
-- name: threading_put :exec
-- args: account account, ids emails, ints threads, texts rules
-- plan: custom
UPDATE email SET
    thread_id = nullif(($3::bigint[])[array_position($2, id)], 0),
    thread_rule = ($4::text[])[array_position($2, id)]
WHERE account_id = $1 AND id = ANY ($2);

-- Mail has come: what was put away is on the table again.
-- name: threading_reopen :exec
-- args: account account, ids threads
-- plan: custom
UPDATE thread SET status = 'open', snoozed_until = NULL, updated_at = now()
WHERE account_id = $1 AND id = ANY ($2)
AND (status <> 'open' OR snoozed_until IS NOT NULL);
