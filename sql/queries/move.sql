-- Mail that was moved or copied to another folder, where the server has no id
-- for it. It is the same when its bytes are, by their SHA-256; or when it is
-- alike to an email without a hash in all that a FETCH tells of it, and that
-- email no longer lies where it lay. Alike is what has the same size,
-- INTERNALDATE, sent date, Message-ID, subject, people and structure: of these
-- the server sets INTERNALDATE, when it takes a message in, and keeps it when it
-- moves one. Each sieve costs more for each message than the one before, and
-- lets fewer through.

-- Is there any email that could be found? (In the order of an index, so that
-- it is used even where nearly all mail of others would do.)
-- name: move_possible :value
-- args: account account, id credential
-- value: bool
SELECT EXISTS (SELECT FROM mailbox WHERE account_id = $1 AND credential_id = $2
    AND stored_messages > 0)
OR (SELECT id FROM email WHERE account_id = $1 AND credential_id = $2
    AND sha256 IS NOT NULL ORDER BY size_bytes LIMIT 1) IS NOT NULL
OR (SELECT id FROM email WHERE account_id = $1 AND credential_id = $2
    AND removed_at IS NOT NULL AND sha256 IS NULL AND server_email_id IS NULL
    ORDER BY received_at LIMIT 1) IS NOT NULL;

-- Which of these messages are not placed yet and as large as an email that has
-- a hash; or as large and as old as one that has none (is_dated). Planned once:
-- each look-up names a whole key.
-- name: move_by_size :many
-- args: account account, id credential, id mailbox, int uidvalidity,
-- args: ints uids, ints sizes, times received
-- row:  move_sized
WITH message AS MATERIALIZED (
	SELECT u.uid, (SELECT e.id FROM email e WHERE e.account_id = $1
	        AND e.credential_id = $2 AND e.size_bytes = u.size_bytes
	        AND e.sha256 IS NOT NULL AND e.skip_reason IS NULL LIMIT 1)
	    IS NOT NULL AS is_sized,
	    (SELECT e.id FROM email e WHERE e.account_id = $1
	        AND e.received_at = u.received_at AND e.removed_at IS NULL
	        AND e.credential_id = $2 AND e.size_bytes = u.size_bytes
	        AND e.sha256 IS NULL AND e.server_email_id IS NULL
	        AND e.skip_reason IS NULL LIMIT 1) IS NOT NULL
	    OR (SELECT e.id FROM email e WHERE e.account_id = $1
	        AND e.credential_id = $2 AND e.received_at = u.received_at
	        AND e.removed_at IS NOT NULL AND e.sha256 IS NULL
	        AND e.server_email_id IS NULL AND e.size_bytes = u.size_bytes
	        AND e.skip_reason IS NULL LIMIT 1) IS NOT NULL AS is_dated
	FROM unnest($5, $6, $7) AS u (uid, size_bytes, received_at)
	WHERE (SELECT p.email_id FROM placement p WHERE p.account_id = $1
	    AND p.mailbox_id = $3 AND p.uidvalidity = $4 AND p.uid = u.uid)
	    IS NULL
)
SELECT uid, is_dated FROM message WHERE is_sized OR is_dated;

-- Emails without a hash that these messages are alike to, at most `most` of
-- them, each with the places where it lies as far as is known here. wire_name
-- is NULL where that place cannot be looked at.
-- name: move_lying :many
-- args: account account, id credential, ints sizes, times received,
-- args: texts message_ids, texts subjects, texts froms, texts tos, times sent,
-- args: texts structures, int most
-- row:  move_lying
WITH same_time AS (
	SELECT e.id, e.size_bytes, e.received_at, e.message_id, e.subject,
	    e.from_json, e.to_json, e.sent_at, e.structure
	FROM email e
	WHERE e.account_id = $1 AND e.received_at = ANY ($4)
	AND e.removed_at IS NULL AND e.credential_id = $2
	AND e.sha256 IS NULL AND e.server_email_id IS NULL
	AND e.skip_reason IS NULL
	UNION ALL
	SELECT e.id, e.size_bytes, e.received_at, e.message_id, e.subject,
	    e.from_json, e.to_json, e.sent_at, e.structure
	FROM email e
	WHERE e.account_id = $1 AND e.credential_id = $2
	AND e.received_at = ANY ($4) AND e.removed_at IS NOT NULL
	AND e.sha256 IS NULL AND e.server_email_id IS NULL
	AND e.skip_reason IS NULL
), alike AS MATERIALIZED (
	SELECT e.id, e.size_bytes FROM same_time e
	WHERE EXISTS (SELECT FROM unnest($3, $4, $5, $6, $7, $8, $9, $10)
	    AS u (size_bytes, received_at, message_id, subject, from_json,
	        to_json, sent_at, structure)
	    WHERE u.size_bytes = e.size_bytes AND u.received_at = e.received_at
	    AND (u.message_id, u.subject, u.from_json, u.to_json, u.sent_at,
	        u.structure) IS NOT DISTINCT FROM
	        (e.message_id, e.subject, e.from_json, e.to_json, e.sent_at,
	        e.structure))
	ORDER BY e.id DESC LIMIT $11
)
SELECT a.id AS email_id, a.size_bytes, p.mailbox_id, m.wire_name,
    p.uidvalidity, p.uid
FROM alike a
JOIN placement p ON p.account_id = $1 AND p.email_id = a.id
LEFT JOIN mailbox m ON m.account_id = $1 AND m.id = p.mailbox_id
    AND m.uidvalidity = p.uidvalidity AND m.removed_at IS NULL
ORDER BY p.mailbox_id, p.uidvalidity, p.uid;

-- Which of these are alike in what an envelope says, too, to an email with a
-- hash. (Not in when they were received: not every server keeps that.)
-- name: move_by_envelope :many
-- args: account account, id credential, ints uids, ints sizes,
-- args: texts message_ids, texts subjects, texts froms, texts tos, times sent
-- row:  move_uid
-- plan: custom
SELECT u.uid FROM unnest($3, $4, $5, $6, $7, $8, $9) AS u (uid, size_bytes,
    message_id, subject, from_json, to_json, sent_at)
WHERE EXISTS (SELECT FROM email e WHERE e.account_id = $1
    AND e.credential_id = $2 AND e.size_bytes = u.size_bytes
    AND e.sha256 IS NOT NULL AND e.skip_reason IS NULL
    AND (e.message_id, e.subject, e.from_json, e.to_json, e.sent_at)
        IS NOT DISTINCT FROM
        (u.message_id, u.subject, u.from_json, u.to_json, u.sent_at));

-- Places messages with emails of the same bytes. Of several such emails those
-- that have vanished come first, then the newest; of several messages each
-- takes its own, as far as there are any. Without `copies` only emails that
-- have vanished are taken, and each once. Gives the emails, to be settled.
-- name: move_place :many
-- args: account account, id application, id credential, id mailbox,
-- args: int uidvalidity, ints uids, texts flags, ints sizes, bytess hashes,
-- args: bool copies
-- row:  moved
-- plan: custom
WITH folder AS MATERIALIZED (
	SELECT id FROM mailbox
	WHERE account_id = $1 AND credential_id = $3 AND id = $4
	AND uidvalidity = $5 FOR UPDATE
), fresh AS (
	SELECT u.*, row_number() OVER (PARTITION BY hash ORDER BY uid DESC) AS nth
	FROM folder, unnest($6, $7, $8, $9)
	    AS u (uid, flag_words, size_bytes, hash)
	WHERE NOT EXISTS (SELECT FROM placement p WHERE p.account_id = $1
	    AND p.mailbox_id = $4 AND p.uidvalidity = $5 AND p.uid = u.uid)
), known AS (
	SELECT e.id, e.size_bytes, e.sha256 AS hash, row_number() OVER w AS nth,
	    count(*) OVER (PARTITION BY e.size_bytes, e.sha256) AS n
	FROM email e
	WHERE e.account_id = $1 AND e.credential_id = $3
	AND e.size_bytes IN (SELECT size_bytes FROM fresh)
	AND e.sha256 IS NOT NULL AND e.skip_reason IS NULL
	AND ($10 OR e.removed_why = 'vanished')
	WINDOW w AS (PARTITION BY e.size_bytes, e.sha256
	    ORDER BY e.removed_why IS DISTINCT FROM 'vanished', e.id DESC)
), pair AS MATERIALIZED (
	SELECT f.uid, f.flag_words, k.id AS email_id
	FROM fresh f JOIN known k USING (size_bytes, hash)
	WHERE k.nth = CASE WHEN $10 THEN 1 + (f.nth - 1) % k.n ELSE f.nth END
), counted AS (
	UPDATE mailbox SET stored_messages = stored_messages +
	    (SELECT count(*) FROM pair)
	WHERE account_id = $1 AND id = $4 AND uidvalidity = $5
)
INSERT INTO placement (application_id, account_id, mailbox_id, uidvalidity,
    uid, email_id, flags)
SELECT $2, $1, $4, $5, uid, email_id, string_to_array(flag_words, ' ')
FROM pair RETURNING uid, email_id;

-- Places messages with emails without a hash that they are alike to and that
-- lie nowhere: have no placement, or only such as the server does not have any
-- more (`gone`). What lies somewhere could be another one that looks the same.
-- Of several such emails those that went last come first, and the newest
-- message takes the first; each is taken once. Gives the emails, to be settled.
-- name: move_place_alike :many
-- args: account account, id application, id credential, id mailbox,
-- args: int uidvalidity, ints uids, texts flags, ints sizes, times received,
-- args: texts message_ids, texts subjects, texts froms, texts tos, times sent,
-- args: texts structures, ids gone
-- row:  moved
WITH folder AS MATERIALIZED (
	SELECT id FROM mailbox
	WHERE account_id = $1 AND credential_id = $3 AND id = $4
	AND uidvalidity = $5 FOR UPDATE
), fresh AS MATERIALIZED (
	SELECT u.*, row_number() OVER (PARTITION BY received_at, size_bytes,
	    message_id, subject, from_json, to_json, sent_at, structure
	    ORDER BY uid DESC) AS nth
	FROM folder, unnest($6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
	    AS u (uid, flag_words, size_bytes, received_at, message_id, subject,
	    from_json, to_json, sent_at, structure)
	WHERE (SELECT p.email_id FROM placement p WHERE p.account_id = $1
	    AND p.mailbox_id = $4 AND p.uidvalidity = $5 AND p.uid = u.uid)
	    IS NULL
), lost AS (
	SELECT unnest($16) AS id
	UNION
	SELECT e.id FROM email e
	WHERE e.account_id = $1 AND e.credential_id = $3
	AND e.received_at = ANY ($9) AND e.removed_at IS NOT NULL
	AND e.sha256 IS NULL AND e.server_email_id IS NULL
	AND (SELECT p.email_id FROM placement p
	    WHERE p.account_id = $1 AND p.email_id = e.id LIMIT 1) IS NULL
), known AS (
	SELECT e.*, row_number() OVER (PARTITION BY received_at, size_bytes,
	    message_id, subject, from_json, to_json, sent_at, structure
	    ORDER BY e.removed_at DESC NULLS FIRST, e.id DESC) AS nth
	FROM lost JOIN email e ON e.account_id = $1 AND e.id = lost.id
	WHERE e.credential_id = $3 AND e.sha256 IS NULL
	AND e.server_email_id IS NULL AND e.skip_reason IS NULL
), pair AS MATERIALIZED (
	SELECT f.uid, f.flag_words, k.id AS email_id
	FROM fresh f JOIN known k USING (received_at, size_bytes, nth)
	WHERE (f.message_id, f.subject, f.from_json, f.to_json, f.sent_at,
	    f.structure) IS NOT DISTINCT FROM (k.message_id, k.subject,
	    k.from_json, k.to_json, k.sent_at, k.structure)
), counted AS (
	UPDATE mailbox SET stored_messages = stored_messages +
	    (SELECT count(*) FROM pair)
	WHERE account_id = $1 AND id = $4 AND uidvalidity = $5
)
INSERT INTO placement (application_id, account_id, mailbox_id, uidvalidity,
    uid, email_id, flags)
SELECT $2, $1, $4, $5, uid, email_id, string_to_array(flag_words, ' ')
FROM pair RETURNING uid, email_id;

-- The hashes of messages; what was recorded first stays.
-- name: move_hash :exec
-- args: account account, ids emails, bytess hashes
UPDATE email e SET sha256 = h.sha256
FROM unnest($2, $3) AS h (id, sha256)
WHERE e.account_id = $1 AND e.id = h.id AND e.sha256 IS NULL;
