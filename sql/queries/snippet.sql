-- The next emails of a mail account whose first words were not read yet, by
-- id: the newest first after a first sync. Each with the part to read: plain
-- text before HTML, nothing that is attached; NULL where there is none.
-- `is_hashed`: its hash is known, or not needed, since the server has an id.
-- First come those whose turn was when they had been set aside (skipped_mend).
-- OFFSET 0 keeps the index of UIDs whole: joined after the folder's UIDVALIDITY,
-- each row would walk the folder.
-- name: snippet_due :many
-- args: account account, id credential, int most
-- row:  snippet_due
SELECT e.id, e.mailbox_id, m.wire_name, p.uidvalidity, e.uid, t.part_number,
    t.content_type, t.charset, t.encoding, e.size_bytes,
    e.sha256 IS NOT NULL OR e.server_email_id IS NOT NULL AS is_hashed
FROM ((SELECT id, mailbox_id, uid, structure, size_bytes, sha256,
            server_email_id
        FROM email
        WHERE account_id = $1 AND credential_id = $2 AND text_due
        ORDER BY id LIMIT $3)
    UNION ALL
    (SELECT id, mailbox_id, uid, structure, size_bytes, sha256,
            server_email_id
        FROM email
        WHERE account_id = $1 AND credential_id = $2 AND NOT text_due
        AND id > (SELECT text_done_id FROM credential
            WHERE account_id = $1 AND id = $2)
        ORDER BY id LIMIT $3)
    ORDER BY id LIMIT $3) AS e
LEFT JOIN mailbox m ON m.account_id = $1 AND m.id = e.mailbox_id
LEFT JOIN LATERAL (SELECT uidvalidity FROM placement
    WHERE account_id = $1 AND mailbox_id = e.mailbox_id
    AND uidvalidity = m.uidvalidity AND uid = e.uid OFFSET 0) AS p ON true
LEFT JOIN LATERAL (SELECT told.part_number, told.content_type, told.charset,
        told.encoding
    FROM email_told(e.structure) AS told
    WHERE told.content_type IN ('text/plain', 'text/html')
    AND told.disposition IS DISTINCT FROM 'attachment'
    ORDER BY told.content_type DESC, told.position LIMIT 1) AS t ON true
ORDER BY e.mailbox_id, t.part_number, e.uid;

-- What was read of emails: their first words, and their hashes, of which the one
-- that was recorded first stays. None of them is late any more.
-- name: snippet_store :exec
-- args: account account, ids emails, texts snippets, bytess hashes
UPDATE email e SET snippet = coalesce(r.snippet, e.snippet),
    sha256 = coalesce(e.sha256, r.sha256), text_due = false
FROM unnest($2, $3, $4) AS r (id, snippet, sha256)
WHERE e.account_id = $1 AND e.id = r.id
AND (e.text_due
    OR (r.snippet IS NOT NULL AND r.snippet IS DISTINCT FROM e.snippet)
    OR (r.sha256 IS NOT NULL AND e.sha256 IS NULL));

-- Folders that were not to be read, each with the first of their emails.
-- name: snippet_miss :exec
-- args: account account, ids mailboxes, ids emails
UPDATE mailbox m SET texts_missed_from = least(m.texts_missed_from, x.first)
FROM (SELECT mailbox_id, min(email_id) AS first
    FROM unnest($2, $3) AS u (mailbox_id, email_id) GROUP BY 1) AS x
WHERE m.account_id = $1 AND m.id = x.mailbox_id;

-- Such a folder is in step: what has no words yet is due again.
-- name: snippet_in_step :exec
-- args: account account, id mailbox
WITH m AS MATERIALIZED (
	SELECT id, texts_missed_from FROM mailbox
	WHERE account_id = $1 AND id = $2 AND texts_missed_from IS NOT NULL
	FOR UPDATE
), due AS (
	UPDATE email e SET text_due = true FROM m
	WHERE e.account_id = $1 AND e.mailbox_id = m.id
	AND e.id >= m.texts_missed_from AND e.removed_at IS NULL
	AND e.snippet IS NULL AND NOT e.text_due
)
UPDATE mailbox b SET texts_missed_from = NULL FROM m
WHERE b.account_id = $1 AND b.id = m.id;

-- All up to this id were looked at.
-- name: snippet_done :must
-- args: account account, id credential, id last
UPDATE credential SET text_done_id = greatest(text_done_id, $3)
WHERE account_id = $1 AND id = $2;

-- Of emails that lie somewhere again: those that lay nowhere when their first
-- words were to be read. How many. Of what was deleted here only the hash is of
-- use, by which it is known.
-- name: snippet_again :exec
-- args: account account, id credential, ids emails
UPDATE email SET text_due = true
WHERE account_id = $1 AND credential_id = $2 AND id = ANY ($3)
AND snippet IS NULL AND structure LIKE '%"text/%' AND NOT text_due
AND (removed_why IS DISTINCT FROM 'deleted' OR sha256 IS NULL)
AND id <= (SELECT text_done_id FROM credential
    WHERE account_id = $1 AND id = $2);
