-- Emails for the HTTP figures: :rows of them in :account, one each 31 seconds
-- back from 2026, of the width that mail has.
SET search_path = letterrack;
SET session_replication_role = replica; -- the keys hold by construction
SET synchronous_commit = off;

INSERT INTO credential (application_id, account_id, id, provider_kind, host,
    port, security_mode)
VALUES (:application, :account, 1000001, 'imap', 'imap.example', 993, 'ssl_tls');

INSERT INTO mailbox (application_id, account_id, id, credential_id, name,
    wire_name, special_use, uidvalidity)
VALUES (:application, :account, 1000001, 1000001, 'INBOX', 'INBOX', 'inbox', 1);

INSERT INTO email (application_id, account_id, credential_id, mailbox_id, uid,
    message_id, in_reply_to, "references", subject, from_json, to_json, cc_json,
    sent_at, received_at, size_bytes, is_read, flags, has_attachments, snippet,
    structure)
SELECT :application, :account, 1000001, 1000001, :rows - n,
    format('<%s.%s@mail.example.org>', md5(n::text), n),
    CASE WHEN n % 2 = 0 THEN format('<%s@mail.example.org>', md5((n / 2)::text)) END,
    CASE WHEN n % 2 = 0 THEN format('<%s@mail.example.org> <%s@mail.example.org>',
        md5((n / 4)::text), md5((n / 2)::text)) END,
    format('Re: Order %s and what became of the %s', n,
        (ARRAY['invoice', 'delivery', 'Rückgabe', 'quote'])[1 + n % 4]),
    format('[{"name":"Anna Example %s","address":"anna.%s@example.org"}]',
        n % 997, n % 997)::json,
    '[{"name":"Support","address":"support@letterrack.test"}]',
    CASE WHEN n % 5 = 0 THEN
        '[{"name":null,"address":"team@letterrack.test"}]'::json END,
    timestamptz '2026-01-01Z' - n * interval '31 s',
    timestamptz '2026-01-01Z' - n * interval '31 s',
    2000 + n % 50000, n % 3 <> 0,
    CASE WHEN n % 3 <> 0 THEN ARRAY['\Seen'] ELSE '{}' END, n % 10 = 0,
    'Dear team, thank you for the quick answer. The parcel arrived on Monday, '
    || 'but the second item is still missing; could you please look into it?',
    format('[{"part":"1","type":"text/plain","charset":"utf-8","encoding":'
        '"quoted-printable","size":%s},{"part":"2","type":"text/html",'
        '"charset":"utf-8","encoding":"quoted-printable","size":%s}]',
        n % 3000, n % 9000)::json
FROM generate_series(0, :rows - 1) AS n;

INSERT INTO counter (application_id, account_id, name, n)
VALUES (:application, :account, 'emails', :rows),
    (:application, :account, 'unread', (:rows + 2) / 3);

VACUUM (ANALYZE) email;
ANALYZE;
