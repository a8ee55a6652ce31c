-- Mail that accounts send; see domain/submission.h.
--
-- A message's email is named by its whole key, not joined: a plan that is kept
-- from when an account had little mail would walk along all of it.

-- The SMTP credential that sends where none is named: the account's, else the
-- caller's own. 0: there is none.
-- name: submission_default :value
-- args: account account, int user
-- value: int
SELECT coalesce((SELECT id FROM provider_credential_row
    WHERE account_id = $1 AND (user_id IS NULL OR user_id = $2)
    AND provider_kind = 'smtp' AND is_default AND is_active
    ORDER BY user_id NULLS FIRST, id LIMIT 1), 0);

-- The IMAP credential whose Sent folder gets the copies of what this SMTP one
-- sends: the one that sends through it, else the one of the same address. 0:
-- there is none.
-- name: submission_filer :value
-- args: account account, id credential
-- value: int
SELECT coalesce((SELECT i.id
    FROM credential s JOIN credential i ON i.account_id = $1
    WHERE s.account_id = $1 AND s.id = $2
    AND i.provider_kind = 'imap' AND i.is_active
    AND i.user_id IS NOT DISTINCT FROM s.user_id
    AND (i.smtp_credential_id = s.id OR (i.smtp_credential_id IS NULL
        AND lower(i.email_address) = lower(s.email_address)))
    ORDER BY i.smtp_credential_id NULLS LAST, i.id LIMIT 1), 0);

-- name: submission_email_id :value
-- value: int
-- scope: global: a number of a sequence
SELECT nextval('email_id_seq');

-- The message, as it is listed and as it is to be sent. `owner` is the mail
-- account that the email belongs to: the one that will have the copy. `message`
-- NULL: `raw` names it in the raw store.
-- name: submission_insert :value
-- args: account account, id application, id credential, id owner, id email,
-- args: id task, text message_id, text? in_reply_to, text? references,
-- args: text? subject, str from_json, str to_json, str cc_json, str bcc_json,
-- args: str reply_to_json, time sent_at, bool attachments, bytes message,
-- args: bytes sha256, bool is_utf8, text sender, time? send_at,
-- args: texts addresses, texts kinds, int size, bytes raw
-- value: int
WITH e AS (
	INSERT INTO email (id, application_id, account_id, credential_id,
	    message_id, in_reply_to, "references", direction, subject,
	    from_json, to_json, cc_json, bcc_json, reply_to_json, sent_at,
	    received_at, size_bytes, is_read, flags, has_attachments, sha256,
	    status)
	VALUES ($5, $2, $1, $4, $7, $8, $9, 'outbound', $10, $11, $12, $13, $14,
	    $15, $16, $16, $25, true, '{\Seen}', $17, $19, 'queued')
), counted AS (
	INSERT INTO counter (application_id, account_id, name, n)
	VALUES ($2, $1, 'emails', 1)
	ON CONFLICT (account_id, name) DO UPDATE SET n = counter.n + 1
), s AS (
	INSERT INTO submission (application_id, account_id, credential_id,
	    email_id, task_id, message_id, message, raw_sha256, is_utf8, sender,
	    send_at)
	VALUES ($2, $1, $3, $5, $6, $7, $18, $26, $20, $21, $22)
	RETURNING id
), r AS (
	INSERT INTO submission_recipient (application_id, account_id,
	    submission_id, n, address, kind)
	SELECT $2, $1, s.id, r.n, r.address, r.kind
	FROM s, unnest($23, $24) WITH ORDINALITY AS r (address, kind, n)
)
SELECT id FROM s;

-- What became of it, for who waits.
-- name: submission_seen_of :one
-- args: account account, id email
-- row:  submission_seen
SELECT s.id, s.email_id, s.task_id, t.last_job_id AS job_id,
    j.state AS job_state, s.state,
    s.attempt_count, s.last_error_code, s.last_error_detail, e.subject,
    e.to_json, e.cc_json, e.sent_at, e.thread_id, e.message_id
FROM submission s
JOIN email e ON e.account_id = $1 AND e.id = s.email_id
JOIN task t ON t.account_id = $1 AND t.id = s.task_id
JOIN job j ON j.account_id = $1 AND j.id = t.last_job_id
WHERE s.account_id = $1 AND s.email_id = $2;

-- name: submission_recipients :many
-- args: account account, id submission
-- row:  submission_recipient
SELECT n, address, kind, state, code, detail, report, reported_at
FROM submission_recipient
WHERE account_id = $1 AND submission_id = $2 ORDER BY n;

-- ---- the job that sends ----

-- A job takes the message of its task. No row: another job of that task is at
-- it, or there is none.
-- name: submission_take :maybe
-- args: account account, id task, id job
-- row:  submission
UPDATE submission s SET job_id = $3, first_at = coalesce(first_at, now()),
    attempt_count = attempt_count + (state = 'queued')::int
WHERE account_id = $1 AND task_id = $2
AND (job_id IS NULL OR job_id = $3 OR NOT EXISTS (SELECT FROM job j
    WHERE j.account_id = $1 AND j.id = s.job_id AND j.state = 'running'))
RETURNING id, credential_id, email_id, message_id, message, raw_sha256, is_utf8,
    sender, state, first_at, attempt_count, look_count, last_error_code,
    last_error_detail, file_task_id, filed_at;

-- Who is to get it.
-- name: submission_recipients_of :many
-- args: account account, id task
-- row:  submission_recipient
SELECT n, address, kind, state, code, detail, report, reported_at
FROM submission_recipient
WHERE account_id = $1 AND submission_id = (SELECT id FROM submission
    WHERE account_id = $1 AND task_id = $2) ORDER BY n;

-- The intent: from its commit on it may have left.
-- name: submission_intend :must
-- args: account account, id id, id job, int4s ns, texts states, int4s codes,
-- args: texts details
WITH s AS (
	UPDATE submission SET state = 'sending'
	WHERE account_id = $1 AND id = $2 AND job_id = $3 AND state = 'queued'
	RETURNING id, email_id
), e AS (
	UPDATE email SET status = 'sending', updated_at = now()
	WHERE account_id = $1 AND id = (SELECT email_id FROM s)
), r AS (
	UPDATE submission_recipient r SET state = f.state, code = f.code,
	    detail = f.detail
	FROM s, unnest($4, $5, $6, $7) AS f (n, state, code, detail)
	WHERE r.account_id = $1 AND r.submission_id = s.id AND r.n = f.n
)
SELECT FROM s;

-- What became of a try, or of a look into the Sent folder.
-- name: submission_confirm :must
-- args: account account, id id, id job, text state, text? code, text? detail,
-- args: int4 looked, int4s ns, texts states, int4s codes, texts details
WITH s AS (
	UPDATE submission SET
	    state = CASE WHEN $4 = 'accepted' AND filed_at IS NOT NULL
	        THEN 'filed' ELSE $4 END,
	    last_error_code = $5, last_error_detail = $6,
	    look_count = look_count + $7,
	    ended_at = CASE WHEN $4 <> 'queued' THEN now() END
	WHERE account_id = $1 AND id = $2 AND job_id = $3
	AND state IN ('queued', 'sending', 'unknown')
	RETURNING id, email_id, state
), e AS (
	UPDATE email SET status = (SELECT state FROM s), updated_at = now()
	WHERE account_id = $1 AND id = (SELECT email_id FROM s)
), r AS (
	UPDATE submission_recipient r SET state = f.state, code = f.code,
	    detail = f.detail
	FROM s, unnest($8, $9, $10, $11) AS f (n, state, code, detail)
	WHERE r.account_id = $1 AND r.submission_id = s.id AND r.n = f.n
)
SELECT FROM s;

-- Its copy is another task's, and the email that mail account's.
-- name: submission_file_with :must
-- args: account account, id id, id task, id credential
WITH s AS (
	UPDATE submission SET file_task_id = $3
	WHERE account_id = $1 AND id = $2 RETURNING email_id
)
UPDATE email SET credential_id = $4
WHERE account_id = $1 AND id = (SELECT email_id FROM s);

-- Is there a message of this task?
-- name: submission_known :value
-- args: account account, id task
-- value: bool
SELECT EXISTS (SELECT FROM submission WHERE account_id = $1 AND task_id = $2);

-- Who was refused is to be asked for once more.
-- name: submission_again :must
-- args: account account, id id, id job
WITH s AS (
	UPDATE submission SET state = 'queued', first_at = now(),
	    ended_at = NULL
	WHERE account_id = $1 AND id = $2 AND job_id = $3
	AND state IN ('accepted', 'filed', 'failed')
	AND (message IS NOT NULL OR raw_sha256 IS NOT NULL)
	RETURNING id, email_id
), e AS (
	UPDATE email SET status = 'queued', updated_at = now()
	WHERE account_id = $1 AND id = (SELECT email_id FROM s)
), r AS (
	UPDATE submission_recipient r SET state = 'queued' FROM s
	WHERE r.account_id = $1 AND r.submission_id = s.id
	AND r.state = 'failed'
)
SELECT FROM s;

-- An operator knows what became of one that is unknown. Where it did not arrive
-- a later try has its own copy filed.
-- name: submission_settle_row :maybe
-- args: account account, id task, text state
-- row:  submission_settled
WITH was AS (
	SELECT id, file_task_id FROM submission
	WHERE account_id = $1 AND task_id = $2 AND state = 'unknown' FOR UPDATE
), s AS (
	UPDATE submission SET
	    state = CASE WHEN $3 = 'accepted' AND filed_at IS NOT NULL
	        THEN 'filed' ELSE $3 END,
	    last_error_code = CASE WHEN $3 = 'failed' THEN last_error_code END,
	    last_error_detail = CASE WHEN $3 = 'failed' THEN
	        'An operator says that it did not arrive.' END,
	    file_task_id = CASE WHEN $3 = 'accepted' THEN was.file_task_id END
	FROM was WHERE account_id = $1 AND submission.id = was.id
	RETURNING submission.id, credential_id, email_id, message_id, sender,
	    state, was.file_task_id
), e AS (
	UPDATE email SET status = (SELECT state FROM s), updated_at = now()
	WHERE account_id = $1 AND id = (SELECT email_id FROM s)
), r AS (
	UPDATE submission_recipient r SET state = $3 FROM s
	WHERE r.account_id = $1 AND r.submission_id = s.id
	AND r.state = 'unknown'
	RETURNING r.n, r.address
)
SELECT s.id, s.credential_id, s.email_id, s.message_id, s.sender, s.state,
    coalesce((SELECT t.last_job_id FROM task t WHERE t.account_id = $1
    AND t.id = s.file_task_id), 0) AS file_job_id,
    (SELECT json_agg(r.address ORDER BY r.n) FROM r) AS recipients
FROM s;

-- A line of the account's log, seen by who sees the mail account.
-- name: submission_log :exec
-- args: account account, id application, text status, text level,
-- args: text message, json data, id credential
INSERT INTO log (application_id, account_id, subject, action, status, level,
    message, data, user_id)
VALUES ($2, $1, 'email', 'send', $3, $4, $5, $6, (SELECT c.user_id
    FROM credential c WHERE c.account_id = $1 AND c.id = $7));

-- ---- the job that files ----

-- The message whose copy a task is to file.
-- name: submission_filing_get :maybe
-- args: account account, id task
-- row:  submission_filing
SELECT s.id, s.email_id, s.message_id, s.message, s.raw_sha256, s.sender, s.state,
    s.filed_at, e.size_bytes, e.sha256
FROM submission s JOIN email e ON e.account_id = $1 AND e.id = s.email_id
WHERE s.account_id = $1 AND s.file_task_id = $2;

-- The copy lies there, under a UID that the server has told. Where the folder
-- has begun anew meanwhile, it does not.
-- name: submission_place :exec
-- args: account account, id application, id credential, id mailbox,
-- args: int uidvalidity, int uid, id email
WITH folder AS MATERIALIZED (
	SELECT id FROM mailbox
	WHERE account_id = $1 AND credential_id = $3 AND id = $4
	AND (uidvalidity = $5 OR uidvalidity IS NULL) FOR UPDATE
), placed AS (
	INSERT INTO placement (application_id, account_id, mailbox_id,
	    uidvalidity, uid, email_id, flags)
	SELECT $2, $1, $4, $5, $6, $7, '{\Seen}' FROM folder
	WHERE NOT EXISTS (SELECT FROM placement p WHERE p.account_id = $1
	    AND p.mailbox_id = $4 AND p.uidvalidity = $5 AND p.uid = $6)
	RETURNING 1
)
UPDATE mailbox SET stored_messages = stored_messages + n.placed,
    server_messages = server_messages + n.placed
FROM (SELECT count(*) AS placed FROM placed) AS n
WHERE account_id = $1 AND id = $4 AND uidvalidity = $5;

-- What lies in the Sent folder was sent, also where no answer had come.
-- name: submission_filed :must
-- args: account account, id id
WITH r AS (
	UPDATE submission_recipient SET state = 'accepted'
	WHERE account_id = $1 AND submission_id = $2 AND state = 'unknown'
), s AS (
	UPDATE submission SET filed_at = now(),
	    state = CASE WHEN state IN ('accepted', 'unknown') THEN 'filed'
	        ELSE state END,
	    -- Whoever was refused may still be asked for again.
	    message = CASE WHEN EXISTS (SELECT FROM submission_recipient o
	        WHERE o.account_id = $1 AND o.submission_id = $2
	        AND o.state IN ('queued', 'failed')) THEN message END
	WHERE account_id = $1 AND id = $2 AND filed_at IS NULL
	RETURNING email_id, state
)
UPDATE email SET status = (SELECT state FROM s), updated_at = now()
WHERE account_id = $1 AND id = (SELECT email_id FROM s);
