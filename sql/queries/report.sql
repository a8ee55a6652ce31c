-- Reports about mail that was sent; see domain/report.h.

-- Of mail that has come, what looks like a report; behind its ingest, in that
-- transaction. How many there are.
-- name: report_note :value
-- args: account account, id mailbox, ids emails
-- value: int
WITH noted AS (
	INSERT INTO mail_report (application_id, account_id, email_id,
	    credential_id)
	SELECT e.application_id, e.account_id, e.id, e.credential_id
	FROM email e
	JOIN mailbox b ON b.account_id = e.account_id AND b.id = $2
	WHERE e.account_id = $1 AND e.id = ANY ($3) AND NOT e.is_draft
	AND coalesce(b.special_use, '') NOT IN ('sent', 'drafts')
	AND (left(e.structure, 400) LIKE '%"t":"multipart/report"%'
	    OR left(e.from_json, 400)
	        ~* '"address":"(mailer-daemon|postmaster)(@|")')
	ON CONFLICT DO NOTHING
	RETURNING 1
)
SELECT count(*) FROM noted;

-- Those that wait to be read, each with where it lies. What ended five workers
-- is left alone.
-- name: report_take :many
-- args: account account, id credential, int most
-- row:  report_due
WITH due AS (
	UPDATE mail_report SET tries = tries + 1
	WHERE account_id = $1 AND email_id IN (SELECT email_id FROM mail_report
	    WHERE account_id = $1 AND credential_id = $2 AND state = 'due'
	    AND tries < 5 ORDER BY email_id LIMIT $3)
	RETURNING email_id
)
SELECT due.email_id, m.id AS mailbox_id, m.wire_name, p.uidvalidity, p.uid
FROM due
JOIN email e ON e.account_id = $1 AND e.id = due.email_id
LEFT JOIN mailbox m ON m.account_id = $1 AND m.id = e.mailbox_id
LEFT JOIN placement p ON p.account_id = $1 AND p.mailbox_id = e.mailbox_id
    AND p.uidvalidity = m.uidvalidity AND p.uid = e.uid
ORDER BY m.id, p.uid;

-- The message that one of these Message-IDs (with < >) names, sent by this
-- account; a personal mail account's is told by that account's mail alone. Held
-- until the transaction ends.
-- name: report_submission :maybe
-- args: account account, id credential, text message_id, text? envelope_id
-- row:  reported
SELECT s.id, s.email_id, s.credential_id, s.message_id, s.sender, s.state
FROM submission s
JOIN credential c ON c.account_id = $1 AND c.id = s.credential_id
JOIN credential r ON r.account_id = $1 AND r.id = $2
WHERE s.account_id = $1 AND s.message_id IN ($3, $4)
AND c.user_id IS NOT DISTINCT FROM r.user_id
ORDER BY s.message_id <> $3, s.id LIMIT 1 FOR UPDATE OF s;

-- What it says of some recipients, side by side.
-- name: report_recipients :exec
-- args: account account, id submission, id email, int4s ns, texts states,
-- args: int4s codes, texts details, texts reports, texts statuses
UPDATE submission_recipient r SET state = f.state, code = f.code,
    detail = f.detail, report = f.report, report_status = f.status,
    report_email_id = $3, reported_at = now()
FROM unnest($4, $5, $6, $7, $8, $9)
    AS f (n, state, code, detail, report, status)
WHERE r.account_id = $1 AND r.submission_id = $2 AND r.n = f.n;

-- The message as its recipients are now.
-- name: report_settle :must
-- args: account account, id submission, text? detail
WITH r AS (
	SELECT bool_and(state = 'failed') AS failed,
	    bool_or(state = 'unknown') AS unknown
	FROM submission_recipient WHERE account_id = $1 AND submission_id = $2
), s AS (
	UPDATE submission SET state = CASE
	        WHEN state NOT IN ('accepted', 'filed', 'unknown') THEN state
	        WHEN r.failed THEN 'failed'
	        WHEN state = 'unknown' AND NOT r.unknown THEN
	            CASE WHEN filed_at IS NULL THEN 'accepted' ELSE 'filed' END
	        ELSE state END,
	    last_error_code = CASE WHEN $3 IS NULL THEN last_error_code
	        ELSE 'recipient_rejected' END,
	    last_error_detail = coalesce($3, last_error_detail)
	FROM r WHERE account_id = $1 AND id = $2
	RETURNING email_id, state
), e AS (
	UPDATE email SET status = (SELECT state FROM s), updated_at = now()
	WHERE account_id = $1 AND id = (SELECT email_id FROM s)
	AND status IS DISTINCT FROM (SELECT state FROM s)
)
SELECT FROM s;

-- It has been read.
-- name: report_read :exec
-- args: account account, id email, text kind, text? feedback, id? submission
UPDATE mail_report SET state = 'read', kind = $3, feedback = $4,
    submission_id = $5, read_at = now()
WHERE account_id = $1 AND email_id = $2;
