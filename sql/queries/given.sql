-- Mail that programs hand over by SMTP; see given.h.

-- What sends for an address: the account's credential for it, else the caller's
-- own. `policy` is the stricter of its own and that of the mail account that it
-- belongs to, `owner`; `may`: all of `froms` are addresses that the caller may
-- send as.
-- name: given_sender :maybe
-- args: account account, int user, text address, texts froms
-- row:  given_sender
SELECT s.id, s.email_address, coalesce(i.id, s.id) AS owner_id,
    CASE WHEN 'all' IN (s.hold_policy, i.hold_policy) THEN 'all'
        WHEN 'rules' IN (s.hold_policy, i.hold_policy) THEN 'rules'
        ELSE 'off' END AS policy,
    NOT EXISTS (SELECT FROM unnest($4::text[]) AS f (address)
        WHERE NOT EXISTS (SELECT FROM credential o WHERE o.account_id = $1
        AND o.provider_kind = 'smtp' AND o.is_active
        AND (o.user_id IS NULL OR o.user_id = $2)
        AND lower(o.email_address) = lower(f.address))) AS may
FROM credential s
LEFT JOIN LATERAL (SELECT c.id, c.hold_policy FROM credential c
    WHERE c.account_id = $1 AND c.provider_kind = 'imap' AND c.is_active
    AND c.user_id IS NOT DISTINCT FROM s.user_id
    AND (c.smtp_credential_id = s.id OR (c.smtp_credential_id IS NULL
        AND lower(c.email_address) = lower(s.email_address)))
    ORDER BY c.smtp_credential_id NULLS LAST, c.id LIMIT 1) AS i ON true
WHERE s.account_id = $1 AND s.provider_kind = 'smtp' AND s.is_active
AND (s.user_id IS NULL OR s.user_id = $2)
AND lower(s.email_address) = lower($3)
ORDER BY s.user_id NULLS FIRST, NOT s.is_default, s.id LIMIT 1;

-- The addresses that somebody may send as.
-- name: given_senders :value
-- args: account account, int user
-- value: texts
SELECT coalesce(array_agg(DISTINCT lower(email_address)), '{}')
FROM credential
WHERE account_id = $1 AND provider_kind = 'smtp' AND is_active
AND email_address IS NOT NULL AND (user_id IS NULL OR user_id = $2);

-- False: the very same was taken before.
-- name: given_is_new :value
-- args: account account, id application, bytes key
-- value: bool
WITH old AS (
	DELETE FROM given_once
	WHERE account_id = $1 AND created_at < now() - interval '5 days'
	AND key <> $3
), is_new AS (
	INSERT INTO given_once (application_id, account_id, key)
	VALUES ($2, $1, $3) ON CONFLICT DO NOTHING RETURNING 1
)
SELECT EXISTS (SELECT FROM is_new);

-- It waits for review: its bytes are in the raw store, and it is in no folder.
-- name: given_hold :exec
-- args: account account, id application, id credential, id owner, id email,
-- args: text message_id, text? in_reply_to, text? references, text? subject,
-- args: str from_json, str to_json, str cc_json, str bcc_json,
-- args: str reply_to_json, time sent_at, int size, bool attachments,
-- args: bytes sha256, bool is_utf8, text sender, texts addresses, texts kinds,
-- args: text why, text? preview, int4 score, texts keywords, texts tags,
-- args: time told
WITH e AS (
	INSERT INTO email (id, application_id, account_id, credential_id,
	    message_id, in_reply_to, "references", direction, subject,
	    from_json, to_json, cc_json, bcc_json, reply_to_json, sent_at,
	    received_at, size_bytes, is_read, flags, has_attachments, sha256,
	    snippet, status, interception_status)
	VALUES ($5, $2, $1, $4, $6, $7, $8, 'outbound', $9, $10, $11, $12, $13,
	    $14, $15, now(), $16, true, '{\Seen}', $17, $18, $24, 'HELD', 'HELD')
), counted AS (
	INSERT INTO counter (application_id, account_id, name, n)
	VALUES ($2, $1, 'emails', 1)
	ON CONFLICT (account_id, name) DO UPDATE SET n = counter.n + 1
), h AS (
	INSERT INTO hold (application_id, account_id, email_id, credential_id,
	    state, why, sha256, size_bytes, flags, preview, risk_score,
	    keywords, tags, told_at, held_at, latency_ms)
	VALUES ($2, $1, $5, $4, 'held', $23, $18, $16, '{\Seen}', $24, $25, $26,
	    $27, $28, clock_timestamp(), greatest(0,
	        extract(epoch FROM clock_timestamp() - $28) * 1000)::int)
)
INSERT INTO given_held (application_id, account_id, email_id, credential_id,
    sender, addresses, kinds, message_id, is_utf8)
VALUES ($2, $1, $5, $3, $20, $21, $22, $6, $19);

-- The envelope of a message that waits; no row: it came from a mail server.
-- name: given_envelope :maybe
-- args: account account, id email
-- row:  given_envelope
SELECT credential_id, is_utf8, message_id FROM given_held
WHERE account_id = $1 AND email_id = $2;

-- A message that waited is to be sent, as it was given or as it was edited.
-- name: given_send :must
-- args: account account, id email, id task, text message_id, bytes raw, int size,
-- args: text? subject, bytes edited, text? edited_id, texts removed
WITH h AS (
	UPDATE hold SET state = 'released', ended_at = now(),
	    edited_sha256 = $8, edited_message_id = $9, removed_files = $10,
	    error_code = NULL, error_detail = NULL
	WHERE account_id = $1 AND email_id = $2 AND state = 'releasing'
	RETURNING email_id
), s AS (
	INSERT INTO submission (application_id, account_id, credential_id,
	    email_id, task_id, message_id, raw_sha256, is_utf8, sender)
	SELECT g.application_id, $1, g.credential_id, $2, $3, $4, $5, g.is_utf8,
	    g.sender
	FROM given_held g JOIN h ON h.email_id = g.email_id
	WHERE g.account_id = $1 AND g.email_id = $2
	RETURNING id, email_id
), r AS (
	INSERT INTO submission_recipient (application_id, account_id,
	    submission_id, n, address, kind)
	SELECT g.application_id, $1, s.id, t.n, t.address, t.kind
	FROM s, given_held g, unnest(g.addresses, g.kinds)
	    WITH ORDINALITY AS t (address, kind, n)
	WHERE g.account_id = $1 AND g.email_id = $2
), gone AS (
	DELETE FROM given_held USING s
	WHERE account_id = $1 AND given_held.email_id = s.email_id
)
UPDATE email e SET status = 'queued', interception_status = 'RELEASED',
    message_id = $4, sha256 = $5, size_bytes = $6,
    subject = coalesce($7, e.subject), updated_at = now()
FROM s WHERE e.account_id = $1 AND e.id = s.email_id;
