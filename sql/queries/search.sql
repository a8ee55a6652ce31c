-- Words of mail: put in by the sync, looked for by the API. How it works stands
-- in 0130-search.sql.
-- uses: email, search

-- Puts emails in. NULL: their text was not read. How many were changed.
-- name: search_put :exec
-- args: account account, ids emails, texts words, texts bodies
SELECT search_put($1, $2, $3, $4);

-- What may not be kept, or is no longer there, goes; how many.
-- name: search_clear :value
-- args: account account, id credential, int most
-- value: int
SELECT search_clear($1, $2, $3);

-- All that was there before has been read.
-- name: search_in_step :exec
-- args: account account, id credential
UPDATE credential SET texts_due = false
WHERE account_id = $1 AND id = $2 AND texts_due;

-- Emails that a query finds, in order; `full`: in their texts, too, and with
-- extracts, in which \x02 and \x03 stand around what was looked for.
-- name: search_emails :many
-- args: account account, bool full, texts terms, int4s kinds, bool by_rank
-- args: id? mailbox, id? credential, bool? is_read, bool? is_flagged
-- args: bool? is_answered, bool? is_draft, bool? attachments, time? since
-- args: time? until, text? direction, texts labels, texts unlabels
-- args: bool? is_assigned, time before, id before_id, int most, int skip
-- row:  email
SELECT r.*, f.place, f.extract
FROM search_find($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14,
    $15, $16, $17, $18, $19, $20, $21, $22) AS f
JOIN email_row r ON r.account_id = $1 AND r.id = f.email_id
ORDER BY f.place;

-- The same as the second document shows emails.
-- name: search_hits :many
-- args: account account, bool full, texts terms, int4s kinds, bool by_rank
-- args: id? mailbox, id? credential, bool? is_read, bool? is_flagged
-- args: bool? is_answered, bool? is_draft, bool? attachments, time? since
-- args: time? until, text? direction, texts labels, texts unlabels
-- args: bool? is_assigned, time before, id before_id, int most, int skip
-- row:  search_hit
SELECT r.id, r.thread_id, r.message_id, r.subject,
    r.from_json::json->0->>'address' AS from_email,
    r.from_json::json->0->>'name' AS from_name,
    ARRAY(SELECT p->>'address' FROM json_array_elements(r.to_json::json) AS p)
    AS to_addresses,
    ARRAY(SELECT p->>'address' FROM json_array_elements(r.cc_json::json) AS p)
    AS cc_addresses,
    r.is_read, r.direction = 'outbound' AS is_outgoing, r.has_attachments,
    r.sent_at, r.received_at, r.created_at, f.extract
FROM search_find($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14,
    $15, $16, $17, $18, $19, $20, $21, $22) AS f
JOIN email_row r ON r.account_id = $1 AND r.id = f.email_id
ORDER BY f.place;
