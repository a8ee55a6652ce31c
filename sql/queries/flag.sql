-- uses: placement, wish

-- What a user wants of an email's flags; joins what waits already. No row:
-- the email is on no server.
-- name: flag_want :maybe
-- args: account account, id email, texts add, texts remove
-- row:  wish
INSERT INTO flag_intent AS i (application_id, account_id, email_id,
    credential_id, flags_add, flags_remove)
SELECT e.application_id, e.account_id, e.id, e.credential_id, $3, $4
FROM email e
WHERE e.account_id = $1 AND e.id = $2 AND e.removed_at IS NULL
AND e.uid IS NOT NULL AND e.credential_id IS NOT NULL
ON CONFLICT (account_id, email_id) DO UPDATE SET version = i.version + 1,
    flags_add = ARRAY(SELECT f FROM (SELECT unnest(i.flags_add) AS f
        UNION SELECT unnest(excluded.flags_add)) AS u
        WHERE f <> ALL (excluded.flags_remove) ORDER BY f),
    flags_remove = ARRAY(SELECT f FROM (SELECT unnest(i.flags_remove) AS f
        UNION SELECT unnest(excluded.flags_remove)) AS u
        WHERE f <> ALL (excluded.flags_add) ORDER BY f)
RETURNING application_id, credential_id;

-- The same for an email made by hand: nobody needs to be told.
-- name: flag_set_here :exec
-- args: account account, id email, texts add, texts remove
WITH t AS (
	SELECT id, application_id, is_read AS was_read, ARRAY(SELECT f FROM (
	    SELECT unnest(flags) AS f UNION SELECT unnest($3)) AS u
	    WHERE f <> ALL ($4) ORDER BY f COLLATE "C") AS flags
	FROM email
	WHERE account_id = $1 AND id = $2 AND removed_at IS NULL AND uid IS NULL
	FOR UPDATE
), changed AS (
	UPDATE email e SET flags = t.flags, is_read = '\Seen' = ANY (t.flags),
	    is_flagged = '\Flagged' = ANY (t.flags),
	    is_answered = '\Answered' = ANY (t.flags),
	    is_draft = '\Draft' = ANY (t.flags), updated_at = now()
	FROM t WHERE e.account_id = $1 AND e.id = t.id
	RETURNING t.application_id, t.was_read::int - e.is_read::int AS n
)
INSERT INTO counter (application_id, account_id, name, n)
SELECT application_id, $1, 'unread', n FROM changed WHERE n <> 0
ON CONFLICT (account_id, name) DO UPDATE SET n = counter.n + excluded.n;

-- What the server is to be told, by folder and change. A folder whose
-- UIDVALIDITY is being walked anew comes when its mail is matched.
-- name: flag_due :many
-- args: account account, id credential, int most
-- row:  flag_due
SELECT i.email_id, i.version, i.flags_add, i.flags_remove, p.mailbox_id,
    m.wire_name, p.uidvalidity, p.uid
FROM (SELECT * FROM flag_intent
    WHERE account_id = $1 AND credential_id = $2
    ORDER BY email_id LIMIT $3) AS i
JOIN placement p ON p.account_id = $1 AND p.email_id = i.email_id
JOIN mailbox m ON m.account_id = $1 AND m.id = p.mailbox_id
    AND m.uidvalidity = p.uidvalidity AND m.removed_at IS NULL
ORDER BY p.mailbox_id, i.flags_add, i.flags_remove, p.uid;

-- The server has been told of these UIDs.
-- name: placement_flag_change :exec
-- args: account account, id mailbox, int uidvalidity, ints uids, texts add,
-- args: texts remove
UPDATE placement SET flags = ARRAY(SELECT f FROM (
    SELECT unnest(flags) AS f UNION SELECT unnest($5)) AS u
    WHERE f <> ALL ($6) ORDER BY f COLLATE "C")
WHERE account_id = $1 AND mailbox_id = $2 AND uidvalidity = $3
AND uid = ANY ($4);

-- Wishes that were carried out, unless they have changed meanwhile.
-- name: flag_done :exec
-- args: account account, ids emails, ints versions
DELETE FROM flag_intent i USING unnest($2, $3) AS d (email_id, version)
WHERE i.account_id = $1 AND i.email_id = d.email_id
AND i.version = d.version;

-- Wishes about mail that is gone.
-- name: flag_forget_gone :exec
-- args: account account, id credential
DELETE FROM flag_intent i
WHERE i.account_id = $1 AND i.credential_id = $2
AND NOT EXISTS (SELECT FROM placement p
    WHERE p.account_id = $1 AND p.email_id = i.email_id);
