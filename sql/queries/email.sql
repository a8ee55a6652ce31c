-- Emails as the API reads and changes them. What the sync writes stands in
-- placement.sql.

-- The newest emails of an account, behind a key. The hot list: one walk along
-- email_time, no filter that could make the plan depend on its values. The
-- total comes with each row, which is cheaper than a statement of its own; NULL
-- where email_total has to count.
-- name: email_list :many
-- args: account account, time before, id before_id, int limit, int offset
-- row: email
SELECT *, (SELECT n FROM counter WHERE account_id = $1 AND name = 'emails'
    AND NOT EXISTS (SELECT FROM foreign_personal)) AS account_total
FROM email_row
WHERE account_id = $1 AND (received_at, id) < ($2, $3)
ORDER BY received_at DESC, id DESC LIMIT $4 OFFSET $5;

-- The same with filters; planned with its values, so that one that is not
-- given costs nothing and a rare one finds its index. `q` is a pattern of
-- LIKE for subject and people.
-- name: email_find :many
-- args: account account, time before, id before_id, int limit, int offset
-- args: id? credential, bool? is_read, bool? is_flagged, bool? attachments
-- args: time? since, time? until, text? direction, text? q
-- args: text? correspondent, id? label, id? assigned_to
-- args: bool nobodys
-- row: email
-- plan: custom
SELECT * FROM email_row
WHERE account_id = $1 AND (received_at, id) < ($2, $3)
AND ($6 IS NULL OR credential_id = $6)
AND ($7 IS NULL OR is_read = $7)
AND ($8 IS NULL OR is_flagged = $8)
AND ($9 IS NULL OR has_attachments = $9)
AND ($10 IS NULL OR received_at >= $10)
AND ($11 IS NULL OR received_at < $11)
AND ($12 IS NULL OR direction = $12)
AND ($13 IS NULL OR concat_ws(' ', subject, from_json, to_json, cc_json)
    ILIKE $13)
AND ($14 IS NULL OR concat_ws(' ', from_json, to_json, cc_json) ILIKE $14)
AND (($15 IS NULL AND $16 IS NULL AND NOT $17) OR EXISTS (SELECT
    FROM thread t WHERE t.account_id = $1 AND t.id = email_row.thread_id
    AND ($15 IS NULL OR t.labels @> ARRAY[$15])
    AND ($16 IS NULL OR t.assigned_to = $16)
    AND (NOT $17 OR t.assigned_to IS NULL)))
ORDER BY received_at DESC, id DESC LIMIT $4 OFFSET $5;

-- How many email_find would walk along, counted up to 10,001.
-- name: email_find_total :value
-- args: account account, id? credential, bool? is_read, bool? is_flagged
-- args: bool? attachments, time? since, time? until, text? direction, text? q
-- args: text? correspondent, id? label, id? assigned_to
-- args: bool nobodys
-- value: int
-- plan: custom
SELECT count(*) FROM (
    SELECT FROM email_row
    WHERE account_id = $1
    AND ($2 IS NULL OR credential_id = $2)
    AND ($3 IS NULL OR is_read = $3)
    AND ($4 IS NULL OR is_flagged = $4)
    AND ($5 IS NULL OR has_attachments = $5)
    AND ($6 IS NULL OR received_at >= $6)
    AND ($7 IS NULL OR received_at < $7)
    AND ($8 IS NULL OR direction = $8)
    AND ($9 IS NULL OR concat_ws(' ', subject, from_json, to_json, cc_json)
        ILIKE $9)
    AND ($10 IS NULL OR concat_ws(' ', from_json, to_json, cc_json)
        ILIKE $10)
    AND (($11 IS NULL AND $12 IS NULL AND NOT $13) OR EXISTS (SELECT
        FROM thread t WHERE t.account_id = $1 AND t.id = email_row.thread_id
        AND ($11 IS NULL OR t.labels @> ARRAY[$11])
        AND ($12 IS NULL OR t.assigned_to = $12)
        AND (NOT $13 OR t.assigned_to IS NULL)))
    LIMIT 10001) few;

-- The same in a folder: what is shown under it, and copies of what is shown
-- under another. Two walks in one order, each along an index until the page is
-- full. Filters stand behind IS NOT NULL, which the planner takes to hold for
-- nearly all rows: so the walk is right for any values and planned once, which
-- is most of what a page costs; threads are looked up by their key. The times bound the walks (a coalesce would not:
-- behind a policy the planner takes it for one that might tell).
-- name: email_find_in :many
-- args: account account, id mailbox, time before, id before_id, int limit
-- args: int offset, id? credential, bool? is_read, bool? is_flagged
-- args: bool? attachments, time? since, time? until, text? direction, text? q
-- args: text? correspondent, id? label, id? assigned_to
-- args: bool nobodys
-- row: email
SELECT * FROM (
	(SELECT * FROM email_row
	WHERE account_id = $1 AND mailbox = $2
	AND (received_at, id) < ($3, $4)
	AND received_at >= CASE WHEN $11 IS NULL THEN '-infinity' ELSE $11 END
	AND received_at < CASE WHEN $12 IS NULL THEN 'infinity' ELSE $12 END
	AND CASE WHEN ($7 IS NULL OR credential_id = $7)
	    AND ($8 IS NULL OR is_read = $8)
	    AND ($9 IS NULL OR is_flagged = $9)
	    AND ($10 IS NULL OR has_attachments = $10)
	    AND ($13 IS NULL OR direction = $13)
	    AND ($14 IS NULL OR concat_ws(' ', subject, from_json, to_json,
	        cc_json) ILIKE $14)
	    AND ($15 IS NULL OR concat_ws(' ', from_json, to_json, cc_json)
	        ILIKE $15)
	    AND (($16 IS NULL AND $17 IS NULL AND NOT $18) OR EXISTS (SELECT
	        FROM thread t WHERE t.account_id = $1 AND t.id = email_row.thread_id
	        AND ($16 IS NULL OR t.labels @> ARRAY[$16])
	        AND ($17 IS NULL OR t.assigned_to = $17)
	        AND (NOT $18 OR t.assigned_to IS NULL)
	        OFFSET 0))
	    THEN true END IS NOT NULL
	ORDER BY received_at DESC, id DESC LIMIT $5 + $6)
	UNION ALL
	(SELECT e.* FROM placement p
	JOIN email_row e ON e.account_id = $1 AND e.id = p.email_id
	WHERE p.account_id = $1 AND p.mailbox_id = $2 AND p.copy_at IS NOT NULL
	AND (p.copy_at, p.email_id) < ($3, $4)
	AND p.copy_at >= CASE WHEN $11 IS NULL THEN '-infinity' ELSE $11 END
	AND p.copy_at < CASE WHEN $12 IS NULL THEN 'infinity' ELSE $12 END
	AND CASE WHEN mailbox <> $2 AND ($7 IS NULL OR credential_id = $7)
	    AND ($8 IS NULL OR is_read = $8)
	    AND ($9 IS NULL OR is_flagged = $9)
	    AND ($10 IS NULL OR has_attachments = $10)
	    AND ($13 IS NULL OR direction = $13)
	    AND ($14 IS NULL OR concat_ws(' ', subject, from_json, to_json,
	        cc_json) ILIKE $14)
	    AND ($15 IS NULL OR concat_ws(' ', from_json, to_json, cc_json)
	        ILIKE $15)
	    AND (($16 IS NULL AND $17 IS NULL AND NOT $18) OR EXISTS (SELECT
	        FROM thread t WHERE t.account_id = $1 AND t.id = e.thread_id
	        AND ($16 IS NULL OR t.labels @> ARRAY[$16])
	        AND ($17 IS NULL OR t.assigned_to = $17)
	        AND (NOT $18 OR t.assigned_to IS NULL)
	        OFFSET 0))
	    THEN true END IS NOT NULL
	ORDER BY p.copy_at DESC, p.email_id DESC LIMIT $5 + $6)
) AS found
ORDER BY received_at DESC, id DESC LIMIT $5 OFFSET $6;

-- How many email_find_in would walk along, counted up to 10,001. Any order will
-- do, so it is planned with its values.
-- name: email_find_in_total :value
-- args: account account, id mailbox, id? credential, bool? is_read
-- args: bool? is_flagged, bool? attachments, time? since, time? until
-- args: text? direction, text? q, text? correspondent, id? label, id? assigned_to
-- args: bool nobodys
-- value: int
-- plan: custom
SELECT count(*) FROM (
	SELECT 1 FROM email_row
	WHERE account_id = $1 AND mailbox = $2
	AND ($3 IS NULL OR credential_id = $3)
	AND ($4 IS NULL OR is_read = $4)
	AND ($5 IS NULL OR is_flagged = $5)
	AND ($6 IS NULL OR has_attachments = $6)
	AND ($7 IS NULL OR received_at >= $7)
	AND ($8 IS NULL OR received_at < $8)
	AND ($9 IS NULL OR direction = $9)
	AND ($10 IS NULL OR concat_ws(' ', subject, from_json, to_json, cc_json)
	    ILIKE $10)
	AND ($11 IS NULL OR concat_ws(' ', from_json, to_json, cc_json)
	    ILIKE $11)
	AND (($12 IS NULL AND $13 IS NULL AND NOT $14) OR EXISTS (SELECT
	    FROM thread t WHERE t.account_id = $1 AND t.id = email_row.thread_id
	    AND ($12 IS NULL OR t.labels @> ARRAY[$12])
	    AND ($13 IS NULL OR t.assigned_to = $13)
	    AND (NOT $14 OR t.assigned_to IS NULL)))
	UNION ALL
	SELECT 1 FROM placement p
	JOIN email_row e ON e.account_id = $1 AND e.id = p.email_id
	WHERE p.account_id = $1 AND p.mailbox_id = $2 AND p.copy_at IS NOT NULL
	AND mailbox <> $2
	AND ($3 IS NULL OR credential_id = $3)
	AND ($4 IS NULL OR is_read = $4)
	AND ($5 IS NULL OR is_flagged = $5)
	AND ($6 IS NULL OR has_attachments = $6)
	AND ($7 IS NULL OR p.copy_at >= $7)
	AND ($8 IS NULL OR p.copy_at < $8)
	AND ($9 IS NULL OR direction = $9)
	AND ($10 IS NULL OR concat_ws(' ', subject, from_json, to_json, cc_json)
	    ILIKE $10)
	AND ($11 IS NULL OR concat_ws(' ', from_json, to_json, cc_json)
	    ILIKE $11)
	AND (($12 IS NULL AND $13 IS NULL AND NOT $14) OR EXISTS (SELECT
	    FROM thread t WHERE t.account_id = $1 AND t.id = e.thread_id
	    AND ($12 IS NULL OR t.labels @> ARRAY[$12])
	    AND ($13 IS NULL OR t.assigned_to = $13)
	    AND (NOT $14 OR t.assigned_to IS NULL)))
	LIMIT 10001) AS few;

-- name: email_get :one
-- args: account account, id id
-- row: email
SELECT * FROM email_row WHERE account_id = $1 AND id = $2;

-- The same with what became of mail that was sent, and what a report tells.
-- name: email_whole_get :one
-- args: account account, id id
-- row: email_whole
SELECT e.*, CASE WHEN e.direction = 'outbound' THEN (SELECT json_agg(
        json_build_object('address', r.address, 'kind', r.kind,
            'state', r.state, 'code', r.code, 'detail', r.detail,
            'report', r.report, 'reported_at', to_char(r.reported_at
                AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
            'report_email_id', 'eml_' || r.report_email_id) ORDER BY r.n)
        FROM submission s
        JOIN submission_recipient r ON r.account_id = $1
            AND r.submission_id = s.id
        WHERE s.account_id = $1 AND s.email_id = $2) END AS recipients,
    (SELECT json_build_object('kind', p.kind, 'feedback', p.feedback,
            'email_id', 'eml_' || s.email_id)
        FROM mail_report p
        LEFT JOIN submission s ON s.account_id = $1
            AND s.id = p.submission_id
        WHERE p.account_id = $1 AND p.email_id = $2
        AND p.kind IN ('delivery', 'complaint')) AS report
FROM email_row e WHERE e.account_id = $1 AND e.id = $2;

-- Locks an email that is there, until this transaction ends.
-- name: email_lock :must
-- args: account account, id id
SELECT FROM email
WHERE account_id = $1 AND id = $2 AND removed_at IS NULL FOR UPDATE;

-- An email made by hand, that no server knows. The people are JSON texts.
-- name: email_create :value
-- args: account account, text? message_id, text? in_reply_to
-- args: text? references, text direction, text? subject, str from_json
-- args: str to_json, str cc_json, str bcc_json, str reply_to_json
-- args: time? sent_at, time? received_at, int size_bytes, text? snippet
-- value: int
WITH made AS (
    INSERT INTO email (application_id, account_id, message_id, in_reply_to,
        "references", direction, subject, from_json, to_json, cc_json,
        bcc_json, reply_to_json, sent_at, received_at, size_bytes, snippet)
    SELECT a.application_id, a.id, $2, $3, $4, $5, $6, $7, $8, $9, $10,
        $11, $12, coalesce($13, now()), $14, $15
    FROM account a WHERE a.id = $1
    RETURNING id, application_id, account_id
), counted AS (
    INSERT INTO counter (application_id, account_id, name, n)
    SELECT application_id, account_id, unnest(ARRAY['emails', 'unread']), 1
    FROM made ORDER BY 3
    ON CONFLICT (account_id, name) DO UPDATE SET n = counter.n + 1
)
SELECT id FROM made;

-- The local record goes; its placements stay, so that a sync does not bring
-- it back.
-- name: email_remove :must
-- args: account account, id id
WITH gone AS (
    UPDATE email SET removed_at = now(), removed_why = 'deleted',
        updated_at = now()
    WHERE account_id = $1 AND id = $2 AND removed_at IS NULL
    RETURNING account_id, is_read
), counted AS (
    UPDATE counter c SET n = c.n - 1 FROM gone g
    WHERE c.account_id = g.account_id AND (c.name = 'emails'
        OR (c.name = 'unread' AND NOT g.is_read))
)
SELECT FROM gone;

-- How many email_search_delete would remove, at most `limit`.
-- name: email_search_delete_count :value
-- args: account account, text? q, time? older_than, int limit
-- value: int
-- plan: custom
SELECT count(*) FROM (
    SELECT FROM email
    WHERE account_id = $1 AND removed_at IS NULL
    AND ($3 IS NULL OR received_at < $3)
    AND ($2 IS NULL OR concat_ws(' ', subject, from_json, to_json, cc_json)
        ILIKE $2)
    LIMIT $4) few;

-- Removes them, newest first; how many.
-- name: email_search_delete :value
-- args: account account, text? q, time? older_than, int limit
-- value: int
-- plan: custom
WITH gone AS (
    UPDATE email SET removed_at = now(), removed_why = 'deleted',
        updated_at = now()
    WHERE account_id = $1 AND id IN (
        SELECT e.id FROM email e
        WHERE e.account_id = $1 AND e.removed_at IS NULL
        AND ($3 IS NULL OR e.received_at < $3)
        AND ($2 IS NULL OR concat_ws(' ', e.subject, e.from_json, e.to_json,
            e.cc_json) ILIKE $2)
        ORDER BY e.received_at DESC, e.id DESC
        LIMIT $4)
    RETURNING account_id, is_read
), sums AS (
    SELECT account_id, 'emails' AS name, count(*) AS n FROM gone GROUP BY 1
    UNION ALL
    SELECT account_id, 'unread', count(*) FROM gone WHERE NOT is_read
    GROUP BY 1
), counted AS (
    UPDATE counter c SET n = c.n - s.n FROM sums s
    WHERE c.account_id = s.account_id AND c.name = s.name
)
SELECT count(*) FROM gone;

-- How many email_list walks along: the number kept beside the rows. It counts
-- the mail of all; where some of it is another's personal one, what the caller
-- sees is counted, up to 10,001.
-- name: email_total :one
-- args: account account
-- row: email_total
SELECT is_kept, CASE WHEN is_kept
    THEN coalesce((SELECT n FROM counter
        WHERE account_id = $1 AND name = 'emails'), 0)
    ELSE (SELECT count(*) FROM (SELECT FROM email
        WHERE account_id = $1 AND removed_at IS NULL LIMIT 10001) few) END
    AS n
FROM (SELECT NOT EXISTS (SELECT FROM foreign_personal) AS is_kept) k;
