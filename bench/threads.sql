-- Threads for the figures: :rows emails in :account, ten a thread, the newest a
-- thread has each 310 seconds back from 2026; every thread has a label, each
-- fourth another. Ids are from :base on.
SET search_path = letterrack;
SET session_replication_role = replica; -- the keys hold by construction
SET synchronous_commit = off;

INSERT INTO credential (application_id, account_id, id, provider_kind, host,
    port, security_mode)
VALUES (:application, :account, :base + 1, 'imap', 'imap.example', 993,
    'ssl_tls');
INSERT INTO mailbox (application_id, account_id, id, credential_id, name,
    wire_name, special_use, uidvalidity)
VALUES (:application, :account, :base + 1, :base + 1, 'INBOX', 'INBOX', 'inbox',
    1);
INSERT INTO label (application_id, account_id, id, name, color)
SELECT :application, :account, :base + n, 'label ' || n, '#336699'
FROM generate_series(1, 20) AS n;

INSERT INTO thread (application_id, account_id, id, subject, status, labels,
    email_count, unread_count, attachment_count, last_message_at, sort_at,
    sender_email, sender_name, created_at)
SELECT :application, :account, :base + n, format('Order %s and the invoice', n),
    (ARRAY['open', 'closed', 'archived'])[1 + n % 3],
    CASE WHEN n % 4 = 0 THEN ARRAY[:base + 1 + n % 20, :base + 1 + (n + 7) % 20]
    ELSE ARRAY[:base + 1 + n % 20] END,
    10, n % 2, n % 3, at, at, format('anna.%s@example.org', n % 997),
    format('Anna Example %s', n % 997), at - interval '1 day'
FROM generate_series(0, :rows / 10 - 1) AS n,
    LATERAL (SELECT timestamptz '2026-01-01Z' - n * interval '310 s' AS at) AS t;

INSERT INTO email (application_id, account_id, credential_id, mailbox_id, uid,
    message_id, subject, from_json, to_json, sent_at, received_at, size_bytes,
    is_read, flags, snippet, thread_id, thread_rule)
SELECT :application, :account, :base + 1, :base + 1, n + 1,
    format('<%s.%s@mail.example.org>', md5(n::text), n),
    format('Re: Order %s and the invoice', n / 10),
    format('[{"name":"Anna Example %s","address":"anna.%s@example.org"}]',
        n / 10 % 997, n / 10 % 997),
    '[{"name":"Support","address":"support@letterrack.test"}]',
    at, at, 2000 + n % 50000, n % 10 <> 0,
    CASE WHEN n % 10 <> 0 THEN ARRAY['\Seen'] ELSE '{}' END,
    'Dear team, thank you for the quick answer. The parcel arrived on Monday.',
    :base + n / 10, CASE WHEN n % 10 = 9 THEN 'started' ELSE 'reply' END
FROM generate_series(0, :rows - 1) AS n,
    LATERAL (SELECT timestamptz '2026-01-01Z' - (n / 10) * interval '310 s'
        - (n % 10) * interval '1 hour' AS at) AS t;

INSERT INTO counter (application_id, account_id, name, n)
SELECT :application, :account, name, n FROM (
    SELECT 'emails' AS name, count(*) AS n FROM email
    WHERE account_id = :account
    UNION ALL SELECT 'unread', count(*) FROM email
    WHERE account_id = :account AND NOT is_read
    UNION ALL SELECT 'threads:' || status, count(*) FROM thread
    WHERE account_id = :account GROUP BY 1
    UNION ALL SELECT 'label:' || l, count(*) FROM thread, unnest(labels) AS l
    WHERE account_id = :account GROUP BY 1) AS c
ON CONFLICT (account_id, name) DO UPDATE SET n = excluded.n;

VACUUM (ANALYZE) email;
VACUUM (ANALYZE) thread;
ANALYZE;
