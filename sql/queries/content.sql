-- What an email's content is read from, and its parts.

-- Where an email's bytes are: a place on the server that is still the one the
-- sync saw. No row: there is no such email, or it lies in somebody's personal
-- mail account; a worker (user 0) reads for whom its job is of.
-- name: content_source_get :one
-- args: account account, int user, id email
-- row:  content_source
SELECT e.id AS email_id, e.application_id, e.credential_id, e.size_bytes,
    e.sha256, p.wire_name, p.uidvalidity, p.uid
FROM email e
LEFT JOIN credential c ON c.account_id = $1 AND c.id = e.credential_id
    AND (c.user_id IS NULL OR c.user_id = $2 OR scope_user() = 0)
LEFT JOIN LATERAL (SELECT m.wire_name, p.uidvalidity, p.uid
    FROM placement p
    JOIN mailbox m ON m.account_id = $1 AND m.id = p.mailbox_id
        AND m.uidvalidity = p.uidvalidity AND m.removed_at IS NULL
    WHERE p.account_id = $1 AND p.email_id = e.id
    ORDER BY p.mailbox_id = e.mailbox_id DESC NULLS LAST, p.uid DESC
    LIMIT 1) p ON true
WHERE e.account_id = $1 AND e.id = $3 AND e.removed_at IS NULL
AND (e.credential_id IS NULL OR c.id IS NOT NULL);

-- What was sent, where the message is kept and no folder has it.
-- name: content_kept :maybe
-- args: account account, id email
-- row:  content_kept
SELECT message FROM submission
WHERE account_id = $1 AND email_id = $2 AND message IS NOT NULL;

-- The hash of the message as it was first read; the earlier one stays.
-- name: content_record :value
-- args: account account, id email, bytes sha256
-- value: bool
UPDATE email SET sha256 = coalesce(sha256, $3)
WHERE account_id = $1 AND id = $2
RETURNING sha256 = $3;

-- name: email_part_list :many
-- args: account account, id email
-- row:  email_part
SELECT id, email_id, part_number, parent_id, content_type, charset, filename,
    disposition, content_id, encoding, size_bytes, content_hash
FROM email_part WHERE account_id = $1 AND email_id = $2 ORDER BY position;

-- name: email_part_get :one
-- args: account account, id email, id id
-- row:  email_part
SELECT id, email_id, part_number, parent_id, content_type, charset, filename,
    disposition, content_id, encoding, size_bytes, content_hash
FROM email_part WHERE account_id = $1 AND email_id = $2 AND id = $3;

-- Gives the parts of a message their ids, in pre-order; `parents` are part
-- numbers. All of them or none: who comes second changes nothing.
-- name: email_part_make :exec
-- args: account account, id email, texts numbers, texts parents, texts types,
-- args: texts charsets, texts filenames, texts dispositions,
-- args: texts content_ids, texts encodings, ints sizes
WITH r AS MATERIALIZED (
	SELECT nextval('email_part_id_seq') AS id, u.*
	FROM unnest($3, $4, $5, $6, $7, $8, $9, $10, $11) WITH ORDINALITY
	    AS u (part_number, parent, content_type, charset, filename,
	    disposition, content_id, encoding, size_bytes, position)
	WHERE NOT EXISTS (SELECT FROM email_part
	    WHERE account_id = $1 AND email_id = $2)
)
INSERT INTO email_part (application_id, account_id, id, email_id,
    part_number, parent_id, position, content_type, charset, filename,
    disposition, content_id, encoding, size_bytes)
SELECT e.application_id, $1, r.id, $2, r.part_number, up.id, r.position,
    r.content_type, r.charset, r.filename, r.disposition, r.content_id,
    r.encoding, r.size_bytes
FROM email e CROSS JOIN r LEFT JOIN r AS up ON up.part_number = r.parent
WHERE e.account_id = $1 AND e.id = $2
ORDER BY r.position
ON CONFLICT (account_id, email_id, part_number) DO NOTHING;

-- The same from what the server told at the sync: of messages that are too
-- large to be fetched whole for it. Sizes are those of the encoded parts.
-- name: email_part_make_told :exec
-- args: account account, id email
WITH r AS MATERIALIZED (
	SELECT nextval('email_part_id_seq') AS id, e.application_id, told.*
	FROM email e, email_told(e.structure) AS told
	WHERE e.account_id = $1 AND e.id = $2
	AND NOT EXISTS (SELECT FROM email_part
	    WHERE account_id = $1 AND email_id = $2)
)
INSERT INTO email_part (application_id, account_id, id, email_id,
    part_number, parent_id, position, content_type, charset, filename,
    disposition, content_id, encoding, size_bytes)
SELECT r.application_id, $1, r.id, $2, r.part_number, up.id, r.position,
    r.content_type, r.charset, r.filename, r.disposition, r.content_id,
    r.encoding, r.size_bytes
FROM r LEFT JOIN r AS up ON up.part_number = r.parent
ORDER BY r.position
ON CONFLICT (account_id, email_id, part_number) DO NOTHING;

-- What a part's content was at its first reading; false: it is another now.
-- name: email_part_record :value
-- args: account account, id id, text hash, int size
-- value: bool
UPDATE email_part SET content_hash = coalesce(content_hash, $3),
    size_bytes = CASE WHEN content_hash IS NULL THEN $4 ELSE size_bytes END
WHERE account_id = $1 AND id = $2
RETURNING content_hash = $3;
