-- What is kept beside rows against a recount; see domain/verify.h.

-- Every number of threads and every total that differs. In one statement, so of
-- one moment, whatever goes on meanwhile.
-- name: verify_faults :many
-- args: id application, int account, int most
-- row:  verify_fault
-- scope: global: an operator's question
WITH a AS (
    SELECT id FROM account WHERE application_id = $1 AND ($2 = 0 OR id = $2)
), mail AS (
    SELECT e.account_id, e.thread_id, count(*) AS n,
        count(*) FILTER (WHERE NOT e.is_read) AS unread,
        count(*) FILTER (WHERE e.has_attachments) AS attached,
        max(e.received_at) AS latest
    FROM email e
    WHERE e.account_id IN (SELECT id FROM a) AND e.thread_id IS NOT NULL
    AND e.removed_at IS NULL
    GROUP BY 1, 2
), counted AS (
    SELECT e.account_id, 'emails' AS name, count(*) AS n FROM email e
    WHERE e.account_id IN (SELECT id FROM a) AND e.removed_at IS NULL GROUP BY 1
    UNION ALL SELECT e.account_id, 'unread', count(*) FROM email e
    WHERE e.account_id IN (SELECT id FROM a) AND e.removed_at IS NULL
    AND NOT e.is_read GROUP BY 1
    UNION ALL SELECT t.account_id, 'threads:' || t.status, count(*)
    FROM thread t WHERE t.account_id IN (SELECT id FROM a)
    AND t.removed_at IS NULL AND t.merged_into IS NULL GROUP BY 1, 2
    UNION ALL SELECT t.account_id, 'label:' || l, count(*)
    FROM thread t, unnest(t.labels) AS l WHERE t.account_id IN (SELECT id FROM a)
    AND t.removed_at IS NULL AND t.merged_into IS NULL GROUP BY 1, 2
), fault AS (
    SELECT t.account_id, 'thread ' || t.id AS what, x.name, x.kept, x.counted
    FROM thread t
    LEFT JOIN mail m ON m.account_id = t.account_id AND m.thread_id = t.id,
    LATERAL (VALUES
        ('email_count', t.email_count::text, coalesce(m.n, 0)::text),
        ('unread_count', t.unread_count::text, coalesce(m.unread, 0)::text),
        ('attachment_count', t.attachment_count::text,
            coalesce(m.attached, 0)::text),
        ('last_message_at', t.last_message_at::text, m.latest::text),
        ('sort_at', t.sort_at::text,
            coalesce(m.latest, t.created_at)::text)) AS x (name, kept, counted)
    WHERE t.account_id IN (SELECT id FROM a)
    AND x.kept IS DISTINCT FROM x.counted
    UNION ALL
    SELECT coalesce(c.account_id, n.account_id), 'total',
        coalesce(c.name, n.name), coalesce(c.n, 0)::text,
        coalesce(n.n, 0)::text
    FROM (SELECT account_id, name, n FROM counter
        WHERE account_id IN (SELECT id FROM a) AND (name IN ('emails', 'unread')
        OR name LIKE 'threads:%' OR name LIKE 'label:%')) AS c
    FULL JOIN counted n ON n.account_id = c.account_id AND n.name = c.name
    WHERE coalesce(c.n, 0) <> coalesce(n.n, 0)
    UNION ALL
    SELECT t.account_id, 'thread ' || t.id, 'labels', 'label ' || l,
        'no such label'
    FROM thread t, unnest(t.labels) AS l
    WHERE t.account_id IN (SELECT id FROM a) AND NOT EXISTS (SELECT FROM label b
        WHERE b.account_id = t.account_id AND b.id = l)
    UNION ALL
    SELECT e.account_id, 'email ' || e.id, 'thread_id', e.thread_id::text,
        CASE WHEN t.id IS NULL THEN 'no such thread'
        WHEN t.merged_into IS NOT NULL THEN 'merged into ' || t.merged_into
        ELSE 'deleted' END
    FROM email e
    LEFT JOIN thread t ON t.account_id = e.account_id AND t.id = e.thread_id
    WHERE e.account_id IN (SELECT id FROM a) AND e.removed_at IS NULL
    AND e.thread_id IS NOT NULL
    AND (t.id IS NULL OR t.merged_into IS NOT NULL OR t.removed_at IS NOT NULL)
)
SELECT account_id, what, name, kept, counted FROM fault
ORDER BY account_id, what, name LIMIT $3;
