-- What the emails of :account say, for the figures of the search: sixty words
-- each, of which word n is as frequent as in any language (Zipf). The vectors are
-- made as the sync's job makes them.
SET search_path = letterrack;
SET synchronous_commit = off;
SET maintenance_work_mem = '512MB';

-- An index that is made at the end takes a fifth of the time.
CREATE TEMP TABLE index_of AS SELECT indexrelid::regclass::text AS name,
    pg_get_indexdef(indexrelid) AS made
FROM pg_index WHERE indrelid = 'email_text'::regclass
AND indexrelid::regclass::text IN ('email_text_tsv', 'email_text_meta');
DROP INDEX email_text_tsv, email_text_meta;

INSERT INTO email_text (application_id, account_id, email_id, credential_id,
    received_at, language, meta, tsv, body)
SELECT e.application_id, e.account_id, e.id, e.credential_id, e.received_at,
    'english', m.meta,
    m.meta || setweight(to_tsvector('search_english', t.words), 'D'),
    'Dear team, ' || t.words || ' ' || repeat(e.snippet || ' ', 10)
FROM email e CROSS JOIN LATERAL (SELECT
    setweight(to_tsvector('search_english', search_fold(e.subject)), 'A')
    || setweight(to_tsvector('search_simple', search_people(e.from_json)), 'B')
    || setweight(to_tsvector('search_simple', search_people(e.to_json)), 'C')
    AS meta OFFSET 0) AS m
CROSS JOIN LATERAL (SELECT string_agg(
    'w' || floor(exp(random() * ln(50000)))::int, ' ') AS words
    FROM generate_series(1, 60 + (e.id - e.id)::int) OFFSET 0) AS t
WHERE e.account_id = :account;

SELECT made FROM index_of \gexec
VACUUM (ANALYZE) email_text;
