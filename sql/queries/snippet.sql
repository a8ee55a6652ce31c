-- The next emails of a mail account whose first words were not read yet, by
-- id: the newest first after a first sync. Each with the part to read: plain
-- text before HTML, nothing that is attached; NULL where there is none.
-- `is_hashed`: its hash is known, or not needed, since the server has an id.
-- name: snippet_due :many
-- args: account account, id credential, int most
-- row:  snippet_due
SELECT e.id, e.mailbox_id, m.wire_name, p.uidvalidity, e.uid, t.part_number,
    t.content_type, t.charset, t.encoding, e.size_bytes, e.is_hashed
FROM (SELECT x.id, x.mailbox_id, x.uid, x.structure, x.size_bytes,
        x.sha256 IS NOT NULL OR x.server_email_id IS NOT NULL AS is_hashed
    FROM email x
    WHERE x.account_id = $1 AND x.credential_id = $2
    AND x.id > (SELECT text_done_id FROM credential
        WHERE account_id = $1 AND id = $2)
    AND x.snippet IS NULL -- see snippet_again
    ORDER BY x.id LIMIT $3) AS e
LEFT JOIN mailbox m ON m.account_id = $1 AND m.id = e.mailbox_id
LEFT JOIN placement p ON p.account_id = $1 AND p.mailbox_id = e.mailbox_id
    AND p.uidvalidity = m.uidvalidity AND p.uid = e.uid
LEFT JOIN LATERAL (SELECT s.part ->> 'part_number' AS part_number,
        s.part ->> 'content_type' AS content_type,
        s.part ->> 'charset' AS charset, s.part ->> 'encoding' AS encoding
    FROM json_array_elements(e.structure::json) WITH ORDINALITY AS s (part, n)
    WHERE s.part ->> 'content_type' IN ('text/plain', 'text/html')
    AND s.part ->> 'disposition' IS DISTINCT FROM 'attachment'
    ORDER BY s.part ->> 'content_type' DESC, s.n LIMIT 1) AS t ON true
ORDER BY e.mailbox_id, t.part_number, e.uid;

-- name: snippet_store :exec
-- args: account account, ids emails, texts snippets
UPDATE email e SET snippet = s.snippet
FROM unnest($2, $3) AS s (id, snippet)
WHERE e.account_id = $1 AND e.id = s.id;

-- The hashes of messages; what was recorded first stays.
-- name: snippet_hash :exec
-- args: account account, ids emails, bytess hashes
UPDATE email e SET sha256 = h.sha256
FROM unnest($2, $3) AS h (id, sha256)
WHERE e.account_id = $1 AND e.id = h.id AND e.sha256 IS NULL;

-- All up to this id were looked at.
-- name: snippet_done :must
-- args: account account, id credential, id last
UPDATE credential SET text_done_id = greatest(text_done_id, $3)
WHERE account_id = $1 AND id = $2;

-- Of emails that lie somewhere again: takes up those that lay nowhere when
-- their first words were to be read. No row: there is none.
-- name: snippet_again :exec
-- args: account account, id credential, ids emails
UPDATE credential c SET text_done_id = e.id - 1
FROM (SELECT min(id) AS id FROM email
    WHERE account_id = $1 AND id = ANY ($3) AND snippet IS NULL
    AND structure LIKE '%"text/%') AS e
WHERE c.account_id = $1 AND c.id = $2 AND c.text_done_id >= e.id;
