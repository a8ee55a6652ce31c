-- Interception: mail that waits for review, as reviewers see it and decide.

-- name: held_list :many
-- args: account account, id? credential, time before, id before_id, int skip,
-- args: int most
-- row:  held
SELECT e.id, h.credential_id AS account_id, e.subject,
    people_line(e.from_json) AS sender, people_line(e.to_json) AS recipients,
    'HELD' AS status, h.risk_score, h.keywords AS keywords_matched,
    h.tags, h.why AS reason, h.held_at, e.created_at, h.latency_ms,
    coalesce(h.preview, e.snippet) AS preview
FROM hold h
JOIN email e ON e.account_id = $1 AND e.id = h.email_id
WHERE h.account_id = $1 AND h.state IN ('held', 'releasing', 'filed')
AND ($2 IS NULL OR h.credential_id = $2)
AND (h.held_at, h.email_id) < ($3, $4)
ORDER BY h.held_at DESC, h.email_id DESC
LIMIT $6 OFFSET $5;

-- name: held_stats :one
-- args: account account, id? credential
-- row:  held_stats
SELECT count(*) FILTER (WHERE state IN ('held', 'releasing', 'filed'))
        AS total_held,
    count(*) FILTER (WHERE held_at > now() - interval '24 hours') AS last_24h,
    coalesce(round(avg(latency_ms) FILTER (
        WHERE held_at > now() - interval '24 hours')), 0)::bigint
        AS avg_latency_ms
FROM hold
WHERE account_id = $1 AND ($2 IS NULL OR credential_id = $2)
AND (state IN ('held', 'releasing', 'filed')
    OR held_at > now() - interval '24 hours');

-- One that is or was held.
-- name: held_get :one
-- args: account account, id email
-- row:  held_full
SELECT e.id, h.credential_id AS account_id, e.subject,
    people_line(e.from_json) AS sender, people_line(e.to_json) AS recipients,
    CASE WHEN h.state IN ('held', 'due', 'moving') THEN 'HELD'
        WHEN h.state IN ('releasing', 'filed') THEN 'RELEASING'
        ELSE upper(h.state) END AS status,
    h.state, h.why AS reason, h.risk_score, h.keywords AS keywords_matched,
    h.tags, h.sha256, h.original_uid, e.received_at, h.created_at, h.held_at,
    h.latency_ms, h.edited_subject, h.edited_text, h.edited_html, h.edited_by,
    h.edited_at, h.edited_message_id, h.edited_sha256, h.removed_files,
    h.strip_attachments, g.name AS released_to,
    h.original_mailbox_id IS NULL AS is_given, h.error_code, h.error_detail,
    hold_content(h.sha256, h.edited_subject, h.edited_text, h.edited_html)
        AS content_hash
FROM hold h
JOIN email e ON e.account_id = $1 AND e.id = h.email_id
LEFT JOIN mailbox g ON g.account_id = $1 AND g.id = CASE
    WHEN h.state = 'released' THEN h.at_mailbox_id
    ELSE h.target_mailbox_id END
WHERE h.account_id = $1 AND h.email_id = $2 AND h.state <> 'passed'
AND NOT (h.state = 'due' AND h.sha256 IS NULL);

-- Its state, for whoever decides; the row is held till the transaction ends.
-- name: held_lock :maybe
-- args: account account, id email
-- row:  held_state
SELECT h.email_id, h.credential_id, h.application_id, h.state, h.edited_by,
    h.error_code, h.error_detail,
    h.edited_subject IS NOT NULL OR h.edited_text IS NOT NULL
        OR h.edited_html IS NOT NULL AS is_edited,
    coalesce(r.review_policy = 'four_eyes', false) AS four_eyes,
    h.original_mailbox_id IS NULL AS is_given,
    hold_content(h.sha256, h.edited_subject, h.edited_text, h.edited_html)
        AS content_hash
FROM hold h LEFT JOIN review_setting r ON r.account_id = $1
WHERE h.account_id = $1 AND h.email_id = $2
FOR UPDATE OF h;

-- How far some are.
-- name: held_states :many
-- args: account account, ids emails
-- row:  held_state
SELECT email_id, credential_id, application_id, state, edited_by, error_code,
    error_detail
FROM hold WHERE account_id = $1 AND email_id = ANY ($2);

-- An email that a reviewer may name at all.
-- name: held_email :maybe
-- args: account account, id email
-- row:  held_email
SELECT e.id, e.application_id, e.credential_id,
    EXISTS (SELECT FROM placement p WHERE p.account_id = $1
        AND p.email_id = e.id) AS is_placed
FROM email e
LEFT JOIN hold h ON h.account_id = $1 AND h.email_id = e.id
WHERE e.account_id = $1 AND e.id = $2
AND (e.removed_at IS NULL OR h.email_id IS NOT NULL)
AND e.removed_why IS DISTINCT FROM 'deleted';

-- What a reviewer has written. Text without HTML, or HTML without text, takes
-- back what was written of the other before.
-- name: held_edit :must
-- args: account account, id email, bool has_subject, text? subject,
-- args: bool has_body, text? text, text? html, int? by
UPDATE hold SET
    edited_subject = CASE WHEN $3 THEN $4 ELSE edited_subject END,
    edited_text = CASE WHEN $5 THEN $6 ELSE edited_text END,
    edited_html = CASE WHEN $5 THEN $7 ELSE edited_html END,
    edited_by = $8, edited_at = now()
WHERE account_id = $1 AND email_id = $2 AND state = 'held';

-- Somebody has decided that it goes, with what is written of it now.
-- name: held_release :must
-- args: account account, id email, bool strip, id? target, int? by
UPDATE hold SET state = 'releasing', strip_attachments = $3,
    target_mailbox_id = $4, decided_by = $5, decided_at = now(),
    error_code = NULL, error_detail = NULL
WHERE account_id = $1 AND email_id = $2 AND state = 'held';

-- name: held_discard :must
-- args: account account, id email, int? by
WITH h AS (
	UPDATE hold SET state = 'discarded', ended_at = now(), decided_by = $3,
	    decided_at = now()
	WHERE account_id = $1 AND email_id = $2 AND state = 'held'
	RETURNING email_id
)
UPDATE email e SET interception_status = 'DISCARDED', status = 'DISCARDED',
    updated_at = now()
FROM h WHERE e.account_id = $1 AND e.id = h.email_id;

-- A person wants it held.
-- name: held_by_hand :must
-- args: account account, id email, int? by
INSERT INTO hold (application_id, account_id, email_id, credential_id, state,
    why, decided_by)
SELECT application_id, $1, id, credential_id, 'due', 'hand', $3 FROM email
WHERE account_id = $1 AND id = $2
ON CONFLICT (account_id, email_id) DO UPDATE SET state = 'due', why = 'hand',
    told_at = now(), ended_at = NULL, sha256 = NULL, edited_sha256 = NULL,
    edited_message_id = NULL, edited_subject = NULL, edited_text = NULL,
    edited_html = NULL, edited_by = NULL, edited_at = NULL,
    removed_files = NULL, decided_by = $3, decided_at = NULL,
    target_mailbox_id = NULL, strip_attachments = false
WHERE hold.state IN ('due', 'passed', 'released');

-- A folder of an email's mail account, by its name; not the quarantine.
-- name: held_folder :maybe
-- args: account account, id credential, text name
-- row:  hold_folder
SELECT id, name, wire_name, uidvalidity, delimiter FROM mailbox
WHERE account_id = $1 AND credential_id = $2 AND removed_at IS NULL
AND is_selectable
AND (name = $3 OR special_use = 'inbox' AND lower($3) = 'inbox')
AND NOT EXISTS (SELECT FROM credential c WHERE c.account_id = $1 AND c.id = $2
    AND name IN (c.quarantine_folder,
        'INBOX' || delimiter || c.quarantine_folder))
ORDER BY id LIMIT 1;

-- The mail accounts that are read, of those that a caller may see.
-- name: review_account_list :many
-- args: account account, int user, int most
-- row:  review_account
SELECT id, label AS account_name, email_address, host AS imap_host,
    port AS imap_port, is_active::int AS is_active, provider_type,
    last_checked, quarantine_folder
FROM credential
WHERE account_id = $1 AND (user_id IS NULL OR user_id = $2)
AND provider_kind = 'imap'
ORDER BY id LIMIT $3;

-- All mail that came, held or not. `whole`: also by its first words.
-- name: inbox_list :many
-- args: account account, text? like, text? status, bool whole, int skip,
-- args: int most
-- row:  inbox_email
SELECT e.id, e.credential_id AS account_id, e.subject,
    people_line(e.from_json) AS sender, e.status, e.interception_status,
    e.created_at
FROM email e
WHERE e.account_id = $1 AND e.direction = 'inbound'
AND (e.removed_at IS NULL OR e.interception_status = 'DISCARDED')
AND e.removed_why IS DISTINCT FROM 'deleted'
AND ($3 IS NULL OR e.status = $3 OR e.interception_status = $3)
AND ($2 IS NULL OR e.subject ILIKE $2 OR e.from_json ILIKE $2
    OR ($4 AND e.snippet ILIKE $2))
ORDER BY e.received_at DESC, e.id DESC
LIMIT $6 OFFSET $5;

-- The same, counted; stops at 10,001.
-- name: inbox_count :value
-- args: account account, text? like, text? status, bool whole
-- value: int
SELECT count(*) FROM (SELECT FROM email e
    WHERE e.account_id = $1 AND e.direction = 'inbound'
    AND (e.removed_at IS NULL OR e.interception_status = 'DISCARDED')
    AND e.removed_why IS DISTINCT FROM 'deleted'
    AND ($3 IS NULL OR e.status = $3 OR e.interception_status = $3)
    AND ($2 IS NULL OR e.subject ILIKE $2 OR e.from_json ILIKE $2
        OR ($4 AND e.snippet ILIKE $2))
    LIMIT 10001) AS capped;

-- What an account has chosen; one row in any case.
-- name: review_setting_get :one
-- args: account account
-- row:  review_setting
SELECT coalesce(r.review_policy, 'open') AS review_policy,
    r.hold_expiry_days,
    coalesce(r.hold_expiry_action, 'discard') AS hold_expiry_action
FROM (SELECT) AS always
LEFT JOIN review_setting r ON r.account_id = $1;

-- name: review_setting_put :must
-- args: account account, id application, text review_policy,
-- args: int? hold_expiry_days, text hold_expiry_action
INSERT INTO review_setting (account_id, application_id, review_policy,
    hold_expiry_days, hold_expiry_action)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (account_id) DO UPDATE SET
    review_policy = excluded.review_policy,
    hold_expiry_days = excluded.hold_expiry_days,
    hold_expiry_action = excluded.hold_expiry_action, updated_at = now();
