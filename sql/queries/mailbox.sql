-- Folders of the mail accounts that a caller may see, with their ledgers.
-- name: mailbox_list :many
-- args: account account, int user, id? credential, id after, int skip,
-- args: int most
-- row:  mailbox
SELECT id, account_id, credential_id, name, delimiter, special_use,
    attributes, is_selectable, uidvalidity, uid_next, highestmodseq,
    server_messages, server_unseen, stored_messages, skipped_messages,
    CASE WHEN skipped_messages > 0 THEN (SELECT json_object_agg(reason, n)
        FROM (SELECT p.skip_reason AS reason, count(*) AS n
            FROM placement p
            WHERE p.account_id = $1 AND p.mailbox_id = m.id
            AND p.skip_reason IS NOT NULL
            GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 20) AS r) END AS skipped_reasons,
    server_messages - stored_messages - skipped_messages AS missing_messages,
    last_sync_at, last_error_code, last_error_detail, created_at, updated_at
FROM mailbox m
WHERE account_id = $1 AND removed_at IS NULL AND id > $4
AND ($3 IS NULL OR credential_id = $3)
AND EXISTS (SELECT FROM credential c WHERE c.account_id = $1
    AND c.id = m.credential_id AND (c.user_id IS NULL OR c.user_id = $2))
ORDER BY id
LIMIT $6 OFFSET $5;

-- The same, counted; stops at 10,001.
-- name: mailbox_count :value
-- args: account account, int user, id? credential
-- value: int
SELECT count(*) FROM (
    SELECT FROM mailbox m
    WHERE account_id = $1 AND removed_at IS NULL
    AND ($3 IS NULL OR credential_id = $3)
    AND EXISTS (SELECT FROM credential c WHERE c.account_id = $1
        AND c.id = m.credential_id AND (c.user_id IS NULL OR c.user_id = $2))
    LIMIT 10001) AS capped;

-- The folders of one, or its INBOX, as the sync needs them.
-- name: mailbox_cursors :many
-- args: account account, id credential, bool inbox
-- row:  mailbox_cursor
SELECT id, name, wire_name, delimiter, special_use, attributes,
    is_selectable, uidvalidity, uid_next, uid_low, news_from, highestmodseq,
    server_messages, server_unseen, stored_messages, skipped_messages,
    flags_at, EXISTS (SELECT FROM placement p
        WHERE p.account_id = $1 AND p.mailbox_id = m.id
        AND p.uidvalidity < m.uidvalidity)
    OR EXISTS (SELECT FROM placement p
        WHERE p.account_id = $1 AND p.mailbox_id = m.id
        AND p.uidvalidity > m.uidvalidity) AS is_stale,
    missing_since IS NOT NULL AS is_missing,
    coalesce(missing_since < now() - interval '5 minutes', false) AS is_overdue,
    EXISTS (SELECT FROM placement p
        WHERE p.account_id = $1 AND p.mailbox_id = m.id
        AND p.uidvalidity = m.uidvalidity AND p.uid < m.uid_low)
    OR EXISTS (SELECT FROM placement p
        WHERE p.account_id = $1 AND p.mailbox_id = m.id
        AND p.uidvalidity = m.uidvalidity AND p.uid >= m.uid_next)
        AS is_waiting,
    skipped_messages > 0 AND coalesce(skips_tried_at < now()
        - interval '1 day', false) AS skips_due,
    texts_missed_from IS NOT NULL AS texts_missed
FROM mailbox m
WHERE account_id = $1 AND credential_id = $2 AND removed_at IS NULL
AND (NOT $3 OR special_use = 'inbox')
ORDER BY special_use IS DISTINCT FROM 'inbox', name, id;

-- name: mailbox_add :value
-- args: account account, id application, id credential, str name,
-- args: str wire_name, text? delimiter, text? special_use, texts attributes,
-- args: bool is_selectable
-- value: int
INSERT INTO mailbox (application_id, account_id, credential_id, name,
    wire_name, delimiter, special_use, attributes, is_selectable)
VALUES ($2, $1, $3, $4, $5, $6, $7, $8, $9)
RETURNING id;

-- What LIST says of a known folder; also its new name, where it was renamed.
-- name: mailbox_describe :must
-- args: account account, id id, str name, str wire_name, text? delimiter,
-- args: text? special_use, texts attributes, bool is_selectable
UPDATE mailbox SET name = $3, wire_name = $4, delimiter = $5,
    special_use = $6, attributes = $7, is_selectable = $8,
    missing_since = NULL, updated_at = now()
WHERE account_id = $1 AND id = $2;

-- A whole LIST does not name the folder. It is removed when a later one does
-- not either.
-- name: mailbox_miss :must
-- args: account account, id id
UPDATE mailbox SET missing_since = coalesce(missing_since, now())
WHERE account_id = $1 AND id = $2 AND removed_at IS NULL;

-- The folder is no longer on the server. Its mail goes with
-- placement_expunge_removed.
-- name: mailbox_remove :must
-- args: account account, id id
UPDATE mailbox SET removed_at = now(), updated_at = now()
WHERE account_id = $1 AND id = $2 AND removed_at IS NULL;

-- What the server says of folders that need no more: looked at, nothing new.
-- name: mailbox_unchanged :exec
-- args: account account, ids ids, ints messages, ints unseen, ints uidnext
UPDATE mailbox m SET server_messages = coalesce(s.messages, m.server_messages),
    server_unseen = coalesce(s.unseen, m.server_unseen),
    server_uidnext = coalesce(s.uidnext, m.server_uidnext),
    last_sync_at = now(), refused_since = NULL,
    last_error_code = NULL, last_error_detail = NULL
FROM unnest($2, $3, $4, $5) AS s (id, messages, unseen, uidnext)
WHERE m.account_id = $1 AND m.id = s.id;

-- So many more messages lie there than the last look has seen.
-- name: mailbox_grows :exec
-- args: account account, id id, int messages
UPDATE mailbox SET server_messages = server_messages + $3
WHERE account_id = $1 AND id = $2;

-- A folder begins, or begins anew: the cursor of a UIDVALIDITY. What was
-- placed under another one stays until it is matched or the walk has ended.
-- name: mailbox_begin :must
-- args: account account, id id, int uidvalidity, int uid_next, int? modseq
UPDATE mailbox m SET uidvalidity = $3, uid_next = $4, uid_low = $4,
    news_from = $4,
    highestmodseq = $5, suspect_uid = NULL,
    stored_messages = n.stored, skipped_messages = n.skipped
FROM (SELECT count(*) FILTER (WHERE skip_reason IS NULL) AS stored,
    count(skip_reason) AS skipped
    FROM placement WHERE account_id = $1 AND mailbox_id = $2
    AND uidvalidity = $3) n
WHERE account_id = $1 AND id = $2;

-- Moves the cursor; NULL leaves what it was.
-- name: mailbox_move_cursor :must
-- args: account account, id id, int uidvalidity, int? uid_next, int? uid_low,
-- args: int? modseq
UPDATE mailbox SET uid_next = coalesce($4, uid_next),
    uid_low = coalesce($5, uid_low), highestmodseq = coalesce($6, highestmodseq)
WHERE account_id = $1 AND id = $2 AND uidvalidity = $3;

-- The folder is in step with the server; how many messages of it are stored or
-- skipped.
-- name: mailbox_in_step :value
-- args: account account, id id, int uidvalidity, int? modseq, int messages,
-- args: int? unseen, bool flags_compared
-- value: int
UPDATE mailbox SET highestmodseq = $4, server_messages = $5,
    server_unseen = coalesce($6, server_unseen),
    server_uidnext = uid_next, last_sync_at = now(), refused_since = NULL,
    flags_at = CASE WHEN $7 THEN now() ELSE flags_at END,
    skips_tried_at = CASE WHEN skipped_messages > 0
        THEN coalesce(skips_tried_at, now()) END,
    last_error_code = NULL, last_error_detail = NULL
WHERE account_id = $1 AND id = $2 AND uidvalidity = $3
RETURNING stored_messages + skipped_messages;

-- The server says that there is no such folder, though it lists one. For a
-- day?
-- name: mailbox_refuse :value
-- args: account account, id id
-- value: bool
UPDATE mailbox SET refused_since = coalesce(refused_since, now())
WHERE account_id = $1 AND id = $2
RETURNING refused_since < now() - interval '1 day';

-- There is nothing in it any more, whatever it was.
-- name: mailbox_close :must
-- args: account account, id id
UPDATE mailbox SET uidvalidity = NULL, uid_next = 1, uid_low = 1,
    highestmodseq = NULL, server_messages = 0, server_unseen = 0,
    stored_messages = 0, skipped_messages = 0
WHERE account_id = $1 AND id = $2;

-- name: mailbox_failed :exec
-- args: account account, id id, text code, text? detail, int? messages
UPDATE mailbox SET last_error_code = $3, last_error_detail = $4,
    server_messages = coalesce($5, server_messages)
WHERE account_id = $1 AND id = $2;

-- The connection broke at this message, and it is the message: in how many
-- runs so far, of which two within a minute are one.
-- name: mailbox_suspect :value
-- args: account account, id id, int uidvalidity, int uid
-- value: int
UPDATE mailbox SET suspect_uid = $4,
    suspect_times = CASE WHEN suspect_uid IS DISTINCT FROM $4 THEN 1
        WHEN suspect_at > now() - interval '1 minute' THEN suspect_times
        ELSE suspect_times + 1 END,
    suspect_at = CASE WHEN suspect_uid IS DISTINCT FROM $4
        OR suspect_at <= now() - interval '1 minute' THEN now()
        ELSE suspect_at END
WHERE account_id = $1 AND id = $2 AND uidvalidity = $3
RETURNING suspect_times;

-- Frees a folder's name: while others are renamed in the same transaction, or
-- since another has it now. U+E000 in modified UTF-7 and the id: nobody's name,
-- and one that a server can be asked for.
-- name: mailbox_park :must
-- args: account account, id id
UPDATE mailbox SET wire_name = '&4AA-' || id
WHERE account_id = $1 AND id = $2;

-- How many messages of a folder are stored or skipped.
-- name: mailbox_held :value
-- args: account account, id id
-- value: int
SELECT stored_messages + skipped_messages FROM mailbox
WHERE account_id = $1 AND id = $2;

-- What the cursors of an account's folders (or of one) say is no longer to be
-- trusted: their mail is kept under a UIDVALIDITY that no server has, until
-- the next walk has matched it.
-- name: mailbox_set_apart :exec
-- args: account account, id credential, id? mailbox
WITH v AS MATERIALIZED (SELECT -nextval('mailbox_id_seq') AS apart),
old AS MATERIALIZED (
	SELECT id, uidvalidity, apart FROM mailbox, v
	WHERE account_id = $1 AND credential_id = $2
	AND ($3 IS NULL OR id = $3) AND uidvalidity > 0
	FOR UPDATE OF mailbox
), b AS (
	UPDATE mailbox m SET uidvalidity = old.apart, highestmodseq = NULL
	FROM old WHERE m.account_id = $1 AND m.id = old.id
)
UPDATE placement p SET uidvalidity = old.apart FROM old
WHERE p.account_id = $1 AND p.mailbox_id = old.id
AND p.uidvalidity = old.uidvalidity;
