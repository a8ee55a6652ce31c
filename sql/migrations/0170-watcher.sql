-- Watchers: which process keeps a session open for which mail account, and how
-- that stands. Who is to be watched, the credential says (sync_mode 'idle').

SET LOCAL search_path = letterrack;

-- A process of letterrack-watch, as long as it says that it is there.
CREATE TABLE watch_host (
	worker text PRIMARY KEY,
	started_at timestamptz NOT NULL DEFAULT now(),
	heartbeat_at timestamptz NOT NULL DEFAULT now()
);
ALTER TABLE watch_host ENABLE ROW LEVEL SECURITY;
CREATE POLICY look ON watch_host FOR SELECT USING (true);

CREATE TABLE watcher (
	application_id bigint NOT NULL,
	account_id bigint NOT NULL,
	credential_id bigint NOT NULL,
	worker text, -- whose it is, as long as that one's heart beats
	-- counts up where the session is to begin anew
	turn bigint NOT NULL DEFAULT 0,
	-- waiting: there is no session (yet)
	state text NOT NULL DEFAULT 'waiting'
		CHECK (state IN ('waiting', 'idle', 'polling')),
	since timestamptz NOT NULL DEFAULT now(),
	error_code text,
	error_detail text,
	-- when the server told of mail that nobody has looked for since
	told_at timestamptz,
	PRIMARY KEY (account_id, credential_id),
	FOREIGN KEY (account_id, credential_id) REFERENCES credential
		ON DELETE CASCADE
);
CREATE INDEX watcher_worker ON watcher (worker, account_id, credential_id);

ALTER TABLE watcher ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON watcher
	USING (account_id = current_setting('letterrack.account')::bigint);
-- As in 0031-personal.sql.
CREATE POLICY personal ON watcher AS RESTRICTIVE
	USING (CASE WHEN credential_id = ANY (ARRAY(SELECT credential_id
	FROM foreign_personal)) THEN NULL ELSE true END IS NOT NULL);

-- Who is to be watched; as in the functions below.
CREATE INDEX credential_watched ON credential (account_id, id)
	WHERE is_active AND provider_kind = 'imap' AND user_id IS NULL
	AND sync_mode = 'idle' AND status <> 'invalid';

-- A watcher's transactions in an account: it is still its own.
CREATE FUNCTION guard_watch(p_account bigint, p_credential bigint,
    p_worker text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
DECLARE
	app bigint;
BEGIN
	SELECT application_id INTO app FROM watcher
	WHERE account_id = p_account AND credential_id = p_credential
	AND worker = p_worker FOR NO KEY UPDATE;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'The watcher of credential % is another''s.',
		    p_credential USING ERRCODE = 'LR410';
	END IF;
	PERFORM set_config('letterrack.application', app::text, true),
	    set_config('letterrack.account', p_account::text, true),
	    set_config('letterrack.user', '0', true);
END $$;

-- How many each living process should have.
CREATE FUNCTION watch_share(p_lease integer) RETURNS bigint
LANGUAGE sql STABLE SET search_path = letterrack, pg_temp AS $$
	SELECT ceil((SELECT count(*) FROM credential
	    WHERE is_active AND provider_kind = 'imap' AND user_id IS NULL
	    AND sync_mode = 'idle' AND status <> 'invalid')::numeric
	    / greatest(1, (SELECT count(*) FROM watch_host
	    WHERE heartbeat_at > now() - make_interval(secs => p_lease))))::bigint
$$;

-- A beat of the heart, and what follows from what others want by now: those
-- that are not to be watched any more are let go, and those beyond a fair share;
-- what is nobody's, or a dead one's, is taken. Answers all that are its own. Of
-- two at once each takes what the other leaves.
CREATE FUNCTION watch_follow(p_worker text, p_lease integer, p_most integer)
RETURNS TABLE (application_id bigint, account_id bigint, credential_id bigint,
    turn bigint, secret_version bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	n bigint;
	mine bigint;
BEGIN
	INSERT INTO watch_host (worker) VALUES (p_worker)
	ON CONFLICT (worker) DO UPDATE SET heartbeat_at = now();
	DELETE FROM watch_host h WHERE heartbeat_at < now() - interval '1 day'
	AND NOT EXISTS (SELECT FROM watcher w WHERE w.worker = h.worker);
	INSERT INTO watcher (application_id, account_id, credential_id)
	SELECT c.application_id, c.account_id, c.id FROM credential c
	WHERE c.is_active AND c.provider_kind = 'imap' AND c.user_id IS NULL
	AND c.sync_mode = 'idle' AND c.status <> 'invalid'
	AND NOT EXISTS (SELECT FROM watcher w WHERE w.account_id = c.account_id
	    AND w.credential_id = c.id)
	ON CONFLICT DO NOTHING;
	UPDATE watcher w SET worker = NULL, state = 'waiting', since = now(),
	    error_code = NULL, error_detail = NULL
	FROM credential c
	WHERE w.worker = p_worker
	AND c.account_id = w.account_id AND c.id = w.credential_id
	AND NOT (c.is_active AND c.provider_kind = 'imap' AND c.user_id IS NULL
	    AND c.sync_mode = 'idle' AND c.status <> 'invalid');
	n := least(p_most, watch_share(p_lease));
	SELECT count(*) INTO mine FROM watcher w WHERE w.worker = p_worker;
	UPDATE watcher w SET worker = NULL, state = 'waiting', since = now()
	WHERE w.worker = p_worker AND (w.account_id, w.credential_id) IN (
	    SELECT x.account_id, x.credential_id FROM watcher x
	    WHERE x.worker = p_worker
	    ORDER BY x.account_id DESC, x.credential_id DESC
	    LIMIT greatest(0, mine - n));
	UPDATE watcher w SET worker = p_worker, state = 'waiting', since = now(),
	    error_code = NULL, error_detail = NULL
	FROM (SELECT x.account_id, x.credential_id FROM watcher x
	    JOIN credential c ON c.account_id = x.account_id
	    AND c.id = x.credential_id
	    LEFT JOIN watch_host h ON h.worker = x.worker
	    AND h.heartbeat_at > now() - make_interval(secs => p_lease)
	    WHERE h.worker IS NULL
	    AND c.is_active AND c.provider_kind = 'imap' AND c.user_id IS NULL
	    AND c.sync_mode = 'idle' AND c.status <> 'invalid'
	    LIMIT greatest(0, n - mine) FOR UPDATE OF x SKIP LOCKED) AS free
	WHERE w.account_id = free.account_id
	AND w.credential_id = free.credential_id;
	RETURN QUERY SELECT w.application_id, w.account_id, w.credential_id,
	    w.turn, c.secret_version FROM watcher w
	JOIN credential c ON c.account_id = w.account_id
	    AND c.id = w.credential_id
	WHERE w.worker = p_worker ORDER BY w.account_id, w.credential_id;
END $$;

-- A process goes, or has gone: others may have what it had. How many it had.
CREATE FUNCTION watch_leave(p_worker text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
DECLARE
	n bigint;
BEGIN
	UPDATE watcher SET worker = NULL, state = 'waiting', since = now()
	WHERE worker = p_worker;
	GET DIAGNOSTICS n = ROW_COUNT;
	DELETE FROM watch_host WHERE worker = p_worker;
	IF FOUND THEN
		PERFORM pg_notify('letterrack_watch', '');
	END IF;
	RETURN n;
END $$;

-- For monitors: each that is to be watched, and how old the last beat is.
CREATE FUNCTION watch_beats(p_most integer)
RETURNS TABLE (credential_id bigint, state text, beat_ms bigint,
    error_code text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
	SELECT w.credential_id, w.state, (extract(epoch FROM
	    now() - h.heartbeat_at) * 1000)::bigint, w.error_code
	FROM watcher w JOIN watch_host h ON h.worker = w.worker
	ORDER BY w.credential_id LIMIT p_most
$$;

-- Sums over all accounts, for the same.
CREATE FUNCTION watch_metrics() RETURNS TABLE (state text, n bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
	SELECT coalesce(CASE WHEN h.heartbeat_at < now() - interval '10 s'
	    THEN 'unknown' WHEN h.worker IS NOT NULL THEN w.state END,
	    'unwatched'), count(*)
	FROM credential c
	LEFT JOIN watcher w ON w.account_id = c.account_id
	    AND w.credential_id = c.id
	LEFT JOIN watch_host h ON h.worker = w.worker
	WHERE c.is_active AND c.provider_kind = 'imap' AND c.user_id IS NULL
	AND c.sync_mode = 'idle' AND c.status <> 'invalid'
	GROUP BY 1
$$;

-- Watchers look again when there is something for them.
CREATE FUNCTION watch_wake() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM pg_notify('letterrack_watch', '');
	RETURN NULL;
END $$;
CREATE TRIGGER watch_wake AFTER UPDATE OF is_active, sync_mode, status,
	secret_version ON credential FOR EACH ROW
	WHEN (OLD.is_active <> NEW.is_active OR OLD.sync_mode <> NEW.sync_mode
	OR (OLD.status <> NEW.status AND 'invalid' IN (OLD.status, NEW.status))
	OR OLD.secret_version <> NEW.secret_version)
	EXECUTE FUNCTION watch_wake();
CREATE TRIGGER watch_wake_new AFTER INSERT OR DELETE ON credential
	FOR EACH ROW EXECUTE FUNCTION watch_wake();
CREATE TRIGGER watch_wake AFTER UPDATE OF turn ON watcher FOR EACH ROW
	WHEN (OLD.turn <> NEW.turn) EXECUTE FUNCTION watch_wake();

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA letterrack FROM PUBLIC;
