-- Mail that is to be deleted on its server.
-- uses: wish

-- An email that was removed here is to go there, too. No row: it lies on no
-- server.
-- name: expunge_want :maybe
-- args: account account, id email
-- row:  wish
INSERT INTO expunge_intent (application_id, account_id, email_id,
    credential_id)
SELECT e.application_id, e.account_id, e.id, e.credential_id
FROM email e
WHERE e.account_id = $1 AND e.id = $2 AND e.credential_id IS NOT NULL
AND EXISTS (SELECT FROM placement p
    WHERE p.account_id = $1 AND p.email_id = e.id)
RETURNING application_id, credential_id;

-- Where the next emails behind `after` lie, by folder. No mailbox: nowhere that
-- is known, or under a UIDVALIDITY that is no longer the folder's. What was
-- refused to another job than this one is not due. `bin`: the folder that the
-- server keeps deleted mail in, where this is no such one itself. `is_dated`:
-- it was placed as what was received then, not as bytes.
-- name: expunge_due :many
-- args: account account, id credential, id job, id after, int most
-- row:  expunge_due
SELECT i.email_id, m.id AS mailbox_id, m.name, m.wire_name, p.uidvalidity,
    p.uid, e.size_bytes, e.received_at, e.sha256 IS NULL AS is_dated,
    p.skip_reason IS NOT NULL AS is_skipped,
    CASE WHEN m.special_use IN ('trash', 'junk') THEN NULL
        ELSE bin.wire_name END AS bin
FROM (SELECT email_id FROM expunge_intent
    WHERE account_id = $1 AND credential_id = $2 AND email_id > $4
    AND (refused_by IS NULL OR refused_by = $3)
    ORDER BY email_id LIMIT $5) AS i
JOIN email e ON e.account_id = $1 AND e.id = i.email_id
LEFT JOIN placement p ON p.account_id = $1 AND p.email_id = i.email_id
LEFT JOIN mailbox m ON m.account_id = $1 AND m.id = p.mailbox_id
    AND m.uidvalidity = p.uidvalidity AND m.removed_at IS NULL
LEFT JOIN LATERAL (SELECT b.wire_name FROM mailbox b
    WHERE b.account_id = $1 AND b.credential_id = $2
    AND b.special_use = 'trash' AND b.is_selectable AND b.removed_at IS NULL
    ORDER BY b.id LIMIT 1) AS bin ON true
ORDER BY m.id, p.uid;

-- The server deleted this many messages of a folder.
-- name: mailbox_expunged :exec
-- args: account account, id mailbox, int uidvalidity, int n
UPDATE mailbox SET server_messages = greatest(0, server_messages - $4)
WHERE account_id = $1 AND id = $2 AND uidvalidity = $3;

-- Emails that lie nowhere any more are done with, and are no emails any longer:
-- the same message, put back by somebody, is new mail, and is shown. Their
-- intents go with them.
-- name: expunge_done :exec
-- args: account account, ids emails
DELETE FROM email e
WHERE e.account_id = $1 AND e.id = ANY ($2) AND e.removed_why = 'deleted'
AND EXISTS (SELECT FROM expunge_intent i
    WHERE i.account_id = $1 AND i.email_id = e.id)
AND NOT EXISTS (SELECT FROM placement p
    WHERE p.account_id = $1 AND p.email_id = e.id);

-- name: expunge_refuse :exec
-- args: account account, ids emails, id job
UPDATE expunge_intent SET refused_by = $3
WHERE account_id = $1 AND email_id = ANY ($2);
