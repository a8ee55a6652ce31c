-- What a deleted thread leaves: its row, and rows of its mail by which a sync
-- knows that they are not to come back. What people wrote goes after a while.

SET LOCAL search_path = letterrack;

ALTER TABLE thread ADD COLUMN is_emptied boolean NOT NULL DEFAULT false;
CREATE INDEX thread_to_empty ON thread (removed_at)
	WHERE removed_at IS NOT NULL AND NOT is_emptied;

-- Empties at most `p_most` threads that were deleted longer than `p_keep`
-- seconds ago, with those that were merged into them; how many. Mail is locked
-- before threads, as everywhere; what another holds is left for the next time.
CREATE FUNCTION thread_clear(p_what text, p_keep integer, p_most integer)
RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = letterrack, pg_temp
SET plan_cache_mode = force_custom_plan AS $$
DECLARE
	old bigint[];
	own bigint[];
BEGIN
	SELECT array_agg(id) INTO old FROM (SELECT id FROM thread
	    WHERE removed_at < now() - make_interval(secs => p_keep)
	    AND NOT is_emptied ORDER BY removed_at LIMIT p_most) AS x;
	PERFORM FROM thread t, LATERAL (SELECT FROM email e
	    WHERE e.account_id = t.account_id AND e.thread_id = t.id
	    ORDER BY e.id FOR NO KEY UPDATE) AS m
	WHERE t.id = ANY (old);
	SELECT array_agg(id) INTO own FROM (SELECT id FROM thread
	    WHERE id = ANY (old) AND NOT is_emptied FOR UPDATE SKIP LOCKED) AS x;
	UPDATE email e SET snippet = NULL FROM thread t
	WHERE t.id = ANY (own) AND e.account_id = t.account_id
	AND e.thread_id = t.id AND e.removed_why = 'deleted'
	AND e.snippet IS NOT NULL;
	DELETE FROM note n USING thread t WHERE t.id = ANY (own)
	AND n.account_id = t.account_id AND n.thread_id = t.id;
	DELETE FROM thread_step s USING thread t WHERE t.id = ANY (own)
	AND s.account_id = t.account_id AND t.id IN (s.thread_id, s.other_id);
	DELETE FROM thread_key k USING thread t WHERE t.id = ANY (own)
	AND k.account_id = t.account_id AND k.thread_id = t.id;
	WITH RECURSIVE all_of AS (
		SELECT account_id, id FROM thread WHERE id = ANY (own)
		UNION SELECT t.account_id, t.id FROM all_of a
		JOIN thread t ON t.account_id = a.account_id AND t.merged_into = a.id
	)
	UPDATE thread t SET subject = '', sender_email = NULL, sender_name = NULL,
	    labels = '{}', assigned_to = NULL, snoozed_until = NULL,
	    is_emptied = true
	FROM all_of a WHERE t.account_id = a.account_id AND t.id = a.id;
	RETURN coalesce(cardinality(own), 0);
END $$;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA letterrack FROM PUBLIC;
