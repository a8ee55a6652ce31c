-- Personal mail accounts: their owner's alone, whatever anybody else is; and
-- mail that is copied out of them (0131-personal-accounts.sql).

-- name: personal_account_list :many
-- args: account account, int user
-- row:  personal_account
SELECT c.id, c.email_address AS email, c.host AS imap_host,
    c.port AS imap_port,
    CASE c.security_mode WHEN 'ssl_tls' THEN 'ssl' WHEN 'starttls' THEN 'tls'
        ELSE 'none' END AS imap_encryption,
    c.is_default, c.is_active, (SELECT max(m.last_sync_at) FROM mailbox m
        WHERE m.account_id = $1 AND m.credential_id = c.id) AS last_sync_at,
    c.created_at, c.updated_at
FROM credential c
WHERE c.account_id = $1 AND c.user_id = $2 AND c.provider_kind = 'imap'
ORDER BY c.id LIMIT 1000;

-- name: personal_account_get :one
-- args: account account, int user, id id
-- row:  personal_account
SELECT c.id, c.email_address AS email, c.host AS imap_host,
    c.port AS imap_port,
    CASE c.security_mode WHEN 'ssl_tls' THEN 'ssl' WHEN 'starttls' THEN 'tls'
        ELSE 'none' END AS imap_encryption,
    c.is_default, c.is_active, (SELECT max(m.last_sync_at) FROM mailbox m
        WHERE m.account_id = $1 AND m.credential_id = c.id) AS last_sync_at,
    c.created_at, c.updated_at
FROM credential c
WHERE c.account_id = $1 AND c.user_id = $2 AND c.id = $3
AND c.provider_kind = 'imap';

-- Has the user another one of this address?
-- name: personal_account_taken :value
-- args: account account, int user, text email, id but
-- value: bool
SELECT EXISTS (SELECT FROM credential
    WHERE account_id = $1 AND user_id = $2 AND provider_kind = 'imap'
    AND lower(email_address) = lower($3) AND id <> $4);

-- A folder of a mail account as its server spells it; NULL: it is not known.
-- name: transfer_folder :value
-- args: account account, id credential, text name
-- value: text
SELECT max(wire_name) FROM mailbox
WHERE account_id = $1 AND credential_id = $2 AND removed_at IS NULL
AND is_selectable
AND (name = $3 OR (upper($3) = 'INBOX' AND upper(name) = 'INBOX'));

-- Writes down what is to be copied; what was wished for before, and is not
-- done, goes over to this task. How many of the emails there are.
-- name: transfer_add :value
-- args: account account, id application, id credential, id target,
-- args: text folder, id task, ids emails
-- value: int
WITH wanted AS (
	SELECT id FROM email
	WHERE account_id = $1 AND credential_id = $3 AND id = ANY ($7)
	AND removed_at IS NULL
), added AS (
	INSERT INTO transfer AS t (application_id, account_id, credential_id,
	    email_id, target_credential_id, folder, task_id)
	SELECT $2, $1, $3, id, $4, $5, $6 FROM wanted ORDER BY id
	ON CONFLICT (account_id, email_id, target_credential_id, folder)
	DO UPDATE SET task_id = $6, error_code = NULL, ended_at = NULL,
	    state = CASE t.state WHEN 'failed' THEN 'waiting' ELSE t.state END
	WHERE t.state <> 'done'
)
SELECT count(*) FROM wanted;

-- What became of emails that were to be copied there.
-- name: transfer_seen_list :many
-- args: account account, id credential, id target, text folder, ids emails
-- row:  transfer_seen
SELECT email_id, state, error_code FROM transfer
WHERE account_id = $1 AND credential_id = $2 AND target_credential_id = $3
AND folder = $4 AND email_id = ANY ($5) ORDER BY email_id;

-- ---- the job ----

-- name: transfer_due :many
-- args: account account, id task
-- row:  mail_transfer
SELECT t.id, t.email_id, t.folder, t.state, t.uidvalidity, t.uid_next,
    t.sha256, t.size_bytes, e.received_at
FROM transfer t JOIN email e ON e.account_id = $1 AND e.id = t.email_id
WHERE t.account_id = $1 AND t.task_id = $2
AND t.state IN ('waiting', 'appending') ORDER BY t.id;

-- What the folder is like, and what is going to lie there.
-- name: transfer_intend :must
-- args: account account, id id, int uidvalidity, int uid_next, bytes sha256,
-- args: int size
UPDATE transfer SET state = 'appending', uidvalidity = $3, uid_next = $4,
    sha256 = $5, size_bytes = $6
WHERE account_id = $1 AND id = $2 AND state = 'waiting';

-- name: transfer_done :must
-- args: account account, id id
UPDATE transfer SET state = 'done', ended_at = now(), error_code = NULL
WHERE account_id = $1 AND id = $2 AND state = 'appending';

-- Behind an intent, it certainly does not lie there.
-- name: transfer_not_done :must
-- args: account account, id id
UPDATE transfer SET state = 'waiting'
WHERE account_id = $1 AND id = $2 AND state = 'appending';

-- name: transfer_failed :must
-- args: account account, id id, text code
UPDATE transfer SET state = 'failed', error_code = $3, ended_at = now()
WHERE account_id = $1 AND id = $2 AND state IN ('waiting', 'appending');
