-- uses: label
-- Threads as the API shows and changes them; see domain/thread.h. What the
-- engine writes stands in threading.sql.

-- ---- reading ----

-- The hot lists: one walk along an index each, no filter that could make the
-- plan depend on its values. How many there are, and what tells whether labels
-- that were read before still hold, is asked once, beside it.
-- name: thread_list :many
-- args: account account, time before, id before_id, int limit, int offset
-- row:  thread
SELECT id, subject, status, assigned_to, labels, email_count, unread_count,
    has_attachments, sender_email, sender_name, last_message_at, sort_at,
    snoozed_until, created_at, updated_at,
    (SELECT coalesce(sum(n), 0)::bigint FROM counter WHERE account_id = $1
        AND name IN ('threads:open', 'threads:closed', 'threads:archived'))
    - (SELECT count(*) FROM thread s
        WHERE s.account_id = $1 AND s.snoozed_until > now()
        AND s.removed_at IS NULL AND s.merged_into IS NULL) AS account_total,
    (SELECT n FROM counter WHERE account_id = $1 AND name = 'labels')
        AS labels_at
FROM thread_row
WHERE account_id = $1 AND (sort_at, id) < ($2, $3)
AND CASE WHEN snoozed_until IS NULL THEN true END IS NOT NULL
ORDER BY sort_at DESC, id DESC LIMIT $4 OFFSET $5;

-- name: thread_list_status :many
-- args: account account, time before, id before_id, int limit, int offset
-- args: text status
-- row:  thread
SELECT id, subject, status, assigned_to, labels, email_count, unread_count,
    has_attachments, sender_email, sender_name, last_message_at, sort_at,
    snoozed_until, created_at, updated_at,
    (SELECT n FROM counter WHERE account_id = $1 AND name = 'threads:' || $6)
    - (SELECT count(*) FROM thread s
        WHERE s.account_id = $1 AND s.snoozed_until > now() AND s.status = $6
        AND s.removed_at IS NULL AND s.merged_into IS NULL) AS account_total,
    (SELECT n FROM counter WHERE account_id = $1 AND name = 'labels')
        AS labels_at
FROM thread_row
WHERE account_id = $1 AND status = $6 AND (sort_at, id) < ($2, $3)
AND CASE WHEN snoozed_until IS NULL THEN true END IS NOT NULL
ORDER BY sort_at DESC, id DESC LIMIT $4 OFFSET $5;

-- How many these walk along: numbers kept beside the rows, less what sleeps.
-- name: thread_total :value
-- args: account account, text? status
-- value: int
SELECT (SELECT coalesce(sum(n), 0)::bigint FROM counter
    WHERE account_id = $1 AND name IN ('threads:open', 'threads:closed',
        'threads:archived')
    AND ($2 IS NULL OR name = 'threads:' || $2))
    - (SELECT count(*) FROM thread
    WHERE account_id = $1 AND snoozed_until > now()
    AND removed_at IS NULL AND merged_into IS NULL
    AND ($2 IS NULL OR status = $2));

-- The same with filters; planned with its values, so that one that is not
-- given costs nothing and a rare one finds its index. `q` and `correspondent`
-- are patterns of LIKE.
-- name: thread_find :many
-- args: account account, time before, id before_id, int limit, int offset
-- args: text? status, id? assigned_to, bool nobodys, id? label, text? q
-- args: bool? unread, bool? attachments, text? correspondent, time? since
-- args: time? until, bool? snoozed
-- row:  thread
-- plan: custom
SELECT * FROM thread_row t
WHERE account_id = $1 AND (sort_at, id) < ($2, $3)
AND ($6 IS NULL OR status = $6)
AND ($7 IS NULL OR assigned_to = $7)
AND (NOT $8 OR assigned_to IS NULL)
AND ($9 IS NULL OR (labels <> '{}' AND labels @> ARRAY[$9]))
AND ($10 IS NULL OR subject ILIKE $10 OR EXISTS (SELECT FROM email e
    WHERE e.account_id = $1 AND e.thread_id = t.id AND e.removed_at IS NULL
    AND concat_ws(' ', e.subject, e.from_json, e.to_json, e.cc_json)
        ILIKE $10))
AND ($11 IS NULL OR (unread_count > 0) = $11)
AND ($12 IS NULL OR has_attachments = $12)
AND ($13 IS NULL OR EXISTS (SELECT FROM email e
    WHERE e.account_id = $1 AND e.thread_id = t.id AND e.removed_at IS NULL
    AND concat_ws(' ', e.from_json, e.to_json, e.cc_json) ILIKE $13))
AND ($14 IS NULL OR sort_at >= $14)
AND ($15 IS NULL OR sort_at < $15)
AND (snoozed_until IS NOT NULL) = coalesce($16, false)
ORDER BY sort_at DESC, id DESC LIMIT $4 OFFSET $5;

-- How many thread_find would walk along, counted up to 10,001.
-- name: thread_find_total :value
-- args: account account, text? status, id? assigned_to, bool nobodys, id? label
-- args: text? q, bool? unread, bool? attachments, text? correspondent
-- args: time? since, time? until, bool? snoozed
-- value: int
-- plan: custom
SELECT count(*) FROM (
    SELECT FROM thread_row t
    WHERE account_id = $1
    AND ($2 IS NULL OR status = $2)
    AND ($3 IS NULL OR assigned_to = $3)
    AND (NOT $4 OR assigned_to IS NULL)
    AND ($5 IS NULL OR (labels <> '{}' AND labels @> ARRAY[$5]))
    AND ($6 IS NULL OR subject ILIKE $6 OR EXISTS (SELECT FROM email e
        WHERE e.account_id = $1 AND e.thread_id = t.id
        AND e.removed_at IS NULL
        AND concat_ws(' ', e.subject, e.from_json, e.to_json, e.cc_json)
            ILIKE $6))
    AND ($7 IS NULL OR (unread_count > 0) = $7)
    AND ($8 IS NULL OR has_attachments = $8)
    AND ($9 IS NULL OR EXISTS (SELECT FROM email e
        WHERE e.account_id = $1 AND e.thread_id = t.id
        AND e.removed_at IS NULL
        AND concat_ws(' ', e.from_json, e.to_json, e.cc_json) ILIKE $9))
    AND ($10 IS NULL OR sort_at >= $10)
    AND ($11 IS NULL OR sort_at < $11)
    AND (snoozed_until IS NOT NULL) = coalesce($12, false)
    LIMIT 10001) few;

-- Where an id leads to: through all merges, to a thread that is there.
-- name: thread_get :one
-- args: account account, id id
-- row:  thread
SELECT * FROM thread_row
WHERE account_id = $1 AND id = (WITH RECURSIVE way AS (
    SELECT id, merged_into FROM thread WHERE account_id = $1 AND id = $2
    UNION SELECT t.id, t.merged_into FROM way
    JOIN thread t ON t.account_id = $1 AND t.id = way.merged_into)
    SELECT id FROM way WHERE merged_into IS NULL);

-- Its mail, oldest first; of more than a thousand the latest.
-- name: thread_emails :many
-- args: account account, id thread
-- row:  thread_email
SELECT * FROM (
    SELECT e.id, e.thread_id, e.thread_rule, e.message_id, e.subject,
        e.from_json::json->0->>'address' AS from_email,
        e.from_json::json->0->>'name' AS from_name,
        (SELECT coalesce(json_agg(p->>'address'), '[]') FROM
            json_array_elements(coalesce(e.to_json, '[]')::json) AS p) AS to_addresses,
        (SELECT coalesce(json_agg(p->>'address'), '[]') FROM
            json_array_elements(coalesce(e.cc_json, '[]')::json) AS p) AS cc_addresses,
        (SELECT coalesce(json_agg(p->>'address'), '[]') FROM
            json_array_elements(coalesce(e.bcc_json, '[]')::json) AS p) AS bcc_addresses,
        NULL::text AS body_html, coalesce((SELECT x.body FROM email_text x
            WHERE x.account_id = $1 AND x.email_id = e.id
            AND x.gone_at IS NULL), e.snippet) AS body_text,
        e.is_read, e.has_attachments, e.status, e.sent_at, e.received_at,
        e.created_at, e.sha256, e.size_bytes,
        e.direction = 'outbound' OR coalesce(m.special_use = 'sent', false)
            AS is_outgoing
    FROM email e
    LEFT JOIN mailbox m ON m.account_id = $1 AND m.id = e.mailbox_id
    WHERE e.account_id = $1 AND e.thread_id = $2 AND e.removed_at IS NULL
    ORDER BY e.received_at DESC, e.id DESC LIMIT 1000) AS latest
ORDER BY received_at, id;

-- One of them, wherever it is.
-- name: thread_email_get :one
-- args: account account, id id
-- row:  thread_email
SELECT e.id, e.thread_id, e.thread_rule, e.message_id, e.subject,
    e.from_json::json->0->>'address' AS from_email,
    e.from_json::json->0->>'name' AS from_name,
    (SELECT coalesce(json_agg(p->>'address'), '[]') FROM
            json_array_elements(coalesce(e.to_json, '[]')::json) AS p) AS to_addresses,
    (SELECT coalesce(json_agg(p->>'address'), '[]') FROM
            json_array_elements(coalesce(e.cc_json, '[]')::json) AS p) AS cc_addresses,
    (SELECT coalesce(json_agg(p->>'address'), '[]') FROM
            json_array_elements(coalesce(e.bcc_json, '[]')::json) AS p) AS bcc_addresses,
    NULL::text AS body_html, coalesce((SELECT x.body FROM email_text x
        WHERE x.account_id = $1 AND x.email_id = e.id
        AND x.gone_at IS NULL), e.snippet) AS body_text,
    e.is_read, e.has_attachments, e.status, e.sent_at, e.received_at,
    e.created_at, e.sha256, e.size_bytes,
    e.direction = 'outbound' OR coalesce(m.special_use = 'sent', false)
        AS is_outgoing
FROM email e
LEFT JOIN mailbox m ON m.account_id = $1 AND m.id = e.mailbox_id
WHERE e.account_id = $1 AND e.id = $2 AND e.removed_at IS NULL;

-- name: thread_notes :many
-- args: account account, id thread
-- row:  note
SELECT id, thread_id, content, user_id, position, created_at, updated_at
FROM note
WHERE account_id = $1 AND thread_id = $2
ORDER BY position, id LIMIT 1000;

-- Somebody who may enter the account. No row: there is nobody of that id.
-- name: thread_person :maybe
-- args: int user
-- row:  person
-- scope: global: account_person looks at the caller's account alone
SELECT id, email, name FROM account_person($1);

-- ---- changing ----

-- Whoever changes threads of one account does so one by one: what is moved
-- from one into another stays in one, and nobody waits in a circle.
-- name: thread_hold :exec
-- args: int account
-- scope: global: a lock of the account's name, and no row
SELECT pg_advisory_xact_lock(hashtextextended('thread', $1));

-- One that is to be changed in this transaction, also where it is merged.
-- name: thread_lock :one
-- args: account account, id id
-- row:  thread
SELECT id, subject, status, assigned_to, labels, email_count, unread_count,
    attachment_count > 0 AS has_attachments, sender_email, sender_name,
    last_message_at, sort_at, snoozed_until, version, merged_into, created_at,
    updated_at
FROM thread
WHERE account_id = $1 AND id = $2 AND removed_at IS NULL
FOR UPDATE;

-- name: thread_insert :value
-- args: account account, id application, text subject, text status,
-- args: id? assigned_to, ids labels
-- value: int
INSERT INTO thread (account_id, application_id, subject, status, assigned_to,
    labels)
VALUES ($1, $2, $3, $4, $5, $6) RETURNING id;

-- name: thread_change :must
-- args: account account, id id, text subject, text status, id? assigned_to,
-- args: time? snoozed_until
UPDATE thread SET subject = $3, status = $4, assigned_to = $5,
    snoozed_until = $6, updated_at = now()
WHERE account_id = $1 AND id = $2;

-- Deleted threads take their mail along, here alone: on the server it stays,
-- and a sync does not bring it back. Those of `ids` that were there.
-- name: thread_remove :many
-- args: account account, ids ids
-- row:  thread_id
-- plan: custom
UPDATE thread SET removed_at = now(), updated_at = now()
WHERE account_id = $1 AND id = ANY ($2) AND removed_at IS NULL
AND merged_into IS NULL
RETURNING id;

-- name: thread_remove_mail :exec
-- args: account account, ids threads
-- plan: custom
WITH gone AS (
    UPDATE email SET removed_at = now(), removed_why = 'deleted',
        updated_at = now()
    WHERE account_id = $1 AND thread_id = ANY ($2) AND removed_at IS NULL
    RETURNING account_id, is_read
), sums AS (
    SELECT 'emails' AS name, count(*) AS n FROM gone
    UNION ALL SELECT 'unread', count(*) FROM gone WHERE NOT is_read
)
UPDATE counter c SET n = c.n - s.n FROM sums s
WHERE c.account_id = $1 AND c.name = s.name AND s.n <> 0;

-- What happened to threads, for who listens; in the transaction of it.
-- name: thread_tell :exec
-- args: account account, text name, ids threads, id user
-- plan: custom
INSERT INTO event (application_id, account_id, name, data)
SELECT application_id, account_id, $2, json_build_object('thread_id', id,
    'subject', subject, 'status', status, 'assigned_to', assigned_to,
    'email_count', email_count, 'merged_into', merged_into,
    'by_user_id', nullif($4, 0))
FROM thread
WHERE account_id = $1 AND id = ANY ($3)
ORDER BY array_position($3, id);

-- The same, about one of each and something else.
-- name: thread_tell_of :exec
-- args: account account, text name, ids threads, text what, id whom, id user
-- plan: custom
INSERT INTO event (application_id, account_id, name, data)
SELECT application_id, account_id, $2, json_build_object('thread_id', id,
    $4, $5, 'by_user_id', nullif($6, 0))
FROM thread
WHERE account_id = $1 AND id = ANY ($3)
ORDER BY array_position($3, id);

-- ---- moving mail between threads ----

-- As thread_lock, to look at only.
-- name: thread_peek :one
-- args: account account, id id
-- row:  thread
SELECT id, subject, status, assigned_to, labels, email_count, unread_count,
    attachment_count > 0 AS has_attachments, sender_email, sender_name,
    last_message_at, sort_at, snoozed_until, version, merged_into, created_at,
    updated_at
FROM thread
WHERE account_id = $1 AND id = $2 AND removed_at IS NULL;

-- Holds mail before threads are: whoever changes mail first and its thread
-- then is not met halfway.
-- name: thread_hold_mail :exec
-- args: account account, ids threads, ids emails
-- plan: custom
SELECT FROM email
WHERE account_id = $1 AND (thread_id = ANY ($2) OR id = ANY ($3))
ORDER BY id FOR NO KEY UPDATE;

-- Mail that may be moved: what is there and nobody's own.
-- name: thread_movable :many
-- args: account account, ids emails
-- row:  thread_mail
-- plan: custom
SELECT e.id, e.thread_id, coalesce(e.thread_rule, 'none') AS thread_rule,
    e.message_id, left(e.subject, 998) AS subject
FROM email e
LEFT JOIN credential c ON c.account_id = $1 AND c.id = e.credential_id
WHERE e.account_id = $1 AND e.id = ANY ($2) AND e.removed_at IS NULL
AND c.user_id IS NULL
ORDER BY e.id;

-- name: thread_move_mail :exec
-- args: account account, ids emails, id thread
-- plan: custom
UPDATE email SET thread_id = $3, thread_rule = 'moved', updated_at = now()
WHERE account_id = $1 AND id = ANY ($2);

-- Ids of mail lead where it is now. Gives those that led elsewhere.
-- name: thread_move_keys :many
-- args: account account, ints keys, id thread
-- row:  thread_id
-- plan: custom
UPDATE thread_key SET thread_id = $3
WHERE account_id = $1 AND key = ANY ($2) AND thread_id <> $3
RETURNING key AS id;

-- name: thread_set_apart :exec
-- args: account account, ids threads
-- plan: custom
UPDATE thread SET is_apart = true WHERE account_id = $1 AND id = ANY ($2);

-- ---- splits and merges, to be undone ----

-- name: thread_step_split :exec
-- args: account account, id application, id thread, id made, ids emails,
-- args: texts rules, ids keys, id user
INSERT INTO thread_step (account_id, application_id, kind, thread_id, other_id,
    emails, rules, keys, user_id)
VALUES ($1, $2, 'split', $3, $4, $5, $6, $7, nullif($8, 0));

-- Before the merge: what it will move.
-- name: thread_step_merge :exec
-- args: account account, id application, id thread, id source, id user
INSERT INTO thread_step (account_id, application_id, kind, thread_id, other_id,
    emails, rules, notes, keys, labels, user_id)
SELECT $1, $2, 'merge', $3, $4, coalesce(m.emails, '{}'),
    coalesce(m.rules, '{}'),
    ARRAY(SELECT id FROM note WHERE account_id = $1 AND thread_id = $4),
    ARRAY(SELECT key FROM thread_key
        WHERE account_id = $1 AND thread_id = $4),
    ARRAY(SELECT l FROM thread s, unnest(s.labels) AS l
        WHERE s.account_id = $1 AND s.id = $4 AND l <> ALL (t.labels)),
    nullif($5, 0)
FROM thread t,
    (SELECT array_agg(id ORDER BY id) AS emails,
        array_agg(coalesce(thread_rule, 'none') ORDER BY id) AS rules
    FROM email WHERE account_id = $1 AND thread_id = $4) AS m
WHERE t.account_id = $1 AND t.id = $3;

-- name: thread_join_one :exec
-- args: account account, id source, id target
SELECT thread_join($1, ARRAY[$2], ARRAY[$3]);

-- The last that has not been undone, of this thread. No row: there is none.
-- name: thread_step_last :maybe
-- args: account account, id thread
-- row:  thread_step
SELECT s.id, s.kind, s.thread_id, s.other_id, s.emails,
    o.merged_into IS NOT DISTINCT FROM
        CASE WHEN s.kind = 'merge' THEN s.thread_id END
    AND o.removed_at IS NULL
    AND (s.thread_id = $2 OR EXISTS (SELECT FROM thread t
        WHERE t.account_id = $1 AND t.id = s.thread_id
        AND t.merged_into IS NULL AND t.removed_at IS NULL)) AS can_be
FROM thread_step s
JOIN thread o ON o.account_id = $1 AND o.id = s.other_id
WHERE s.account_id = $1 AND s.undone_at IS NULL
AND (s.thread_id = $2 OR (s.kind = 'split' AND s.other_id = $2))
ORDER BY s.id DESC LIMIT 1;

-- A merge: what it moved, and is still where it put it, goes back.
-- name: thread_unmerge :exec
-- args: account account, id step
SELECT thread_unmerge($1, $2);

-- A split: all of the other goes back.
-- name: thread_unsplit :exec
-- args: account account, id step
SELECT thread_unsplit($1, $2);

-- What an answer answers: the last mail that came, else the last. No row:
-- there is none.
-- name: thread_last :maybe
-- args: account account, id thread
-- row:  thread_last
SELECT e.id, e.subject, c.smtp_credential_id,
    ARRAY(SELECT p->>'address' FROM json_array_elements((CASE
        WHEN e.direction = 'outbound' THEN coalesce(e.to_json, '[]')
        ELSE coalesce(nullif(e.reply_to_json, '[]'), e.from_json, '[]')
        END)::json) AS p WHERE p->>'address' IS NOT NULL) AS addresses
FROM email e
LEFT JOIN credential c ON c.account_id = $1 AND c.id = e.credential_id
WHERE e.account_id = $1 AND e.thread_id = $2 AND e.removed_at IS NULL
ORDER BY e.direction = 'inbound' DESC, e.received_at DESC, e.id DESC LIMIT 1;

-- ---- notes ----

-- One without a position goes last, behind all mail and all notes.
-- name: note_insert :value
-- args: account account, id application, id thread, id? user, text content,
-- args: int? position
-- value: int
INSERT INTO note (account_id, application_id, thread_id, user_id, content,
    position)
SELECT $1, $2, t.id, $4, $5, coalesce($6, greatest(t.email_count,
    (SELECT max(position) FROM note WHERE account_id = $1
    AND thread_id = $3), 1))
FROM thread t WHERE t.account_id = $1 AND t.id = $3
RETURNING id;

-- name: note_get :one
-- args: account account, id thread, id id
-- row:  note
SELECT id, thread_id, content, user_id, position, created_at, updated_at
FROM note WHERE account_id = $1 AND thread_id = $2 AND id = $3;

-- name: note_find :one
-- args: account account, id id
-- row:  note
SELECT id, thread_id, content, user_id, position, created_at, updated_at
FROM note WHERE account_id = $1 AND id = $2;

-- name: note_change :must
-- args: account account, id thread, id id, text content, int position
UPDATE note SET content = $4, position = $5, updated_at = now()
WHERE account_id = $1 AND thread_id = $2 AND id = $3;

-- name: note_remove :must
-- args: account account, id thread, id id
DELETE FROM note WHERE account_id = $1 AND thread_id = $2 AND id = $3;

-- What hangs on a thread has changed: who edits it has to know.
-- name: thread_touch :exec
-- args: account account, id id
UPDATE thread SET version = version + 1, updated_at = now()
WHERE account_id = $1 AND id = $2;

-- Its mail that is read, or is not.
-- name: thread_mail_read :many
-- args: account account, id thread, bool is_read
-- row:  thread_id
SELECT id FROM email
WHERE account_id = $1 AND thread_id = $2 AND removed_at IS NULL
AND is_read = $3 ORDER BY id;

-- Whose somebody's are no longer: of those that are there, to be told.
-- name: thread_unassign :many
-- args: account account, id application, id user
-- row:  thread_id
-- plan: custom
WITH free AS (
    UPDATE thread SET assigned_to = NULL, updated_at = now()
    WHERE account_id = $1 AND application_id = $2 AND assigned_to = $3
    RETURNING id, removed_at, merged_into
)
SELECT id FROM free WHERE removed_at IS NULL AND merged_into IS NULL
ORDER BY id;

-- ---- many at once ----

-- Those of `ids` that are there, to be changed in this transaction.
-- name: thread_lock_all :many
-- args: account account, ids ids
-- row:  thread_id
-- plan: custom
SELECT id FROM thread
WHERE account_id = $1 AND id = ANY ($2) AND removed_at IS NULL
AND merged_into IS NULL
ORDER BY id FOR UPDATE;

-- What is not given stays.
-- name: thread_change_all :exec
-- args: account account, ids ids, text? status, bool assign, id? assigned_to
-- plan: custom
UPDATE thread SET status = coalesce($3, status),
    assigned_to = CASE WHEN $4 THEN $5 ELSE assigned_to END,
    updated_at = now()
WHERE account_id = $1 AND id = ANY ($2);

-- name: thread_label_all :many
-- args: account account, ids ids, id label, int4 most
-- row:  thread_id
-- plan: custom
UPDATE thread SET labels = labels || $3, updated_at = now()
WHERE account_id = $1 AND id = ANY ($2) AND $3 <> ALL (labels)
AND cardinality(labels) < $4
RETURNING id;

-- Which of them have as many labels as a thread can have, this one not among
-- them.
-- name: thread_label_full :many
-- args: account account, ids ids, id label, int4 most
-- row:  thread_id
-- plan: custom
SELECT id FROM thread
WHERE account_id = $1 AND id = ANY ($2) AND $3 <> ALL (labels)
AND cardinality(labels) >= $4 ORDER BY id;

-- name: thread_unlabel_all :many
-- args: account account, ids ids, id label
-- row:  thread_id
-- plan: custom
UPDATE thread SET labels = array_remove(labels, $3), updated_at = now()
WHERE account_id = $1 AND id = ANY ($2) AND $3 = ANY (labels)
RETURNING id;
