-- An extract is looked for near the words: ts_headline takes a text apart whole,
-- with all its words' stems, which for a page of fifty was most of what a search
-- took.

SET LOCAL search_path = letterrack;

-- The passage of a text in which the first of the stems stands, with what is
-- looked for between two controls. Without stems (of a phrase, whose words may
-- stand elsewhere alone), and where none is found as it is (an accent), the text's
-- beginning is taken apart.
CREATE FUNCTION search_passage(p_config regconfig, p_body text, p_shown tsquery,
    p_stems text[]) RETURNS text
LANGUAGE plpgsql STABLE AS $$
DECLARE
	marks text := 'StartSel=' || chr(2) || ', StopSel=' || chr(3);
	v_low text := lower(p_body);
	v_at integer := (SELECT min(nullif(strpos(v_low, stem), 0))
	    FROM unnest(p_stems) AS stem);
	v_part text;
BEGIN
	IF v_at IS NULL THEN
		RETURN ts_headline(p_config, left(p_body, 4000), p_shown, marks
		    || ', MaxFragments=2, MaxWords=30, MinWords=12, '
		    'FragmentDelimiter=" … "');
	END IF;
	v_part := substr(p_body, greatest(v_at - 80, 1), 240);
	IF v_at > 81 THEN
		v_part := '… ' || substr(v_part, strpos(v_part, ' ') + 1);
	END IF;
	IF length(p_body) > greatest(v_at - 80, 1) + 239 THEN
		v_part := regexp_replace(v_part, ' [^ ]*$', ' …');
	END IF;
	RETURN ts_headline(p_config, v_part, p_shown, marks
	    || ', HighlightAll=true');
END $$;

-- Finds emails: `place` is their order. It looks over the wall of rows, since
-- behind a policy no index of words can be used (@@ is not leakproof); so it
-- holds the account against the caller's itself, and leaves out what hangs on
-- personal mail accounts of others. It tells ids and extracts, and these only
-- where p_full.
-- Time is bounded: the newest are walked along, twenty times as many as are
-- wanted, which finds frequent words; then the index finds what is rarer, the
-- newest 20,000 of it at most. By rank: of the newest 1,000 that match.
CREATE OR REPLACE FUNCTION search_find(p_account bigint, p_full boolean, p_terms text[],
    p_kinds integer[], p_by_rank boolean, p_mailbox bigint, p_credential bigint,
    p_is_read boolean, p_is_flagged boolean, p_is_answered boolean,
    p_is_draft boolean, p_attachments boolean, p_since timestamptz,
    p_until timestamptz, p_direction text, p_labels text[],
    p_unlabels text[], p_is_assigned boolean, p_before timestamptz,
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
	v_stems text[];
	v_want bigint := p_skip + p_most;
	v_labels bigint[] := search_labels(p_account, p_labels);
	v_unlabels bigint[] := search_labels(p_account, p_unlabels);
	v_threads boolean := cardinality(p_labels) > 0
	    OR cardinality(p_unlabels) > 0 OR p_is_assigned IS NOT NULL;
	v_found bigint[]; -- that have the words
	v_ids bigint[];   -- of these, what the filters leave
BEGIN
	IF p_account IS DISTINCT FROM scope_account() THEN
		RAISE EXCEPTION 'Another account is looked into.'
		    USING ERRCODE = 'LR403';
	END IF;
	IF EXISTS (SELECT FROM unnest(p_labels) AS n (name)
	    WHERE search_labels(p_account, ARRAY[n.name]) = '{}') THEN
		RETURN; -- nothing has a label that is not there
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
		    AND (NOT v_threads OR search_in_thread(p_account, e.thread_id,
		        v_labels, v_unlabels, p_is_assigned))
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
		    AND (NOT v_threads OR search_in_thread(p_account, e.thread_id,
		        v_labels, v_unlabels, p_is_assigned))
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
	v_stems := ARRAY(SELECT m[1]
	    FROM regexp_matches(q.shown::text, '''([^'']+)''', 'g') AS m
	    WHERE q.shown::text !~ '<[0-9-]+>');
	RETURN QUERY SELECT f.id, f.place,
	    CASE WHEN p_full AND q.shown IS NOT NULL
	        THEN search_passage(v_config, t.body, q.shown, v_stems) END
	FROM unnest(v_ids[p_skip + 1 : p_skip + p_most]) WITH ORDINALITY
	    AS f (id, place)
	LEFT JOIN email_text t ON p_full AND t.account_id = p_account
	    AND t.email_id = f.id
	ORDER BY f.place;
END $$;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA letterrack FROM PUBLIC;
