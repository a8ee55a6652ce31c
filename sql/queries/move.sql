-- Mail that was moved or copied to another folder, where the server has no id
-- for it: it is the same when its bytes are, by their SHA-256. Only emails
-- whose hash is known can be found so. Each sieve costs more for each message
-- than the one before, and lets fewer through.

-- Is there any email that could be found?
-- name: move_possible :value
-- args: account account, id credential
-- value: bool
SELECT EXISTS (SELECT FROM email WHERE account_id = $1 AND credential_id = $2
    AND sha256 IS NOT NULL);

-- Which of these messages are as large as one of them, and not placed yet.
-- name: move_by_size :many
-- args: account account, id credential, id mailbox, int uidvalidity,
-- args: ints uids, ints sizes
-- row:  move_uid
-- plan: custom
SELECT u.uid FROM unnest($5, $6) AS u (uid, size_bytes)
WHERE EXISTS (SELECT FROM email e WHERE e.account_id = $1
    AND e.credential_id = $2 AND e.size_bytes = u.size_bytes
    AND e.sha256 IS NOT NULL AND e.skip_reason IS NULL)
AND NOT EXISTS (SELECT FROM placement p WHERE p.account_id = $1
    AND p.mailbox_id = $3 AND p.uidvalidity = $4 AND p.uid = u.uid);

-- Which of these are alike in what an envelope says, too. (Not in when they
-- were received: not every server keeps that.)
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
-- takes its own, as far as there are any. Gives the emails, to be settled.
-- name: move_place :many
-- args: account account, id application, id credential, id mailbox,
-- args: int uidvalidity, ints uids, texts flags, ints sizes, bytess hashes
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
	WINDOW w AS (PARTITION BY e.size_bytes, e.sha256
	    ORDER BY e.removed_why IS DISTINCT FROM 'vanished', e.id DESC)
), pair AS MATERIALIZED (
	SELECT f.uid, f.flag_words, k.id AS email_id
	FROM fresh f JOIN known k USING (size_bytes, hash)
	WHERE k.nth = 1 + (f.nth - 1) % k.n
), counted AS (
	UPDATE mailbox SET stored_messages = stored_messages +
	    (SELECT count(*) FROM pair)
	WHERE account_id = $1 AND id = $4 AND uidvalidity = $5
)
INSERT INTO placement (application_id, account_id, mailbox_id, uidvalidity,
    uid, email_id, flags)
SELECT $2, $1, $4, $5, uid, email_id, string_to_array(flag_words, ' ')
FROM pair RETURNING uid, email_id;
