-- Words of mail, to be looked for.

SET LOCAL search_path = letterrack;

-- Both are trusted: whoever owns the database may add them. In a schema of
-- their own, since functions of this one are granted and revoked all at once.
CREATE SCHEMA IF NOT EXISTS letterrack_extension;
CREATE EXTENSION IF NOT EXISTS btree_gin SCHEMA letterrack_extension;
CREATE EXTENSION IF NOT EXISTS unaccent SCHEMA letterrack_extension;

-- Each language that PostgreSQL can stem, with accents taken off first: search_german
-- finds Häuser by haus. search_simple does not stem: names, addresses, files.
DO $$
DECLARE
	c record;
	t record;
	fold text;
BEGIN
	SELECT format('%I.%I', n.nspname, d.dictname) INTO fold
	FROM pg_ts_dict d JOIN pg_namespace n ON n.oid = d.dictnamespace
	WHERE d.dictname = 'unaccent';
	FOR c IN SELECT oid, cfgname FROM pg_ts_config
	    WHERE cfgnamespace = 'pg_catalog'::regnamespace LOOP
		EXECUTE format('CREATE TEXT SEARCH CONFIGURATION %I
		    (COPY = pg_catalog.%I)', 'search_' || c.cfgname, c.cfgname);
		FOR t IN SELECT k.alias, m.mapdict::regdictionary::text AS dict
		    FROM pg_ts_config_map m
		    JOIN ts_token_type('default') k ON k.tokid = m.maptokentype
		    WHERE m.mapcfg = c.oid AND m.mapseqno = 1
		    AND k.alias IN ('word', 'hword', 'hword_part') LOOP
			EXECUTE format('ALTER TEXT SEARCH CONFIGURATION %I
			    ALTER MAPPING FOR %I WITH %s, %s',
			    'search_' || c.cfgname, t.alias, fold, t.dict);
		END LOOP;
	END LOOP;
END $$;

-- The language whose words are stemmed: of the application, and of an account
-- that has another one.
ALTER TABLE application ADD COLUMN search_language text NOT NULL
	DEFAULT 'english' CHECK (search_language ~ '^[a-z]{1,40}$');
ALTER TABLE account ADD COLUMN search_language text
	CHECK (search_language ~ '^[a-z]{1,40}$');

CREATE FUNCTION search_language_of(p_account bigint) RETURNS text
LANGUAGE sql STABLE SET search_path = letterrack, pg_temp AS $$
	SELECT coalesce(a.search_language, p.search_language)
	FROM account a JOIN application p ON p.id = a.application_id
	WHERE a.id = p_account
$$;

-- Texts of mail that was there before are to be read: the next sync asks for the
-- job that does.
ALTER TABLE credential ADD COLUMN texts_due boolean NOT NULL DEFAULT false;

-- What of an email can be looked for. `meta`: subject (A), senders (B),
-- receivers (C) and names of files (D), which viewers may look in, too. `tsv`:
-- that and the text (D). `body`: the beginning of the text, for extracts; NULL
-- where it was not fetched or may not be kept (body_policy). `gone_at`: it lies
-- nowhere any more.
-- The wide columns lie outside the row, so that what a search walks along, and
-- what it sorts by time, is small.
CREATE TABLE email_text (
	application_id bigint NOT NULL,
	account_id bigint NOT NULL,
	email_id bigint NOT NULL,
	credential_id bigint,
	received_at timestamptz NOT NULL,
	gone_at timestamptz,
	language text NOT NULL,
	meta tsvector NOT NULL,
	tsv tsvector NOT NULL,
	body text,
	PRIMARY KEY (account_id, email_id),
	FOREIGN KEY (account_id, email_id) REFERENCES email ON DELETE CASCADE
) WITH (toast_tuple_target = 256);
ALTER TABLE email_text ALTER COLUMN tsv SET STORAGE EXTERNAL,
	ALTER COLUMN meta SET STORAGE MAIN,
	ALTER COLUMN tsv SET STATISTICS 0, ALTER COLUMN meta SET STATISTICS 0;
CREATE INDEX email_text_time ON email_text
	(account_id, received_at DESC, email_id DESC);
-- What waits to be put in is read by each search, so it is little.
CREATE INDEX email_text_tsv ON email_text USING gin (account_id, tsv)
	WITH (gin_pending_list_limit = 256);
CREATE INDEX email_text_meta ON email_text USING gin (account_id, meta)
	WITH (gin_pending_list_limit = 256);
CREATE INDEX email_text_gone ON email_text (account_id, gone_at)
	WHERE gone_at IS NOT NULL;
-- Looked for where the text may not be kept any more.
CREATE INDEX email_text_kept ON email_text (account_id, credential_id)
	WHERE body IS NOT NULL;

ALTER TABLE email_text ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON email_text USING (account_id =
	(SELECT current_setting('letterrack.account')::bigint));
CREATE POLICY personal ON email_text AS RESTRICTIVE
	USING (CASE WHEN credential_id = ANY (ARRAY(SELECT credential_id
	FROM foreign_personal)) THEN NULL ELSE true END IS NOT NULL);

-- ------------------------------------------------------------- putting in

-- Words of a text, as src/domain/search-words.c takes them apart: a letter or
-- digit of ASCII, and whatever is not ASCII, belongs to one.
CREATE FUNCTION search_fold(p_text text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT regexp_replace(left(p_text, 20000), '[ -/:-@[-`{-~[:cntrl:]]+',
	    ' ', 'g')
$$;

CREATE FUNCTION search_people(p_json text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = letterrack, pg_temp
AS $$
	SELECT search_fold(string_agg(concat_ws(' ', p->>'name', p->>'address'),
	    ' . ')) FROM json_array_elements(p_json::json) AS p
$$;

-- Puts emails in, or changes what has changed of them. `words` and `bodies`
-- NULL: their text was not read; what is known of it stays.
CREATE FUNCTION search_put(p_account bigint, p_emails bigint[], p_words text[],
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
	JOIN email e ON e.account_id = p_account AND e.id = u.id
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

-- Mail that no server holds is put in as it is made: no job comes for it.
CREATE FUNCTION search_put_made() RETURNS trigger
LANGUAGE plpgsql SET search_path = letterrack, pg_temp AS $$
BEGIN
	PERFORM search_put(NEW.account_id, ARRAY[NEW.id], ARRAY[NULL::text],
	    ARRAY[NULL::text]);
	RETURN NULL;
END $$;
CREATE TRIGGER search_put_made AFTER INSERT ON email FOR EACH ROW
	WHEN (NEW.credential_id IS NULL) EXECUTE FUNCTION search_put_made();

-- What is deleted goes at once. What has vanished from its server may have been
-- moved: it is not found, and goes a day later (search_clear), or comes back.
-- What has come back and is not there any more is read again.
CREATE FUNCTION search_follow() RETURNS trigger
LANGUAGE plpgsql SET search_path = letterrack, pg_temp AS $$
BEGIN
	IF NEW.removed_why = 'deleted' THEN
		DELETE FROM email_text
		WHERE account_id = NEW.account_id AND email_id = NEW.id;
		RETURN NEW;
	END IF;
	UPDATE email_text SET gone_at = NEW.removed_at
	WHERE account_id = NEW.account_id AND email_id = NEW.id;
	IF NOT FOUND AND NEW.removed_at IS NULL THEN
		NEW.text_due := NEW.credential_id IS NOT NULL;
	END IF;
	RETURN NEW;
END $$;
CREATE TRIGGER search_follow BEFORE UPDATE OF removed_at ON email FOR EACH ROW
	WHEN (OLD.removed_at IS DISTINCT FROM NEW.removed_at)
	EXECUTE FUNCTION search_follow();

-- Mail that was sent belongs to a mail account when its copy lies there: it is
-- hidden with that, and its text is read there.
CREATE FUNCTION search_follow_owner() RETURNS trigger
LANGUAGE plpgsql SET search_path = letterrack, pg_temp AS $$
BEGIN
	UPDATE email_text SET credential_id = NEW.credential_id
	WHERE account_id = NEW.account_id AND email_id = NEW.id;
	NEW.text_due := NEW.credential_id IS NOT NULL;
	RETURN NEW;
END $$;
CREATE TRIGGER search_follow_owner BEFORE UPDATE OF credential_id ON email
	FOR EACH ROW WHEN (OLD.credential_id IS DISTINCT FROM NEW.credential_id)
	EXECUTE FUNCTION search_follow_owner();

-- Another body_policy: all is looked at again, for what is to be fetched now.
CREATE FUNCTION search_policy() RETURNS trigger
LANGUAGE plpgsql SET search_path = letterrack, pg_temp AS $$
BEGIN
	NEW.text_done_id := 0;
	NEW.texts_due := true;
	RETURN NEW;
END $$;
CREATE TRIGGER search_policy BEFORE UPDATE OF body_policy ON credential
	FOR EACH ROW WHEN (OLD.body_policy <> NEW.body_policy)
	EXECUTE FUNCTION search_policy();

-- What is to go: text that may not be kept any more, and what has vanished more
-- than a day ago; of one mail account, at most so many rows. How many.
CREATE FUNCTION search_clear(p_account bigint, p_credential bigint,
    p_most bigint) RETURNS bigint
LANGUAGE plpgsql SET search_path = letterrack, pg_temp AS $$
DECLARE
	n bigint;
	more bigint;
BEGIN
	DELETE FROM email_text WHERE account_id = p_account AND email_id IN
	    (SELECT email_id FROM email_text WHERE account_id = p_account
	    AND gone_at < now() - interval '1 day' LIMIT p_most);
	GET DIAGNOSTICS n = ROW_COUNT;
	UPDATE email_text SET body = NULL, tsv = meta
	WHERE account_id = p_account AND email_id IN
	    (SELECT email_id FROM email_text WHERE account_id = p_account
	    AND credential_id = p_credential AND body IS NOT NULL AND EXISTS
	        (SELECT FROM credential WHERE account_id = p_account
	        AND id = p_credential AND body_policy = 'metadata')
	    LIMIT p_most);
	GET DIAGNOSTICS more = ROW_COUNT;
	RETURN n + more;
END $$;

-- ------------------------------------------------------------- looking for

-- A query of terms, each in the language of to_tsquery, which
-- src/domain/search-query.c writes. Kinds: 0 words anywhere, 1 subject, 2
-- people; + 4: left out. Words are looked for as they are, too, since names are
-- not stemmed; those that a language does not count are left out. `is_some`:
-- something is to be there, not only away.
CREATE FUNCTION search_query(p_account bigint, p_terms text[],
    p_kinds integer[], OUT words tsquery, OUT fields tsquery, OUT shown tsquery,
    OUT is_some boolean)
LANGUAGE plpgsql STABLE SET search_path = letterrack, pg_temp
SET client_min_messages = warning AS $$
DECLARE
	v_config regconfig :=
	    ('letterrack.search_' || search_language_of(p_account))::regconfig;
	kind integer;
	q tsquery;
BEGIN
	is_some := false;
	FOR i IN 1 .. coalesce(cardinality(p_terms), 0) LOOP
		kind := p_kinds[i] % 4;
		q := to_tsquery(CASE kind WHEN 2 THEN 'letterrack.search_simple'
		    ELSE v_config END, p_terms[i]);
		CONTINUE WHEN numnode(q) = 0;
		IF kind = 0 AND q <> to_tsquery('search_simple', p_terms[i]) THEN
			q := q || to_tsquery('search_simple', p_terms[i]);
		END IF;
		IF p_kinds[i] >= 4 THEN
			q := !!q;
		ELSE
			is_some := true;
			IF kind = 0 THEN
				shown := coalesce(shown || q, q);
			END IF;
		END IF;
		IF kind = 0 THEN
			words := coalesce(words && q, q);
		ELSE
			fields := coalesce(fields && q, q);
		END IF;
	END LOOP;
END $$;

-- The newest matches by the index of words, at most p_most. The planner takes a
-- tsvector for cheap; it lies outside its row, and to read a million of them
-- takes ten seconds, so this looks at nothing but the index.
CREATE FUNCTION search_by_index(p_account bigint, p_full boolean,
    p_words tsquery, p_fields tsquery, p_since timestamptz, p_until timestamptz,
    p_before timestamptz, p_before_id bigint, p_foreign bigint[], p_most bigint)
RETURNS bigint[]
LANGUAGE plpgsql STABLE SET search_path = letterrack, pg_temp
SET plan_cache_mode = force_custom_plan SET enable_seqscan = off
SET enable_indexscan = off AS $$
BEGIN
	RETURN ARRAY(SELECT t.email_id FROM (SELECT received_at, email_id
	    FROM email_text WHERE account_id = p_account AND gone_at IS NULL
	    AND (p_words IS NULL
	        OR CASE WHEN p_full THEN tsv ELSE meta END @@ p_words)
	    AND (p_fields IS NULL OR meta @@ p_fields)
	    AND received_at >= p_since AND received_at < p_until
	    AND (received_at, email_id) < (p_before, p_before_id)
	    AND (credential_id = ANY (p_foreign)) IS NOT TRUE OFFSET 0) AS t
	    ORDER BY t.received_at DESC, t.email_id DESC LIMIT p_most);
END $$;

-- The same among the newest p_walk emails. Frequent words are found here.
CREATE FUNCTION search_by_time(p_account bigint, p_full boolean,
    p_words tsquery, p_fields tsquery, p_since timestamptz, p_until timestamptz,
    p_before timestamptz, p_before_id bigint, p_foreign bigint[], p_most bigint,
    p_walk bigint)
RETURNS bigint[]
LANGUAGE plpgsql STABLE SET search_path = letterrack, pg_temp
SET plan_cache_mode = force_custom_plan SET enable_seqscan = off
SET enable_bitmapscan = off SET enable_sort = off AS $$
BEGIN
	RETURN ARRAY(SELECT t.email_id FROM (SELECT * FROM email_text
	    WHERE account_id = p_account
	    AND received_at >= p_since AND received_at < p_until
	    AND (received_at, email_id) < (p_before, p_before_id)
	    ORDER BY received_at DESC, email_id DESC LIMIT p_walk) AS t
	    WHERE gone_at IS NULL AND (p_words IS NULL
	        OR CASE WHEN p_full THEN tsv ELSE meta END @@ p_words)
	    AND (p_fields IS NULL OR meta @@ p_fields)
	    AND (credential_id = ANY (p_foreign)) IS NOT TRUE
	    LIMIT p_most);
END $$;

-- Finds emails: `place` is their order. It looks over the wall of rows, since
-- behind a policy no index of words can be used (@@ is not leakproof); so it
-- holds the account against the caller's itself, and leaves out what hangs on
-- personal mail accounts of others. It tells ids and extracts, and these only
-- where p_full.
-- Time is bounded: the newest are walked along, twenty times as many as are
-- wanted, which finds frequent words; then the index finds what is rarer, the
-- newest 20,000 of it at most. By rank: of the newest 1,000 that match.
CREATE FUNCTION search_find(p_account bigint, p_full boolean, p_terms text[],
    p_kinds integer[], p_by_rank boolean, p_mailbox bigint, p_credential bigint,
    p_is_read boolean, p_is_flagged boolean, p_is_answered boolean,
    p_is_draft boolean, p_attachments boolean, p_since timestamptz,
    p_until timestamptz, p_direction text, p_before timestamptz,
    p_before_id bigint, p_most bigint, p_skip bigint)
RETURNS TABLE (email_id bigint, place bigint, "extract" text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = letterrack, pg_temp
SET plan_cache_mode = force_custom_plan AS $$
DECLARE
	q record;
	v_foreign bigint[] := ARRAY(SELECT credential_id FROM foreign_personal);
	v_since timestamptz := coalesce(p_since, '-infinity');
	v_until timestamptz := coalesce(p_until, 'infinity');
	v_config regconfig;
	v_want bigint := p_skip + p_most;
	v_found bigint[]; -- that have the words
	v_ids bigint[];   -- of these, what the filters leave
BEGIN
	IF p_account IS DISTINCT FROM scope_account() THEN
		RAISE EXCEPTION 'Another account is looked into.'
		    USING ERRCODE = 'LR403';
	END IF;
	q := search_query(p_account, p_terms, p_kinds);
	IF p_by_rank THEN
		v_want := 1000;
	END IF;
	IF q.words IS NULL AND q.fields IS NULL THEN
		v_ids := ARRAY(SELECT e.id FROM email e
		    WHERE e.account_id = p_account AND e.removed_at IS NULL
		    AND e.received_at >= v_since AND e.received_at < v_until
		    AND (e.received_at, e.id) < (p_before, p_before_id)
		    AND (e.credential_id = ANY (v_foreign)) IS NOT TRUE
		    AND (p_mailbox IS NULL OR e.mailbox_id = p_mailbox
		        OR EXISTS (SELECT FROM placement l
		            WHERE l.account_id = p_account
		            AND l.mailbox_id = p_mailbox AND l.email_id = e.id))
		    AND (p_credential IS NULL OR e.credential_id = p_credential)
		    AND (p_is_read IS NULL OR e.is_read = p_is_read)
		    AND (p_is_flagged IS NULL OR e.is_flagged = p_is_flagged)
		    AND (p_is_answered IS NULL OR e.is_answered = p_is_answered)
		    AND (p_is_draft IS NULL OR e.is_draft = p_is_draft)
		    AND (p_attachments IS NULL OR e.has_attachments = p_attachments)
		    AND (p_direction IS NULL OR e.direction = p_direction)
		    ORDER BY e.received_at DESC, e.id DESC LIMIT v_want);
	ELSE FOR turn IN 1 .. CASE WHEN q.is_some THEN 2 ELSE 1 END LOOP
		v_found := CASE WHEN turn = 1 THEN search_by_time(p_account, p_full,
		    q.words, q.fields, v_since, v_until, p_before, p_before_id,
		    v_foreign, 20000, CASE WHEN q.is_some
		    THEN least(20 * v_want, 5000) ELSE 20000 END)
		ELSE search_by_index(p_account, p_full, q.words, q.fields, v_since,
		    v_until, p_before, p_before_id, v_foreign, 20000) END;
		v_ids := ARRAY(SELECT e.id
		    FROM unnest(v_found) WITH ORDINALITY AS f (id, place)
		    JOIN email e ON e.account_id = p_account AND e.id = f.id
		    WHERE e.removed_at IS NULL
		    AND (p_mailbox IS NULL OR e.mailbox_id = p_mailbox
		        OR EXISTS (SELECT FROM placement l
		            WHERE l.account_id = p_account
		            AND l.mailbox_id = p_mailbox AND l.email_id = e.id))
		    AND (p_credential IS NULL OR e.credential_id = p_credential)
		    AND (p_is_read IS NULL OR e.is_read = p_is_read)
		    AND (p_is_flagged IS NULL OR e.is_flagged = p_is_flagged)
		    AND (p_is_answered IS NULL OR e.is_answered = p_is_answered)
		    AND (p_is_draft IS NULL OR e.is_draft = p_is_draft)
		    AND (p_attachments IS NULL OR e.has_attachments = p_attachments)
		    AND (p_direction IS NULL OR e.direction = p_direction)
		    ORDER BY f.place LIMIT v_want);
		EXIT WHEN cardinality(v_ids) >=
		    CASE WHEN p_by_rank THEN 250 ELSE v_want END;
	END LOOP; END IF;
	IF p_by_rank AND q.shown IS NOT NULL THEN
		v_ids := ARRAY(SELECT t.email_id
		    FROM unnest(v_ids) WITH ORDINALITY AS f (id, place)
		    JOIN email_text t ON t.account_id = p_account
		    AND t.email_id = f.id
		    ORDER BY ts_rank_cd(CASE WHEN p_full THEN t.tsv ELSE t.meta END,
		        q.shown) DESC, f.place);
	END IF;
	v_config :=
	    ('letterrack.search_' || search_language_of(p_account))::regconfig;
	RETURN QUERY SELECT f.id, f.place,
	    CASE WHEN p_full AND q.shown IS NOT NULL THEN ts_headline(v_config,
	        t.body, q.shown, 'StartSel=' || chr(2) || ', StopSel=' || chr(3)
	        || ', MaxFragments=2, MaxWords=30, MinWords=12, '
	        'FragmentDelimiter=" … "') END
	FROM unnest(v_ids[p_skip + 1 : p_skip + p_most]) WITH ORDINALITY
	    AS f (id, place)
	LEFT JOIN email_text t ON p_full AND t.account_id = p_account
	    AND t.email_id = f.id
	ORDER BY f.place;
END $$;

-- All mail is read once more, for its words.
UPDATE credential SET text_done_id = 0, texts_due = true
WHERE text_done_id > 0;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA letterrack FROM PUBLIC;
