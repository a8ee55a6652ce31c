-- The audit log's chain: each row is given a place, without gaps, and the
-- SHA-256 over the hash of the row before it and its own contents. Whoever
-- changes, removes or puts in a row breaks the chain behind it; whoever computes
-- it anew meets the head that an operator has kept elsewhere.
--
-- It is done behind the transactions that write, by one at a time, so that no
-- request waits for another's row, and one that commits late comes later in the
-- chain: places follow the order of sealing, not that of ids.

SET LOCAL search_path = letterrack;

-- Where the chain stands; `removed` rows at its front have been cleared away.
CREATE TABLE audit_head (
	one boolean PRIMARY KEY DEFAULT true CHECK (one),
	sealed bigint NOT NULL DEFAULT 0,
	hash bytea NOT NULL CHECK (length(hash) = 32),
	removed bigint NOT NULL DEFAULT 0 CHECK (removed BETWEEN 0 AND sealed),
	removed_hash bytea NOT NULL CHECK (length(removed_hash) = 32)
);
INSERT INTO audit_head (hash, removed_hash)
VALUES (decode(repeat('00', 32), 'hex'), decode(repeat('00', 32), 'hex'));
ALTER TABLE audit_head ENABLE ROW LEVEL SECURITY;
COMMENT ON TABLE audit_head IS 'private';

CREATE INDEX audit_application ON audit (application_id, id)
	WHERE account_id IS NULL;

-- A row's contents in one form; letterrackctl makes the same with a statement of
-- its own (audit_walk), so that a changed function proves nothing.
CREATE FUNCTION audit_contents(a audit, p_place bigint) RETURNS text
LANGUAGE sql STABLE SET search_path = letterrack, pg_temp
RETURN json_build_array(p_place, a.id, a.application_id, a.account_id,
    a.user_id, a.client, a.action, a.subject, a.detail, a.address,
    a.request_id, (extract(epoch FROM a.created_at) * 1000000)::bigint)::text;

-- Seals at most `p_most` rows; how many. 0 also where another is at it.
CREATE FUNCTION audit_seal(p_most bigint) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
DECLARE
	head audit_head;
	a audit;
	n bigint := 0;
BEGIN
	-- Asked first, so that an idle second costs no lock and no write.
	PERFORM 1 FROM audit WHERE sealed_as IS NULL LIMIT 1;
	IF NOT FOUND THEN
		RETURN 0;
	END IF;
	SELECT * INTO head FROM audit_head FOR UPDATE SKIP LOCKED;
	IF NOT FOUND THEN
		RETURN 0;
	END IF;
	FOR a IN SELECT * FROM audit WHERE sealed_as IS NULL
	    ORDER BY id LIMIT p_most LOOP
		head.sealed := head.sealed + 1;
		head.hash := sha256(head.hash ||
		    convert_to(audit_contents(a, head.sealed), 'UTF8'));
		UPDATE audit SET sealed_as = head.sealed, hash = head.hash
		WHERE id = a.id;
		n := n + 1;
	END LOOP;
	UPDATE audit_head SET sealed = head.sealed, hash = head.hash;
	RETURN n;
END $$;

-- Removes at most `p_most` rows older than `p_keep` seconds from the chain's
-- front, as far as they stand there without a younger one among them. What is
-- left still hangs on the hash of the last that went.
CREATE FUNCTION audit_clear(p_keep integer, p_most bigint) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
DECLARE
	before timestamptz := now() - make_interval(secs => p_keep);
	head audit_head;
	last bigint;
	last_hash bytea;
BEGIN
	SELECT * INTO head FROM audit_head FOR UPDATE SKIP LOCKED;
	IF NOT FOUND THEN
		RETURN 0;
	END IF;
	SELECT a.sealed_as - 1 INTO last FROM audit a
	WHERE a.sealed_as > head.removed AND a.created_at >= before
	ORDER BY a.sealed_as LIMIT 1;
	last := least(coalesce(last, head.sealed), head.removed + p_most);
	SELECT hash INTO last_hash FROM audit WHERE sealed_as = last;
	IF last <= head.removed OR last_hash IS NULL THEN
		RETURN 0;
	END IF;
	DELETE FROM audit WHERE sealed_as <= last;
	UPDATE audit_head SET removed = last, removed_hash = last_hash;
	RETURN last - head.removed;
END $$;

-- What the caller may read of it: an owner the rows of the account, an admin
-- also those of the application.
CREATE FUNCTION audit_read(p_account bigint, p_action text, p_user bigint,
    p_from timestamptz, p_to timestamptz, p_before bigint, p_skip bigint,
    p_most bigint)
RETURNS SETOF audit
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
DECLARE
	app bigint := scope_application();
	own bigint := CASE WHEN p_account = scope_account() AND scope_owner()
	    THEN p_account END;
	whole boolean := scope_admin();
BEGIN
	RETURN QUERY SELECT a.* FROM audit a
	WHERE a.application_id = app
	AND (a.account_id = own OR (a.account_id IS NULL AND whole))
	AND a.id < p_before
	AND (p_action IS NULL OR a.action = p_action)
	AND (p_user IS NULL OR a.user_id = p_user)
	AND (p_from IS NULL OR a.created_at >= p_from)
	AND (p_to IS NULL OR a.created_at < p_to)
	ORDER BY a.id DESC LIMIT p_most OFFSET p_skip;
END $$;

-- A sign-in that was refused: of a user (NULL: of nobody's name), at a client's
-- application (NULL: the oldest, as the door itself takes it). The name that was
-- typed is not kept; people type passwords there.
CREATE FUNCTION door_refused(p_client text, p_user bigint, p_address text,
    p_request text)
RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
	INSERT INTO audit (application_id, user_id, client, action, subject,
	    address, request_id)
	SELECT app.id, p_user, c.id, 'login.refused', 'uid_' || p_user,
	    p_address, p_request
	FROM (SELECT coalesce(
	    (SELECT application_id FROM app_user WHERE id = p_user),
	    (SELECT application_id FROM client WHERE id = p_client),
	    (SELECT min(id) FROM application)) AS id) app
	LEFT JOIN client c ON c.id = p_client
	WHERE app.id IS NOT NULL;
$$;
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA letterrack FROM PUBLIC;
