-- Mail that programs hand over by SMTP: finished bytes and an envelope.

SET LOCAL search_path = letterrack;

-- A large message lies in the raw store instead of `message`; like there, NULL
-- where nobody needs it any more.
ALTER TABLE submission ADD COLUMN raw_sha256 bytea
	CHECK (length(raw_sha256) = 32);

-- What was taken a while ago. Whoever does not get to hear that a message was
-- taken sends it once more, as it should: known by its bytes and its envelope
-- it is answered for, and not sent twice.
CREATE TABLE given_once (
	application_id bigint NOT NULL,
	account_id bigint NOT NULL,
	key bytea NOT NULL CHECK (length(key) = 32),
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (account_id, key),
	FOREIGN KEY (application_id, account_id)
		REFERENCES account (application_id, id) ON DELETE CASCADE
);
CREATE INDEX given_once_age ON given_once (account_id, created_at);

-- Who is to get a message that waits for review, and by which credential: what
-- its bytes do not say.
CREATE TABLE given_held (
	application_id bigint NOT NULL,
	account_id bigint NOT NULL,
	email_id bigint NOT NULL,
	credential_id bigint NOT NULL, -- SMTP
	sender text NOT NULL CHECK (length(sender) BETWEEN 3 AND 320),
	addresses text[] NOT NULL,
	kinds text[] NOT NULL,
	message_id text NOT NULL,
	is_utf8 boolean NOT NULL DEFAULT false,
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (account_id, email_id),
	FOREIGN KEY (account_id, email_id) REFERENCES hold ON DELETE CASCADE,
	FOREIGN KEY (account_id, credential_id) REFERENCES credential
		ON DELETE CASCADE
);
CREATE INDEX given_held_credential ON given_held (account_id, credential_id);

ALTER TABLE given_once ENABLE ROW LEVEL SECURITY;
ALTER TABLE given_held ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON given_once
	USING (account_id = current_setting('letterrack.account')::bigint);
CREATE POLICY tenant ON given_held
	USING (account_id = current_setting('letterrack.account')::bigint);
-- As in 0031-personal.sql.
CREATE POLICY personal ON given_held AS RESTRICTIVE
	USING (CASE WHEN credential_id = ANY (ARRAY(SELECT credential_id
	FROM foreign_personal)) THEN NULL ELSE true END IS NOT NULL);

-- The proxies that run, each by the address it listens on. No tenant's.
CREATE TABLE smtp_server (
	host text NOT NULL CHECK (length(host) <= 255), -- the machine
	address text NOT NULL CHECK (length(address) <= 64),
	port integer NOT NULL,
	started_at timestamptz NOT NULL,
	seen_at timestamptz NOT NULL DEFAULT now(),
	checked_at timestamptz, -- it was last heard to answer there
	sessions bigint NOT NULL DEFAULT 0,
	taken bigint NOT NULL DEFAULT 0, -- messages since it started
	held bigint NOT NULL DEFAULT 0,
	refused bigint NOT NULL DEFAULT 0,
	PRIMARY KEY (host, address, port)
);
ALTER TABLE smtp_server ENABLE ROW LEVEL SECURITY;
COMMENT ON TABLE smtp_server IS 'private';

CREATE FUNCTION smtp_server_beat(p_host text, p_address text, p_port integer,
    p_started timestamptz, p_checked timestamptz, p_sessions bigint,
    p_taken bigint, p_held bigint, p_refused bigint)
RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
	INSERT INTO smtp_server (host, address, port, started_at, checked_at,
	    sessions, taken, held, refused)
	VALUES (p_host, p_address, p_port, p_started, p_checked, p_sessions,
	    p_taken, p_held, p_refused)
	ON CONFLICT (host, address, port) DO UPDATE SET
	    started_at = p_started, seen_at = now(), checked_at = p_checked,
	    sessions = p_sessions, taken = p_taken, held = p_held,
	    refused = p_refused;
	DELETE FROM smtp_server WHERE seen_at < now() - interval '7 days';
$$;

-- One that has ended says so.
CREATE FUNCTION smtp_server_end(p_host text, p_address text, p_port integer)
RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
	DELETE FROM smtp_server
	WHERE host = p_host AND address = p_address AND port = p_port;
$$;

CREATE FUNCTION smtp_servers()
RETURNS TABLE (host text, address text, port integer, uptime bigint,
    quiet bigint, checked_at timestamptz, sessions bigint, taken bigint,
    held bigint, refused bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
	SELECT host, address, port,
	    extract(epoch FROM now() - started_at)::bigint,
	    extract(epoch FROM now() - seen_at)::bigint, checked_at, sessions,
	    taken, held, refused
	FROM smtp_server ORDER BY seen_at DESC LIMIT 100
$$;
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA letterrack FROM PUBLIC;
