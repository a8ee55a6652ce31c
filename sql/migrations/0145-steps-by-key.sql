-- What follows a first sync is found by its key, whatever statistics say: there
-- are none yet, and each step of it walked through all of the account.

SET LOCAL search_path = letterrack;

-- Adds to the numbers of threads, whose rows are locked first in one order:
-- what is read behind that is what others have committed by then. An id is one
-- account's only.
CREATE OR REPLACE FUNCTION thread_add(p_accounts bigint[], p_threads bigint[],
    p_emails bigint[], p_unread bigint[], p_attached bigint[])
RETURNS void LANGUAGE plpgsql
SET search_path = letterrack, pg_temp
SET plan_cache_mode = force_custom_plan AS $$
BEGIN
	PERFORM FROM thread
	WHERE account_id = ANY (p_accounts) AND id = ANY (p_threads)
	ORDER BY account_id, id FOR NO KEY UPDATE;
	UPDATE thread t SET (email_count, unread_count, attachment_count,
	    last_message_at, sort_at, sender_email, sender_name, updated_at) =
	(SELECT t.email_count + p_emails[d.i], t.unread_count + p_unread[d.i],
	    t.attachment_count + p_attached[d.i], l.received_at,
	    coalesce(l.received_at, t.created_at),
	    left(s.people->0->>'address', 320), left(s.people->0->>'name', 320),
	    now()
	FROM (SELECT array_position(p_threads, t.id) AS i) AS d
	LEFT JOIN LATERAL (SELECT e.received_at FROM email e
	    WHERE e.account_id = t.account_id AND e.thread_id = t.id
	    AND e.removed_at IS NULL
	    ORDER BY e.received_at DESC, e.id DESC LIMIT 1) AS l ON true
	LEFT JOIN LATERAL (SELECT coalesce(
	    (SELECT e.from_json FROM email e
	    WHERE e.account_id = t.account_id AND e.thread_id = t.id
	    AND e.removed_at IS NULL AND e.direction = 'inbound'
	    ORDER BY e.received_at, e.id LIMIT 1),
	    (SELECT e.from_json FROM email e
	    WHERE e.account_id = t.account_id AND e.thread_id = t.id
	    AND e.removed_at IS NULL
	    ORDER BY e.received_at, e.id LIMIT 1))::json AS people) AS s ON true)
	WHERE t.account_id = ANY (p_accounts) AND t.id = ANY (p_threads);
END $$;

-- Puts emails in, or changes what has changed of them. `words` and `bodies`
-- NULL: their text was not read; what is known of it stays.
CREATE OR REPLACE FUNCTION search_put(p_account bigint, p_emails bigint[], p_words text[],
    p_bodies text[]) RETURNS bigint
LANGUAGE plpgsql SET search_path = letterrack, pg_temp
SET client_min_messages = warning AS $$
DECLARE
	v_language text := search_language_of(p_account);
	v_config regconfig := ('letterrack.search_' || v_language)::regconfig;
	n bigint;
BEGIN
	INSERT INTO email_text AS t (application_id, account_id, email_id,
	    credential_id, received_at, gone_at, language, meta, tsv, body)
	SELECT e.application_id, p_account, e.id, e.credential_id, e.received_at,
	    e.removed_at, v_language, m.meta,
	    m.meta || setweight(to_tsvector(v_config, coalesce(u.words, '')), 'D'),
	    u.body
	FROM unnest(p_emails, p_words, p_bodies) AS u (id, words, body)
	CROSS JOIN LATERAL (SELECT * FROM email
	    WHERE account_id = p_account AND id = u.id OFFSET 0) AS e
	CROSS JOIN LATERAL (SELECT
	    setweight(to_tsvector(v_config, coalesce(search_fold(e.subject), '')),
	        'A')
	    || setweight(to_tsvector('search_simple',
	        coalesce(search_people(e.from_json), '')), 'B')
	    || setweight(to_tsvector('search_simple', concat_ws(' ',
	        search_people(e.to_json), search_people(e.cc_json),
	        search_people(e.bcc_json))), 'C')
	    || setweight(to_tsvector('search_simple', coalesce((SELECT
	        search_fold(string_agg(told.filename, ' '))
	        FROM email_told(e.structure) AS told), '')), 'D') AS meta
	    OFFSET 0) AS m
	WHERE e.removed_why IS DISTINCT FROM 'deleted'
	ON CONFLICT (account_id, email_id) DO UPDATE SET
	    gone_at = excluded.gone_at, language = excluded.language,
	    meta = excluded.meta, tsv = excluded.tsv, body = excluded.body
	WHERE (excluded.body IS NOT NULL
	    AND t.body IS DISTINCT FROM excluded.body)
	OR (t.body IS NULL AND t.tsv <> excluded.tsv)
	OR t.language <> excluded.language;
	GET DIAGNOSTICS n = ROW_COUNT;
	RETURN n;
END $$;
