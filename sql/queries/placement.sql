-- What the sync writes: where emails lie, and emails themselves as a server
-- tells of them. All of it runs under a job's lease. What takes arrays is
-- planned each time but where it says why not: a plan made while the tables were
-- empty would read all of them for each row.

-- The UIDs that are known of a folder, as ranges.
-- name: placement_ranges :many
-- args: account account, id mailbox, int uidvalidity
-- row:  uid_range
SELECT min(uid) AS first, max(uid) AS last
FROM (SELECT uid, uid - row_number() OVER (ORDER BY uid) AS island
    FROM placement
    WHERE account_id = $1 AND mailbox_id = $2 AND uidvalidity = $3) AS p
GROUP BY island ORDER BY 1;

-- Stores a batch of messages of one folder. UIDs that are placed already are
-- left alone, so a batch may come twice; a first sync, which finds none of
-- them between `low` and `high`, does not look for each. A message whose
-- server_email_id is known joins that email; the others become new ones. Moves the cursor (NULL leaves it), folder's and
-- account's counts in the same statement. Gives the emails that were joined:
-- email_settle them; and those that are new from the UID `news_from` on. Where
-- the folder is gone, nothing is written.
-- No two rows may share a server_email_id; has_ids tells that there is one.
-- Planned once: each of its look-ups names a whole key, so that an index is
-- right even where the tables are empty (tests/meta holds that against the
-- planner), and to plan it took as long as to write a hundred rows.
-- The arrays are unrolled side by side in one list of results: in FROM each of
-- them would be copied into a table of its own first.
-- The rows are to come newest first, so that the indexes grow at their ends
-- (migration 0036). Their ids count the other way: of mail that came in the
-- same second the later one is listed first.
-- name: placement_ingest :one
-- args: account account, id application, id credential, id mailbox,
-- args: int uidvalidity, int? uid_next, int? uid_low,
-- args: ints uids, texts flags, texts message_ids, texts in_reply_tos,
-- args: texts referencess, texts subjects, texts froms, texts tos, texts ccs,
-- args: texts bccs, texts reply_tos, times sent, times received, ints sizes,
-- args: bools attachments, texts structures, texts server_ids,
-- args: texts skip_reasons, int low, int high, bool has_ids, int news_from
-- row:  ingested
WITH folder AS MATERIALIZED (
	SELECT id FROM mailbox
	WHERE account_id = $1 AND credential_id = $3 AND id = $4
	AND uidvalidity = $5 FOR UPDATE
), fresh AS MATERIALIZED (
	SELECT NOT EXISTS (SELECT FROM placement p
	    WHERE p.account_id = $1 AND p.mailbox_id = $4
	    AND p.uidvalidity = $5 AND p.uid BETWEEN $26 AND $27) AS all_of_it
), joined AS MATERIALIZED (
	SELECT r.uid, string_to_array(r.words, ' ') AS flags, r.skip_reason,
	    known.id, false AS is_new, false AS is_read
	FROM (SELECT unnest($8) AS uid, unnest($9) AS words,
	        unnest($24) AS server_email_id, unnest($25) AS skip_reason
	    FROM folder WHERE $28) AS r,
	LATERAL (SELECT e.id FROM email e
	    WHERE e.account_id = $1 AND e.credential_id = $3
	    AND e.server_email_id = r.server_email_id
	    ORDER BY e.id LIMIT 1) AS known
	-- Not NOT EXISTS: as a join it would read all of the folder.
	WHERE (SELECT all_of_it FROM fresh)
	OR (SELECT p.email_id FROM placement p
	    WHERE p.account_id = $1 AND p.mailbox_id = $4
	    AND p.uidvalidity = $5 AND p.uid = r.uid) IS NULL
), numbers AS MATERIALIZED (
	SELECT ARRAY(SELECT nextval('email_id_seq')
	    FROM generate_series(1, cardinality($8)) ORDER BY 1 DESC) AS ids
	FROM folder
), made AS (
	INSERT INTO email (id, application_id, account_id, credential_id,
	    mailbox_id, uid, message_id, in_reply_to, "references", subject,
	    from_json, to_json, cc_json, bcc_json, reply_to_json, sent_at,
	    received_at, size_bytes, is_read, is_flagged, is_answered, is_draft,
	    flags, has_attachments, structure, server_email_id, skip_reason)
	SELECT id, $2, $1, $3, $4, uid, message_id, in_reply_to, refs, subject,
	    from_json, to_json, cc_json, bcc_json, reply_to_json, sent_at,
	    received_at, size_bytes, '\Seen' = ANY (flags),
	    '\Flagged' = ANY (flags), '\Answered' = ANY (flags),
	    '\Draft' = ANY (flags), flags, has_attachments, structure,
	    server_email_id, skip_reason
	FROM (SELECT unnest(ids) AS id, unnest($8) AS uid,
	        string_to_array(unnest($9), ' ') AS flags,
	        unnest($10) AS message_id, unnest($11) AS in_reply_to,
	        unnest($12) AS refs, unnest($13) AS subject,
	        unnest($14) AS from_json, unnest($15) AS to_json,
	        unnest($16) AS cc_json, unnest($17) AS bcc_json,
	        unnest($18) AS reply_to_json, unnest($19) AS sent_at,
	        unnest($20) AS received_at, unnest($21) AS size_bytes,
	        unnest($22) AS has_attachments, unnest($23) AS structure,
	        unnest($24) AS server_email_id, unnest($25) AS skip_reason
	    FROM numbers) AS r
	WHERE ((SELECT all_of_it FROM fresh)
	    OR (SELECT p.email_id FROM placement p
	        WHERE p.account_id = $1 AND p.mailbox_id = $4
	        AND p.uidvalidity = $5 AND p.uid = r.uid) IS NULL)
	AND (NOT $28 OR uid <> ALL (ARRAY(SELECT uid FROM joined)))
	RETURNING uid, flags, skip_reason, id, true AS is_new, is_read
), arrived AS MATERIALIZED (
	SELECT * FROM made UNION ALL SELECT * FROM joined
), placed AS (
	INSERT INTO placement (application_id, account_id, mailbox_id,
	    uidvalidity, uid, email_id, flags, skip_reason)
	SELECT $2, $1, $4, $5, uid, id, flags, skip_reason FROM arrived
), total AS MATERIALIZED (
	SELECT count(*) FILTER (WHERE skip_reason IS NULL) AS stored,
	    count(skip_reason) AS skipped,
	    count(*) FILTER (WHERE is_new) AS emails,
	    count(*) FILTER (WHERE is_new AND NOT is_read) AS unread,
	    array_agg(id) FILTER (WHERE NOT is_new) AS joined,
	    array_agg(id) FILTER (WHERE is_new AND uid >= $29) AS news
	FROM arrived
), counted AS (
	INSERT INTO counter (application_id, account_id, name, n)
	SELECT $2, $1, c.name, c.n
	FROM total t, LATERAL (VALUES ('emails', t.emails), ('unread', t.unread))
	    AS c (name, n)
	WHERE c.n > 0 ORDER BY c.name
	ON CONFLICT (account_id, name) DO UPDATE SET n = counter.n + excluded.n
)
UPDATE mailbox b SET uid_next = coalesce($6, uid_next),
    uid_low = coalesce($7, uid_low),
    stored_messages = stored_messages + t.stored,
    skipped_messages = skipped_messages + t.skipped
FROM total t
WHERE b.account_id = $1 AND b.id = $4 AND b.uidvalidity = $5
RETURNING t.stored, t.skipped, t.joined, t.news;

-- After a new UIDVALIDITY: places messages that are known from the old one.
-- One is known where size, both dates, Message-ID, subject, people and
-- structure are all the same; of several that are alike in all of that, the
-- newest takes the newest. Only what lay in this very folder is looked at. Gives
-- the emails, to be settled.
-- name: placement_rematch :many
-- args: account account, id application, id credential, id mailbox,
-- args: int uidvalidity, ints uids, texts flags, texts message_ids,
-- args: texts subjects, texts froms, texts tos, times sent, times received,
-- args: ints sizes, texts structures
-- row:  placed
-- plan: custom
WITH folder AS MATERIALIZED (
	SELECT id FROM mailbox
	WHERE account_id = $1 AND credential_id = $3 AND id = $4
	AND uidvalidity = $5 FOR UPDATE
), fresh AS (
	SELECT u.*, row_number() OVER (PARTITION BY received_at, size_bytes,
	    mark ORDER BY uid DESC) AS nth
	FROM (SELECT uid, flag_words, received_at, size_bytes,
	    md5(concat_ws(chr(31), message_id, subject, from_json, to_json,
	        extract(epoch FROM sent_at), structure)) AS mark
	    FROM folder, unnest($6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
	    AS u (uid, flag_words, message_id, subject, from_json, to_json,
	    sent_at, received_at, size_bytes, structure)
	    WHERE (SELECT p.email_id FROM placement p
	        WHERE p.account_id = $1 AND p.mailbox_id = $4
	        AND p.uidvalidity = $5 AND p.uid = u.uid) IS NULL) u
), known AS (
	SELECT k.*, row_number() OVER (PARTITION BY received_at, size_bytes,
	    mark ORDER BY uid DESC) AS nth
	FROM (SELECT p.email_id, p.uidvalidity, p.uid, e.received_at,
	    e.size_bytes, md5(concat_ws(chr(31), e.message_id, e.subject,
	        e.from_json, e.to_json, extract(epoch FROM e.sent_at),
	        e.structure)) AS mark
	    FROM email e
	    JOIN placement p ON p.account_id = $1 AND p.email_id = e.id
	        AND p.mailbox_id = $4 AND p.uidvalidity <> $5
	    WHERE e.account_id = $1 AND e.credential_id = $3
	    AND e.skip_reason IS NULL AND e.removed_why IS DISTINCT FROM 'vanished'
	    AND e.received_at IN (SELECT received_at FROM fresh)) k
), pair AS MATERIALIZED (
	SELECT f.uid, f.flag_words, k.email_id, k.uidvalidity AS old_uidvalidity,
	    k.uid AS old_uid
	FROM fresh f JOIN known k USING (received_at, size_bytes, mark, nth)
), gone AS (
	DELETE FROM placement p USING pair
	WHERE p.account_id = $1 AND p.mailbox_id = $4
	AND p.uidvalidity = pair.old_uidvalidity AND p.uid = pair.old_uid
), shown AS (
	UPDATE email e SET uid = pair.uid FROM pair
	WHERE e.account_id = $1 AND e.id = pair.email_id AND e.mailbox_id = $4
), counted AS (
	UPDATE mailbox SET stored_messages = stored_messages +
	    (SELECT count(*) FROM pair)
	WHERE account_id = $1 AND id = $4 AND uidvalidity = $5
)
INSERT INTO placement (application_id, account_id, mailbox_id, uidvalidity,
    uid, email_id, flags)
SELECT $2, $1, $4, $5, uid, email_id, string_to_array(flag_words, ' ')
FROM pair RETURNING email_id;

-- Flags as the server has them now. Gives the emails that differ.
-- name: placement_flag :many
-- args: account account, id mailbox, int uidvalidity, ints uids, texts flags
-- row:  placed
-- plan: custom
UPDATE placement p SET flags = string_to_array(r.words, ' ')
FROM unnest($4, $5) AS r (uid, words)
WHERE p.account_id = $1 AND p.mailbox_id = $2 AND p.uidvalidity = $3
AND p.uid = r.uid AND p.flags <> string_to_array(r.words, ' ')
RETURNING p.email_id;

-- The UIDs in these ranges are gone from the folder; at most `most` rows at a
-- time. Gives their emails.
-- name: placement_expunge :many
-- args: account account, id mailbox, int uidvalidity, ints firsts,
-- args: ints lasts, int most
-- row:  placed
-- plan: custom
WITH gone AS (
	DELETE FROM placement p USING (
	    SELECT x.uid FROM unnest($4, $5) AS r (first, last)
	    JOIN placement x ON x.account_id = $1 AND x.mailbox_id = $2
	    AND x.uidvalidity = $3 AND x.uid BETWEEN r.first AND r.last
	    LIMIT $6) AS d
	WHERE p.account_id = $1 AND p.mailbox_id = $2 AND p.uidvalidity = $3
	AND p.uid = d.uid
	RETURNING p.email_id, p.skip_reason
), counted AS (
	UPDATE mailbox SET stored_messages = stored_messages -
	    (SELECT count(*) FROM gone WHERE skip_reason IS NULL),
	    skipped_messages = skipped_messages -
	    (SELECT count(skip_reason) FROM gone)
	WHERE account_id = $1 AND id = $2 AND uidvalidity = $3
)
SELECT email_id FROM gone;

-- What a folder still has of an old UIDVALIDITY, when the walk has ended.
-- name: placement_expunge_stale :many
-- args: account account, id mailbox, int uidvalidity, int most
-- row:  placed
DELETE FROM placement p USING (
    SELECT x.uidvalidity, x.uid FROM placement x
    WHERE x.account_id = $1 AND x.mailbox_id = $2
    AND (x.uidvalidity < $3 OR x.uidvalidity > $3) LIMIT $4) AS d
WHERE p.account_id = $1 AND p.mailbox_id = $2
AND p.uidvalidity = d.uidvalidity AND p.uid = d.uid
RETURNING p.email_id;

-- What lies in folders that are gone.
-- name: placement_expunge_removed :many
-- args: account account, id credential, int most
-- row:  placed
DELETE FROM placement p USING (
    SELECT x.mailbox_id, x.uidvalidity, x.uid
    FROM mailbox b JOIN placement x ON x.account_id = $1
    AND x.mailbox_id = b.id
    WHERE b.account_id = $1 AND b.credential_id = $2
    AND b.removed_at IS NOT NULL LIMIT $3) AS d
WHERE p.account_id = $1 AND p.mailbox_id = d.mailbox_id
AND p.uidvalidity = d.uidvalidity AND p.uid = d.uid
RETURNING p.email_id;

-- Holds emails until the transaction ends. email_settle counts from what it
-- reads when it begins: whoever changes the same emails meanwhile (a user, a
-- deletion) would be counted twice, and undone.
-- name: email_hold :exec
-- args: account account, ids ids
SELECT FROM email WHERE account_id = $1 AND id = ANY ($2)
ORDER BY id FOR UPDATE;

-- Makes emails agree with their placements (email_hold them first): flags are the union of them,
-- changed by what a user wants and the server has not been told; the folder
-- shown is one they lie in; without a placement they have vanished, and come
-- back with a new one, unless a user deleted them.
-- name: email_settle :exec
-- args: account account, ids ids
-- plan: custom
WITH t AS MATERIALIZED (
	SELECT e.application_id, e.id, e.is_read, e.removed_at IS NULL AS was_there,
	    shown.mailbox_id, shown.uid,
	    ARRAY(SELECT f FROM (
	        SELECT unnest(p.flags) AS f FROM placement p
	        WHERE p.account_id = $1 AND p.email_id = e.id
	        UNION SELECT unnest(i.flags_add)) AS u
	        WHERE f <> ALL (coalesce(i.flags_remove, '{}')) ORDER BY f COLLATE "C")
	        AS flags
	FROM email e
	LEFT JOIN flag_intent i ON i.account_id = $1 AND i.email_id = e.id
	LEFT JOIN LATERAL (SELECT p.mailbox_id, p.uid FROM placement p
	    WHERE p.account_id = $1 AND p.email_id = e.id
	    ORDER BY p.mailbox_id = e.mailbox_id DESC NULLS LAST, p.mailbox_id,
	        p.uid DESC LIMIT 1) AS shown ON true
	WHERE e.account_id = $1 AND e.id = ANY ($2)
	AND e.credential_id IS NOT NULL
), changed AS (
	UPDATE email e SET
	    flags = CASE WHEN t.uid IS NULL THEN e.flags ELSE t.flags END,
	    is_read = CASE WHEN t.uid IS NULL THEN e.is_read
	        ELSE '\Seen' = ANY (t.flags) END,
	    is_flagged = CASE WHEN t.uid IS NULL THEN e.is_flagged
	        ELSE '\Flagged' = ANY (t.flags) END,
	    is_answered = CASE WHEN t.uid IS NULL THEN e.is_answered
	        ELSE '\Answered' = ANY (t.flags) END,
	    is_draft = CASE WHEN t.uid IS NULL THEN e.is_draft
	        ELSE '\Draft' = ANY (t.flags) END,
	    mailbox_id = t.mailbox_id, uid = t.uid,
	    -- in another folder it may be in a thread
	    thread_rule = CASE WHEN e.thread_rule <> 'none'
	        OR t.mailbox_id IS NOT DISTINCT FROM e.mailbox_id
	        THEN e.thread_rule END,
	    removed_at = CASE WHEN e.removed_why = 'deleted' THEN e.removed_at
	        WHEN t.uid IS NULL THEN coalesce(e.removed_at, now()) END,
	    removed_why = CASE WHEN e.removed_why = 'deleted' THEN 'deleted'
	        WHEN t.uid IS NULL THEN 'vanished' END,
	    updated_at = now()
	FROM t
	WHERE e.account_id = $1 AND e.id = t.id
	AND ((t.uid IS NOT NULL AND e.flags <> t.flags)
	    OR (t.mailbox_id, t.uid) IS DISTINCT FROM (e.mailbox_id, e.uid)
	    OR ((t.uid IS NULL) <> (e.removed_at IS NOT NULL)
	        AND e.removed_why IS DISTINCT FROM 'deleted'))
	RETURNING e.id, e.is_read, e.removed_at IS NULL AS is_there
), sums AS (
	SELECT application_id, sum(c.is_there::int - t.was_there::int) AS emails,
	    sum((c.is_there AND NOT c.is_read)::int
	        - (t.was_there AND NOT t.is_read)::int) AS unread
	FROM changed c JOIN t USING (id) GROUP BY 1
)
INSERT INTO counter (application_id, account_id, name, n)
SELECT application_id, $1, v.name, v.n
FROM sums, LATERAL (VALUES ('emails', emails), ('unread', unread)) AS v (name, n)
WHERE v.n <> 0 ORDER BY v.name
ON CONFLICT (account_id, name) DO UPDATE SET n = counter.n + excluded.n;

-- Placements in other folders than the one that an email is shown under are
-- marked as copies, one a folder; behind email_settle, where placements have
-- come or gone.
-- name: placement_mark_copies :exec
-- args: account account, ids emails
-- plan: custom
UPDATE placement p SET copy_at = q.copy_at
FROM (SELECT o.mailbox_id, o.uidvalidity, o.uid,
        CASE WHEN o.mailbox_id <> e.mailbox_id AND row_number() OVER (
            PARTITION BY o.email_id, o.mailbox_id
            ORDER BY o.uidvalidity DESC, o.uid DESC) = 1
        THEN e.received_at END AS copy_at
    FROM email e JOIN placement o ON o.account_id = $1 AND o.email_id = e.id
    WHERE e.account_id = $1 AND e.id = ANY ($2)) AS q
WHERE p.account_id = $1 AND p.mailbox_id = q.mailbox_id
AND p.uidvalidity = q.uidvalidity AND p.uid = q.uid
AND p.copy_at IS DISTINCT FROM q.copy_at;
