-- Holds: what is to be judged, what waits for review, and what is on its way.

-- Mail that has come into INBOX is to be judged; behind its ingest, in that
-- transaction, so that none is left out.
-- name: hold_arrive :exec
-- args: account account, id mailbox, ids emails, time? told
INSERT INTO hold (application_id, account_id, email_id, credential_id, state,
    why, told_at)
SELECT e.application_id, e.account_id, e.id, e.credential_id, 'due', 'policy',
    coalesce($4, now())
FROM mailbox b
JOIN credential c ON c.account_id = $1 AND c.id = b.credential_id
JOIN email e ON e.account_id = $1 AND e.id = ANY ($3)
WHERE b.account_id = $1 AND b.id = $2 AND b.special_use = 'inbox'
AND c.hold_policy <> 'off'
ON CONFLICT DO NOTHING;

-- Mail that a server's rule, or a person with another mail program, has put into
-- the quarantine.
-- name: hold_take :exec
-- args: account account, id credential, id mailbox
INSERT INTO hold (application_id, account_id, email_id, credential_id, state,
    why)
SELECT DISTINCT p.application_id, p.account_id, p.email_id, $2, 'due',
    'quarantine'
FROM mailbox b
JOIN placement p ON p.account_id = $1 AND p.mailbox_id = b.id
    AND p.uidvalidity = b.uidvalidity
WHERE b.account_id = $1 AND b.id = $3 AND b.credential_id = $2
AND NOT '\Deleted' = ANY (p.flags)
AND NOT EXISTS (SELECT FROM hold h WHERE h.account_id = $1
    AND h.email_id = p.email_id AND h.state NOT IN ('passed', 'released'))
ON CONFLICT (account_id, email_id) DO UPDATE SET state = 'due',
    why = 'quarantine', told_at = now(), ended_at = NULL, sha256 = NULL,
    edited_sha256 = NULL, edited_message_id = NULL, edited_subject = NULL,
    edited_text = NULL, edited_html = NULL, edited_by = NULL, edited_at = NULL,
    removed_files = NULL, decided_by = NULL, decided_at = NULL,
    target_mailbox_id = NULL, strip_attachments = false;

-- What was held or discarded lies in INBOX again: another program has put it
-- there, or the same bytes came once more.
-- name: hold_return :exec
-- args: account account, id credential
UPDATE hold h SET state = 'due', why = 'again', told_at = now(),
    ended_at = NULL
WHERE h.account_id = $1 AND h.credential_id = $2
AND h.state IN ('held', 'discarded')
AND EXISTS (SELECT FROM placement p
    JOIN mailbox b ON b.account_id = $1 AND b.id = p.mailbox_id
    AND b.uidvalidity = p.uidvalidity
    WHERE p.account_id = $1 AND p.email_id = h.email_id
    AND b.special_use = 'inbox' AND b.removed_at IS NULL
    AND NOT '\Deleted' = ANY (p.flags));

-- The folder that held mail is moved to. One of that name below INBOX is as
-- good: some servers have no others.
-- name: hold_quarantine :maybe
-- args: account account, id credential
-- row:  hold_folder
SELECT b.id, b.name, b.wire_name, b.uidvalidity
FROM credential c
JOIN mailbox b ON b.account_id = $1 AND b.credential_id = c.id
WHERE c.account_id = $1 AND c.id = $2 AND b.removed_at IS NULL
AND b.is_selectable
AND b.name IN (c.quarantine_folder,
    'INBOX' || b.delimiter || c.quarantine_folder)
ORDER BY b.name <> c.quarantine_folder, b.id LIMIT 1;

-- INBOX, and how its names are divided.
-- name: hold_inbox :maybe
-- args: account account, id credential
-- row:  hold_folder
SELECT id, name, wire_name, uidvalidity, delimiter FROM mailbox
WHERE account_id = $1 AND credential_id = $2 AND special_use = 'inbox'
AND removed_at IS NULL
ORDER BY id LIMIT 1;

-- Where a decision leads to: this folder, or INBOX.
-- name: hold_target :maybe
-- args: account account, id credential, id? mailbox
-- row:  hold_folder
SELECT id, name, wire_name, uidvalidity FROM mailbox
WHERE account_id = $1 AND credential_id = $2 AND removed_at IS NULL
AND is_selectable
AND CASE WHEN $3 IS NULL THEN special_use = 'inbox' ELSE id = $3 END
ORDER BY id LIMIT 1;

-- What is to be done on the server, by email. While something is on its way,
-- at_* is where it began; else where the email lies now, INBOX first for what
-- is to be held, the quarantine for what is to leave it; 0: nowhere.
-- name: hold_work :many
-- args: account account, id credential, id after, bool given, int most
-- row:  hold_work
SELECT h.email_id, h.state, h.why, h.sha256,
    coalesce(h.size_bytes, e.size_bytes) AS size_bytes, e.received_at,
    coalesce(p.flags, h.flags) AS flags, h.is_visible,
    a.id AS at_mailbox_id, a.name AS at_name, a.wire_name AS at_wire,
    coalesce(p.uidvalidity, h.at_uidvalidity) AS at_uidvalidity,
    coalesce(p.uid, h.at_uid) AS at_uid, a.special_use AS at_use,
    t.id AS to_mailbox_id, t.name AS to_name, t.wire_name AS to_wire,
    h.to_uidvalidity, h.to_uidnext, h.to_uid,
    g.id AS target_mailbox_id, g.name AS target_name,
    g.wire_name AS target_wire,
    h.edited_subject, h.edited_text, h.edited_html, h.strip_attachments,
    h.edited_sha256, h.edited_message_id
FROM (SELECT * FROM hold
    WHERE account_id = $1 AND credential_id = $2 AND email_id > $3
    AND state IN ('due', 'moving', 'releasing', 'filed')
    AND (NOT $4 OR EXISTS (SELECT FROM given_held v
        WHERE v.account_id = $1 AND v.email_id = hold.email_id))
    ORDER BY email_id LIMIT $5) AS h
JOIN email e ON e.account_id = $1 AND e.id = h.email_id
LEFT JOIN LATERAL (SELECT x.mailbox_id, x.uidvalidity, x.uid, x.flags
    FROM placement x
    JOIN mailbox b ON b.account_id = $1 AND b.id = x.mailbox_id
    AND b.uidvalidity = x.uidvalidity AND b.removed_at IS NULL
    WHERE x.account_id = $1 AND x.email_id = h.email_id
    AND h.to_mailbox_id IS NULL
    AND (h.state = 'due' OR x.mailbox_id = h.at_mailbox_id)
    ORDER BY CASE WHEN h.why = 'hand' THEN x.mailbox_id <> e.mailbox_id END,
        b.special_use IS DISTINCT FROM 'inbox', b.id, x.uid DESC LIMIT 1)
    AS p ON true
LEFT JOIN mailbox a ON a.account_id = $1 AND a.id = CASE
    WHEN h.to_mailbox_id IS NULL THEN p.mailbox_id ELSE h.at_mailbox_id END
LEFT JOIN mailbox t ON t.account_id = $1 AND t.id = h.to_mailbox_id
LEFT JOIN mailbox g ON g.account_id = $1 AND g.id = h.target_mailbox_id
ORDER BY h.email_id;

-- Is there anything to do at all?
-- name: hold_waits :value
-- args: account account, id credential
-- value: bool
SELECT EXISTS (SELECT FROM hold WHERE account_id = $1 AND credential_id = $2
    AND state IN ('due', 'moving', 'releasing', 'filed'));

-- UIDs of a folder from this one on that belong to other emails.
-- name: hold_taken :value
-- args: account account, id mailbox, int uidvalidity, int uid, id email
-- value: bool
SELECT EXISTS (SELECT FROM placement p WHERE p.account_id = $1
    AND p.mailbox_id = $2 AND p.uidvalidity = $3 AND p.uid = $4
    AND p.email_id <> $5);

-- It was gone before it could be held: whoever took it has it.
-- name: hold_gone :exec
-- args: account account, id email
DELETE FROM hold
WHERE account_id = $1 AND email_id = $2 AND state IN ('due', 'moving');

-- Judged, and let through. What there is to say of it is kept.
-- name: hold_pass :exec
-- args: account account, id email, int4 score, texts keywords, texts tags,
-- args: bytes sha256
WITH e AS (
	UPDATE email SET sha256 = coalesce(sha256, $6)
	WHERE account_id = $1 AND id = $2
)
UPDATE hold SET state = 'passed', risk_score = $3, keywords = $4, tags = $5
WHERE account_id = $1 AND email_id = $2 AND state = 'due';

-- name: hold_forget :exec
-- args: account account, id email
DELETE FROM hold
WHERE account_id = $1 AND email_id = $2 AND state = 'passed';

-- Its bytes are kept, and it is about to be moved (no to_*: it lies in the
-- quarantine already).
-- name: hold_intend :must
-- args: account account, id email, text why, bytes sha256, int size,
-- args: texts flags, text? preview, int4 score, texts keywords, texts tags,
-- args: id at_mailbox, int at_uidvalidity, int at_uid,
-- args: id? to_mailbox, int? to_uidvalidity, int? to_uidnext
UPDATE hold SET state = 'moving', why = $3, sha256 = $4, size_bytes = $5,
    flags = $6, preview = $7, risk_score = $8, keywords = $9, tags = $10,
    original_mailbox_id = coalesce(original_mailbox_id, $11),
    original_uid = coalesce(original_uid, $13),
    at_mailbox_id = $11, at_uidvalidity = $12, at_uid = $13,
    to_mailbox_id = $14, to_uidvalidity = $15, to_uidnext = $16, to_uid = NULL,
    bytes_gone_at = NULL
WHERE account_id = $1 AND email_id = $2 AND state IN ('due', 'moving');

-- The copy that was made, before the original goes.
-- name: hold_copied :must
-- args: account account, id email, int uid
UPDATE hold SET to_uid = $3
WHERE account_id = $1 AND email_id = $2
AND state IN ('moving', 'releasing', 'filed');

-- A move that did not begin.
-- name: hold_due_again :exec
-- args: account account, id email
UPDATE hold SET state = 'due', to_mailbox_id = NULL, to_uidvalidity = NULL,
    to_uidnext = NULL, to_uid = NULL
WHERE account_id = $1 AND email_id = $2 AND state = 'moving';

-- An email lies somewhere else now: its place moves, and the counts of both
-- folders. `stays`: the old place is left, marked as deleted. A place that was
-- taken for another email's meanwhile is this one's.
-- name: hold_place :exec
-- args: account account, id email, id? from_mailbox, int? from_uidvalidity,
-- args: int? from_uid, bool stays, id to_mailbox, int to_uidvalidity,
-- args: int to_uid, texts flags
WITH gone AS (
	DELETE FROM placement
	WHERE account_id = $1 AND email_id = $2 AND mailbox_id = $3
	AND uidvalidity = $4 AND uid = $5 AND NOT $6
	RETURNING skip_reason
), marked AS (
	UPDATE placement SET flags = ARRAY(SELECT f
	    FROM (SELECT unnest(flags) AS f UNION SELECT '\Deleted') AS u
	    ORDER BY f COLLATE "C")
	WHERE account_id = $1 AND email_id = $2 AND mailbox_id = $3
	AND uidvalidity = $4 AND uid = $5 AND $6
), less AS (
	UPDATE mailbox SET stored_messages = stored_messages - g.stored,
	    skipped_messages = skipped_messages - g.skipped,
	    server_messages = greatest(0, server_messages - g.n)
	FROM (SELECT count(*) AS n, count(skip_reason) AS skipped,
	    count(*) - count(skip_reason) AS stored FROM gone) AS g
	WHERE account_id = $1 AND id = $3 AND g.n > 0
), placed AS (
	INSERT INTO placement (application_id, account_id, mailbox_id,
	    uidvalidity, uid, email_id, flags)
	SELECT e.application_id, $1, $7, $8, $9, e.id, $10
	FROM email e WHERE e.account_id = $1 AND e.id = $2
	ON CONFLICT (account_id, mailbox_id, uidvalidity, uid)
	    DO UPDATE SET email_id = excluded.email_id
	RETURNING xmax = 0 AS is_new
)
UPDATE mailbox SET stored_messages = stored_messages + 1,
    server_messages = server_messages + 1
FROM placed
WHERE account_id = $1 AND id = $7 AND uidvalidity = $8 AND placed.is_new;

-- Whose place that was, to be settled too.
-- name: hold_place_owner :value
-- args: account account, id mailbox, int uidvalidity, int uid
-- value: int
SELECT coalesce((SELECT email_id FROM placement WHERE account_id = $1
    AND mailbox_id = $2 AND uidvalidity = $3 AND uid = $4), 0);

-- It waits for review from here on; nobody else has seen it since `ms` ago.
-- name: hold_held :must
-- args: account account, id email, bool visible, int ms
WITH h AS (
	UPDATE hold SET state = 'held', held_at = now(),
	    latency_ms = least(2147483647, greatest(0, extract(epoch
	        FROM clock_timestamp() - told_at) * 1000 - $4))::int,
	    at_mailbox_id = coalesce(to_mailbox_id, at_mailbox_id),
	    at_uidvalidity = coalesce(to_uidvalidity, at_uidvalidity),
	    at_uid = coalesce(to_uid, at_uid),
	    to_mailbox_id = NULL, to_uidvalidity = NULL, to_uidnext = NULL,
	    to_uid = NULL, is_visible = $3, ended_at = NULL,
	    error_code = NULL, error_detail = NULL
	WHERE account_id = $1 AND email_id = $2 AND state = 'moving'
	RETURNING sha256, preview
)
UPDATE email e SET interception_status = 'HELD', status = 'HELD',
    sha256 = coalesce(e.sha256, h.sha256),
    snippet = coalesce(e.snippet, h.preview), updated_at = now()
FROM h WHERE e.account_id = $1 AND e.id = $2;

-- A decision is about to be carried out.
-- name: hold_leave :must
-- args: account account, id email, bytes edited_sha256, text? message_id,
-- args: texts removed_files, texts flags, id? at_mailbox,
-- args: int? at_uidvalidity, int? at_uid, id to_mailbox, int to_uidvalidity,
-- args: int to_uidnext
UPDATE hold SET edited_sha256 = $3, edited_message_id = $4, removed_files = $5,
    flags = $6, at_mailbox_id = $7, at_uidvalidity = $8, at_uid = $9,
    to_mailbox_id = $10, to_uidvalidity = $11, to_uidnext = $12, to_uid = NULL
WHERE account_id = $1 AND email_id = $2 AND state = 'releasing';

-- An edited form lies at its target.
-- name: hold_filed :must
-- args: account account, id email, int uid
UPDATE hold SET state = 'filed', to_uid = $3
WHERE account_id = $1 AND email_id = $2 AND state = 'releasing';

-- What the email is from here on: an edited form. Its thread; 0: none.
-- name: hold_form :value
-- args: account account, id email, text? message_id, text? subject,
-- args: text? structure, bool has_attachments, int size, text? server_id
-- value: int
WITH h AS (
	SELECT email_id, edited_sha256 FROM hold
	WHERE account_id = $1 AND email_id = $2 AND state = 'filed'
), parts AS (
	DELETE FROM email_part WHERE account_id = $1 AND email_id = $2
)
UPDATE email e SET message_id = $3, subject = $4, structure = $5,
    has_attachments = $6, size_bytes = $7,
    server_email_id = coalesce($8, e.server_email_id),
    sha256 = h.edited_sha256, snippet = NULL, text_due = true,
    updated_at = now()
FROM h WHERE e.account_id = $1 AND e.id = $2
RETURNING coalesce(e.thread_id, 0);

-- The same where the server does not show it any more.
-- name: hold_form_lost :exec
-- args: account account, id email
UPDATE email e SET message_id = h.edited_message_id, sha256 = h.edited_sha256,
    updated_at = now()
FROM hold h
WHERE e.account_id = $1 AND e.id = $2 AND h.account_id = $1
AND h.email_id = $2 AND h.state = 'filed';

-- name: hold_released :must
-- args: account account, id email, bool visible
WITH h AS (
	UPDATE hold SET state = 'released', ended_at = now(),
	    at_mailbox_id = to_mailbox_id, at_uidvalidity = to_uidvalidity,
	    at_uid = to_uid, to_mailbox_id = NULL, to_uidvalidity = NULL,
	    to_uidnext = NULL, to_uid = NULL, is_visible = $3,
	    error_code = NULL, error_detail = NULL
	WHERE account_id = $1 AND email_id = $2
	AND state IN ('releasing', 'filed')
	RETURNING email_id
)
UPDATE email e SET interception_status = 'RELEASED', status = 'DELIVERED',
    updated_at = now()
FROM h WHERE e.account_id = $1 AND e.id = h.email_id;

-- A decision that the mail server did not take: it waits for review again.
-- name: hold_refused :must
-- args: account account, id email, text code, text? detail
UPDATE hold SET state = 'held', error_code = $3, error_detail = $4,
    at_mailbox_id = coalesce(at_mailbox_id, original_mailbox_id),
    to_mailbox_id = NULL, to_uidvalidity = NULL, to_uidnext = NULL,
    to_uid = NULL, target_mailbox_id = NULL, strip_attachments = false,
    edited_sha256 = NULL, edited_message_id = NULL, removed_files = NULL,
    decided_by = NULL, decided_at = NULL
WHERE account_id = $1 AND email_id = $2 AND state = 'releasing';

-- What has waited as long as the account wants. What was edited is not let go
-- without the second person whom the account asks for.
-- name: hold_expired :many
-- args: account account, id credential, int most
-- row:  hold_expired
SELECT h.email_id, r.hold_expiry_action = 'release' AS is_release
FROM hold h
JOIN review_setting r ON r.account_id = $1
WHERE h.account_id = $1 AND h.credential_id = $2 AND h.state = 'held'
AND h.held_at < now() - make_interval(days => r.hold_expiry_days)
AND NOT (r.hold_expiry_action = 'release' AND r.review_policy = 'four_eyes'
    AND (h.edited_subject IS NOT NULL OR h.edited_text IS NOT NULL
        OR h.edited_html IS NOT NULL))
ORDER BY h.email_id LIMIT $3;

-- What ended `keep` seconds ago, and where the quarantine has what was
-- discarded; nowhere, where it was released.
-- name: hold_over :many
-- args: account account, id credential, int4 keep, int most
-- row:  hold_work
SELECT h.email_id, h.state, h.why, h.sha256, h.size_bytes, e.received_at,
    a.id AS at_mailbox_id, a.name AS at_name, a.wire_name AS at_wire,
    p.uidvalidity AS at_uidvalidity, p.uid AS at_uid, h.edited_sha256
FROM (SELECT * FROM hold
    WHERE account_id = $1 AND credential_id = $2 AND bytes_gone_at IS NULL
    AND ended_at < now() - make_interval(secs => $3)
    AND state IN ('released', 'discarded')
    ORDER BY ended_at LIMIT $4) AS h
JOIN email e ON e.account_id = $1 AND e.id = h.email_id
LEFT JOIN LATERAL (SELECT x.mailbox_id, x.uidvalidity, x.uid
    FROM placement x
    JOIN mailbox b ON b.account_id = $1 AND b.id = x.mailbox_id
    AND b.uidvalidity = x.uidvalidity AND b.removed_at IS NULL
    WHERE x.account_id = $1 AND x.email_id = h.email_id
    AND x.mailbox_id = h.at_mailbox_id AND h.state = 'discarded'
    ORDER BY x.uid DESC LIMIT 1) AS p ON true
LEFT JOIN mailbox a ON a.account_id = $1 AND a.id = p.mailbox_id;

-- name: hold_bytes_gone :must
-- args: account account, id email
UPDATE hold SET bytes_gone_at = now()
WHERE account_id = $1 AND email_id = $2
AND state IN ('released', 'discarded');

-- Does any hold need these bytes, or mail that is sent?
-- name: hold_uses :value
-- args: account account, bytes sha256
-- value: bool
SELECT EXISTS (SELECT FROM hold WHERE account_id = $1 AND sha256 = $2
        AND bytes_gone_at IS NULL)
    OR EXISTS (SELECT FROM hold WHERE account_id = $1 AND edited_sha256 = $2
        AND bytes_gone_at IS NULL)
    OR EXISTS (SELECT FROM submission
        WHERE account_id = $1 AND raw_sha256 = $2);

-- What happened to it, for programs that listen; in the transaction of the
-- change.
-- name: hold_event :exec
-- args: account account, id email, text name
INSERT INTO event (application_id, account_id, name, data, user_id)
SELECT e.application_id, e.account_id, $3, json_build_object(
    'email_id', e.id, 'credential_id', e.credential_id,
    'subject', left(e.subject, 998),
    'from', CASE WHEN length(e.from_json) <= 4000 THEN e.from_json::json END,
    'status', e.interception_status, 'reason', h.why,
    'risk_score', h.risk_score, 'edited', h.edited_sha256 IS NOT NULL,
    'latency_ms', h.latency_ms, 'by', h.decided_by), c.user_id
FROM email e
JOIN hold h ON h.account_id = $1 AND h.email_id = e.id
JOIN credential c ON c.account_id = $1 AND c.id = e.credential_id
WHERE e.account_id = $1 AND e.id = $2;

-- Of the last day, but for what is held now; -1: nothing was held.
-- name: hold_figures :one
-- row:  hold_figures
-- scope: global: numbers for a monitor
SELECT held, released, coalesce(latency_ms, -1) AS latency_ms
FROM hold_figures();
