-- Mails as they are quoted when a thread is forwarded; see domain/forward.h.

-- A thread's latest mails, oldest first.
-- name: forward_mails :many
-- args: account account, id thread, int most
-- row:  forward_mail
SELECT id, subject, sender, "to", cc, sent_at, snippet FROM (
    SELECT e.id, e.subject, coalesce(e.sent_at, e.received_at) AS sent_at,
        (SELECT string_agg(concat_ws(' ', p->>'name',
            '<' || (p->>'address') || '>'), ', ')
        FROM json_array_elements(coalesce(e.from_json, '[]')::json) AS p)
            AS sender,
        (SELECT string_agg(concat_ws(' ', p->>'name',
            '<' || (p->>'address') || '>'), ', ')
        FROM json_array_elements(coalesce(e.to_json, '[]')::json) AS p)
            AS "to",
        (SELECT string_agg(concat_ws(' ', p->>'name',
            '<' || (p->>'address') || '>'), ', ')
        FROM json_array_elements(coalesce(e.cc_json, '[]')::json) AS p) AS cc,
        coalesce(e.snippet, '') AS snippet, e.received_at
    FROM email e
    WHERE e.account_id = $1 AND e.thread_id = $2 AND e.removed_at IS NULL
    ORDER BY e.received_at DESC, e.id DESC LIMIT $3) AS latest
ORDER BY received_at, id;
