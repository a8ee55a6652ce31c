-- What happened, for programs that listen; in the transaction of what it
-- tells. One about somebody's personal mail account is theirs alone.
-- name: event_insert :exec
-- args: account account, id application, text name, json data, id? credential
INSERT INTO event (account_id, application_id, name, data, user_id)
VALUES ($1, $2, $3, $4, (SELECT c.user_id FROM credential c
    WHERE c.account_id = $1 AND c.id = $5));

-- Mail that has come; behind its ingest, in that transaction. What lies among
-- sent mail, drafts or in the bin was not received there.
-- name: event_received :exec
-- args: account account, id mailbox, ids emails
INSERT INTO event (application_id, account_id, name, data, user_id)
SELECT e.application_id, e.account_id, 'email.received', json_build_object(
    'email_id', e.id, 'credential_id', e.credential_id,
    'mailbox_id', b.id, 'folder', b.name, 'uid', e.uid,
    'message_id', left(e.message_id, 998),
    'subject', left(e.subject, 998),
    'from', CASE WHEN length(e.from_json) <= 4000 THEN e.from_json::json END,
    'received_at', e.received_at, 'size_bytes', e.size_bytes,
    'has_attachments', e.has_attachments), c.user_id
FROM email e
JOIN mailbox b ON b.account_id = e.account_id AND b.id = $2
JOIN credential c ON c.account_id = e.account_id AND c.id = e.credential_id
WHERE e.account_id = $1 AND e.id = ANY ($3) AND NOT e.is_draft
AND coalesce(b.special_use, '') NOT IN ('sent', 'drafts', 'trash')
ORDER BY e.id;

-- What happened behind a place in the order of commits. What lies above a
-- transaction that still runs waits: that may be committed between.
-- name: event_replay :many
-- args: account account, text xid, id id, int most
-- row:  event_seen
SELECT id, name AS event, created_at, account_id, data,
    xid::text || '-' || id AS cursor
FROM event
WHERE account_id = $1 AND (xid, id) > ($2::text::xid8, $3)
AND xid < pg_snapshot_xmin(pg_current_snapshot())
AND created_at > now() - interval '30 days'
ORDER BY xid, id LIMIT $4;

-- The place of an event that is known by its number.
-- name: event_place :value
-- args: account account, id id
-- value: text
SELECT xid::text || '-' || id FROM event WHERE account_id = $1 AND id = $2;

-- The place behind all that is shown by now.
-- name: event_now :value
-- value: text
-- scope: global: a number of the server
SELECT pg_snapshot_xmin(pg_current_snapshot())::text || '-0';

-- Removes a few of a kind that ended `keep` seconds ago; how many.
-- name: event_clear :value
-- args: text what, int4 keep, int4 most
-- value: int
-- scope: global: old rows of all accounts
SELECT event_clear($1, $2, $3);
