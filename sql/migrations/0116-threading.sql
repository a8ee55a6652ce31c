-- What the threading engine and people who merge by hand have in common.

SET LOCAL search_path = letterrack;

-- Joins threads into others, in the transaction at hand, which holds the
-- account's threads (thread_hold): mail, notes, labels and ids that lead to
-- them. What was open stays so; whose work it was stays so, too. Mail comes
-- first, as wherever mail and threads are locked.
CREATE FUNCTION thread_join(p_account bigint, p_froms bigint[], p_intos bigint[])
RETURNS void LANGUAGE plpgsql SET search_path = letterrack, pg_temp
SET plan_cache_mode = force_custom_plan AS $$
BEGIN
	PERFORM FROM email WHERE account_id = p_account
	AND thread_id = ANY (p_froms) ORDER BY id FOR NO KEY UPDATE;
	UPDATE email e SET thread_id = m.dest
	FROM unnest(p_froms, p_intos) AS m (src, dest)
	WHERE e.account_id = p_account AND e.thread_id = m.src;
	UPDATE note n SET thread_id = m.dest
	FROM unnest(p_froms, p_intos) AS m (src, dest)
	WHERE n.account_id = p_account AND n.thread_id = m.src;
	UPDATE thread_key k SET thread_id = m.dest
	FROM unnest(p_froms, p_intos) AS m (src, dest)
	WHERE k.account_id = p_account AND k.thread_id = m.src;
	UPDATE thread t SET
	    labels = t.labels || ARRAY(SELECT DISTINCT l
	        FROM unnest(p_froms, p_intos) AS m (src, dest)
	        JOIN thread s ON s.account_id = p_account AND s.id = m.src,
	        unnest(s.labels) AS l
	        WHERE m.dest = t.id AND l <> ALL (t.labels) ORDER BY l),
	    status = CASE WHEN EXISTS (SELECT
	        FROM unnest(p_froms, p_intos) AS m (src, dest)
	        JOIN thread s ON s.account_id = p_account AND s.id = m.src
	        WHERE m.dest = t.id AND s.status = 'open') THEN 'open'
	        ELSE t.status END,
	    assigned_to = coalesce(t.assigned_to, (SELECT s.assigned_to
	        FROM unnest(p_froms, p_intos) AS m (src, dest)
	        JOIN thread s ON s.account_id = p_account AND s.id = m.src
	        WHERE m.dest = t.id AND s.assigned_to IS NOT NULL
	        ORDER BY s.id LIMIT 1)),
	    updated_at = now()
	WHERE t.account_id = p_account AND t.id = ANY (p_intos);
	UPDATE thread t SET merged_into = m.dest, updated_at = now()
	FROM unnest(p_froms, p_intos) AS m (src, dest)
	WHERE t.account_id = p_account AND t.id = m.src;
END $$;

-- Threads that were split by hand, and not joined again since, stay apart.
CREATE FUNCTION thread_apart_again(p_account bigint, p_threads bigint[])
RETURNS void LANGUAGE sql SET search_path = letterrack, pg_temp AS $$
	UPDATE thread t SET is_apart = EXISTS (SELECT FROM thread_step s
	    WHERE s.account_id = p_account AND s.kind = 'split'
	    AND s.undone_at IS NULL AND t.id IN (s.thread_id, s.other_id))
	    OR EXISTS (SELECT FROM email e WHERE e.account_id = p_account
	    AND e.thread_id = t.id AND e.thread_rule = 'moved')
	WHERE t.account_id = p_account AND t.id = ANY (p_threads)
$$;

-- How each mail had come is remembered with the step.
CREATE FUNCTION thread_rules_again(p_account bigint, p_step bigint,
    p_from bigint, p_into bigint)
RETURNS void LANGUAGE sql SET search_path = letterrack, pg_temp AS $$
	UPDATE email e SET thread_id = p_into, thread_rule = m.rule,
	    updated_at = now()
	FROM thread_step s, unnest(s.emails, s.rules) AS m (id, rule)
	WHERE s.account_id = p_account AND s.id = p_step
	AND e.account_id = p_account AND e.id = m.id AND e.thread_id = p_from
$$;

-- Undoes a merge, in the transaction at hand, which holds the account's
-- threads: what it moved and is still there goes back.
CREATE FUNCTION thread_unmerge(p_account bigint, p_step bigint)
RETURNS void LANGUAGE plpgsql SET search_path = letterrack, pg_temp
SET plan_cache_mode = force_custom_plan AS $$
DECLARE
	s thread_step;
BEGIN
	SELECT * INTO STRICT s FROM thread_step
	WHERE account_id = p_account AND id = p_step;
	UPDATE thread SET merged_into = NULL, updated_at = now()
	WHERE account_id = p_account AND id = s.other_id;
	PERFORM thread_rules_again(p_account, s.id, s.thread_id, s.other_id);
	UPDATE note SET thread_id = s.other_id
	WHERE account_id = p_account AND id = ANY (s.notes)
	AND thread_id = s.thread_id;
	UPDATE thread_key SET thread_id = s.other_id
	WHERE account_id = p_account AND key = ANY (s.keys)
	AND thread_id = s.thread_id;
	UPDATE thread SET updated_at = now(),
	    labels = ARRAY(SELECT l FROM unnest(labels) WITH ORDINALITY
	        AS u (l, n) WHERE l <> ALL (s.labels) ORDER BY n)
	WHERE account_id = p_account AND id = s.thread_id;
	UPDATE thread_step SET undone_at = now()
	WHERE account_id = p_account AND id = s.id;
	PERFORM thread_apart_again(p_account, ARRAY[s.thread_id, s.other_id]);
END $$;

-- The same of a split: all that is in the other by now comes back.
CREATE FUNCTION thread_unsplit(p_account bigint, p_step bigint)
RETURNS void LANGUAGE plpgsql SET search_path = letterrack, pg_temp
SET plan_cache_mode = force_custom_plan AS $$
DECLARE
	s thread_step;
BEGIN
	SELECT * INTO STRICT s FROM thread_step
	WHERE account_id = p_account AND id = p_step;
	PERFORM thread_join(p_account, ARRAY[s.other_id], ARRAY[s.thread_id]);
	PERFORM thread_rules_again(p_account, s.id, s.thread_id, s.thread_id);
	UPDATE thread_step SET undone_at = now()
	WHERE account_id = p_account AND id = s.id;
	PERFORM thread_apart_again(p_account, ARRAY[s.thread_id]);
END $$;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA letterrack FROM PUBLIC;
