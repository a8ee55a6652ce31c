-- Housekeeping: what nobody needs any more goes, a few rows a transaction.

SET LOCAL search_path = letterrack;

CREATE INDEX idempotency_age ON idempotency (created_at);
CREATE INDEX task_finished ON task (finished_at) WHERE finished_at IS NOT NULL;

-- When it was last done, by whichever host. For the functions below alone
-- (grant_to).
CREATE TABLE housekeeping (
	one boolean PRIMARY KEY DEFAULT true CHECK (one),
	done_at timestamptz NOT NULL
);
ALTER TABLE housekeeping ENABLE ROW LEVEL SECURITY;

-- Is it due? Then it is the caller's to do.
CREATE FUNCTION housekeeping_begin(p_every integer) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
BEGIN
	INSERT INTO housekeeping AS h (done_at) VALUES (now())
	ON CONFLICT (one) DO UPDATE SET done_at = now()
	WHERE h.done_at < now() - make_interval(secs => p_every);
	RETURN FOUND;
END $$;

-- Removes at most `p_most` of a kind that ended longer than `p_keep` seconds
-- ago; how many. What another transaction holds is left for the next time.
CREATE FUNCTION housekeep(p_what text, p_keep integer, p_most integer)
RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
DECLARE
	before timestamptz := now() - make_interval(secs => p_keep);
	n bigint;
BEGIN
	CASE p_what
	WHEN 'idempotency' THEN
		DELETE FROM idempotency WHERE (account_id, actor, route, key) IN
		    (SELECT account_id, actor, route, key FROM idempotency
		    WHERE created_at < before
		    ORDER BY created_at LIMIT p_most FOR UPDATE SKIP LOCKED);
	WHEN 'session' THEN
		DELETE FROM session WHERE id IN (SELECT id FROM session
		    WHERE coalesce(ended_at, least(expires_at, last_seen_at +
		        make_interval(secs => idle_seconds))) < before
		    LIMIT p_most FOR UPDATE SKIP LOCKED);
	WHEN 'task', 'failed_task' THEN
		-- Their jobs go with them; one that may still run keeps its task.
		DELETE FROM task WHERE (account_id, id) IN
		    (SELECT t.account_id, t.id FROM task t
		    WHERE t.finished_at < before
		    AND t.state = ANY (CASE p_what WHEN 'task'
		        THEN ARRAY['succeeded', 'cancelled'] ELSE ARRAY['failed'] END)
		    AND NOT EXISTS (SELECT FROM job j WHERE j.account_id = t.account_id
		        AND j.task_id = t.id AND j.state IN ('queued', 'running'))
		    ORDER BY t.finished_at LIMIT p_most FOR UPDATE SKIP LOCKED);
	WHEN 'log' THEN
		-- Ids grow with time: the oldest are the first.
		DELETE FROM log WHERE id IN (SELECT id FROM
		    (SELECT id, created_at FROM log ORDER BY id LIMIT p_most) l
		    WHERE created_at < before);
	END CASE;
	GET DIAGNOSTICS n = ROW_COUNT;
	RETURN n;
END $$;
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA letterrack FROM PUBLIC;
