-- Messages that could not be read whole, and were set aside with a reason.
-- uses: placement

-- The next ones to try again.
-- name: skipped_due :many
-- args: account account, id mailbox, int uidvalidity, int most
-- row:  skipped
SELECT p.uid FROM mailbox m JOIN placement p ON p.account_id = $1
    AND p.mailbox_id = m.id AND p.uidvalidity = $3
    AND p.uid > m.skips_tried_uid AND p.skip_reason IS NOT NULL
WHERE m.account_id = $1 AND m.id = $2 AND m.uidvalidity = $3
ORDER BY p.uid LIMIT $4;

-- This one is tried now: said before it is, so that one which ends the program
-- does so once a day.
-- name: skipped_try :exec
-- args: account account, id mailbox, int uid
UPDATE mailbox SET skips_tried_uid = $3 WHERE account_id = $1 AND id = $2;

-- All were tried.
-- name: skipped_rest :exec
-- args: account account, id mailbox
UPDATE mailbox SET skips_tried_uid = 0, skips_tried_at = now()
WHERE account_id = $1 AND id = $2;

-- Messages that were read whole at last: the emails they are get what was
-- read, and their first words are due. Gives them, to be settled (email_hold them first).
-- name: skipped_mend :many
-- args: account account, id credential, id mailbox, int uidvalidity, ints uids,
-- args: texts flags, texts message_ids, texts in_reply_tos, texts referencess,
-- args: texts subjects, texts froms, texts tos, texts ccs, texts bccs,
-- args: texts reply_tos, times sent, times received, ints sizes,
-- args: bools attachments, texts structures, texts server_ids
-- row:  placed
-- plan: custom
WITH r AS MATERIALIZED (
	SELECT u.*, string_to_array(u.flag_words, ' ') AS flags, p.email_id
	FROM unnest($5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17,
	    $18, $19, $20, $21) AS u (uid, flag_words, message_id, in_reply_to,
	    refs, subject, from_json, to_json, cc_json, bcc_json, reply_to_json,
	    sent_at, received_at, size_bytes, has_attachments, structure,
	    server_email_id)
	JOIN placement p ON p.account_id = $1 AND p.mailbox_id = $3
	AND p.uidvalidity = $4 AND p.uid = u.uid AND p.skip_reason IS NOT NULL
), placed AS (
	UPDATE placement p SET skip_reason = NULL, flags = r.flags FROM r
	WHERE p.account_id = $1 AND p.mailbox_id = $3 AND p.uidvalidity = $4
	AND p.uid = r.uid
), mended AS (
	UPDATE email e SET message_id = r.message_id,
	    in_reply_to = r.in_reply_to, "references" = r.refs,
	    subject = r.subject, from_json = r.from_json,
	    to_json = r.to_json, cc_json = r.cc_json,
	    bcc_json = r.bcc_json, reply_to_json = r.reply_to_json,
	    sent_at = r.sent_at, received_at = r.received_at,
	    size_bytes = r.size_bytes, has_attachments = r.has_attachments,
	    structure = r.structure,
	    server_email_id = coalesce(e.server_email_id, r.server_email_id),
	    skip_reason = NULL, text_due = true, updated_at = now()
	FROM r WHERE e.account_id = $1 AND e.credential_id = $2
	AND e.id = r.email_id AND e.skip_reason IS NOT NULL
), counted AS (
	UPDATE mailbox SET
	    stored_messages = stored_messages + (SELECT count(*) FROM r),
	    skipped_messages = skipped_messages - (SELECT count(*) FROM r)
	WHERE account_id = $1 AND id = $3 AND uidvalidity = $4
)
SELECT email_id FROM r;
