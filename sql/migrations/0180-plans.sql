-- Plans: what an account may do, and how much of it.
--
-- A limit is held where a thing is made, by triggers, whatever program makes it
-- and by whichever way. Two who make something at once take turns at one row of
-- the account (plan_use), and the second counts what the first has committed.
-- An account that has more than its plan allows keeps all of it, and gets no
-- more.

SET LOCAL search_path = letterrack;

-- The operator's, for all applications. A limit that is NULL is none.
CREATE TABLE plan (
	name text PRIMARY KEY CHECK (name ~ '^[a-z][a-z0-9_-]{0,63}$'),
	title text NOT NULL CHECK (length(title) BETWEEN 1 AND 200),
	features text[] NOT NULL DEFAULT '{}' CHECK (cardinality(features) <= 64),
	credentials bigint CHECK (credentials >= 0),
	members bigint CHECK (members >= 1), -- with open invitations
	watched bigint CHECK (watched >= 0), -- mail accounts polled by themselves
	sends_per_day bigint CHECK (sends_per_day >= 0),
	storage_bytes bigint CHECK (storage_bytes >= 0), -- of messages kept here
	is_default boolean NOT NULL DEFAULT false,
	created_at timestamptz NOT NULL DEFAULT now(),
	updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX plan_default ON plan (is_default) WHERE is_default;
ALTER TABLE plan ENABLE ROW LEVEL SECURITY;
CREATE POLICY shown ON plan FOR SELECT USING (true);

INSERT INTO plan (name, title, features, is_default)
VALUES ('self_hosted', 'Self-hosted', '{sync,send,threads,search,interception,
webhooks,personal_accounts}', true);

-- Accounts that the operator has given a plan to by hand.
CREATE TABLE account_plan (
	application_id bigint NOT NULL,
	account_id bigint PRIMARY KEY,
	plan text NOT NULL REFERENCES plan,
	created_at timestamptz NOT NULL DEFAULT now(),
	FOREIGN KEY (application_id, account_id)
		REFERENCES account (application_id, id) ON DELETE CASCADE
);
ALTER TABLE account_plan ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON account_plan FOR SELECT
	USING (account_id = current_setting('letterrack.account')::bigint);

-- What those who make something in an account take turns at.
CREATE TABLE plan_use (
	application_id bigint NOT NULL,
	account_id bigint PRIMARY KEY,
	sends_on date NOT NULL DEFAULT '-infinity', -- UTC
	sends bigint NOT NULL DEFAULT 0,
	FOREIGN KEY (application_id, account_id)
		REFERENCES account (application_id, id) ON DELETE CASCADE
);
ALTER TABLE plan_use ENABLE ROW LEVEL SECURITY;
COMMENT ON TABLE plan_use IS 'private';

CREATE FUNCTION plan_of(p_account bigint) RETURNS text
LANGUAGE sql STABLE SET search_path = letterrack, pg_temp AS $$
	SELECT coalesce(
	    (SELECT plan FROM account_plan WHERE account_id = p_account),
	    (SELECT name FROM plan WHERE is_default))
$$;

CREATE FUNCTION plan_most(p plan, p_name text) RETURNS bigint
LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE p_name WHEN 'credentials' THEN p.credentials
	    WHEN 'members' THEN p.members WHEN 'watched' THEN p.watched
	    WHEN 'sends_per_day' THEN p.sends_per_day
	    WHEN 'storage_bytes' THEN p.storage_bytes END
$$;

-- Mail that is held counts for what is stored, and is never refused.
CREATE FUNCTION plan_used(p_account bigint, p_name text) RETURNS bigint
LANGUAGE plpgsql VOLATILE SET search_path = letterrack, pg_temp
SET plan_cache_mode = force_custom_plan AS $$
BEGIN
	RETURN CASE p_name
	WHEN 'credentials' THEN (SELECT count(*) FROM credential
	    WHERE account_id = p_account)
	WHEN 'members' THEN (SELECT count(*) FROM membership
	    WHERE account_id = p_account) + (SELECT count(*) FROM one_time
	    WHERE account_id = p_account AND kind = 'invite'
	    AND used_at IS NULL AND expires_at > now())
	WHEN 'watched' THEN (SELECT count(*) FROM credential
	    WHERE account_id = p_account AND is_active
	    AND provider_kind = 'imap' AND sync_mode IN ('poll', 'idle'))
	WHEN 'sends_per_day' THEN coalesce((SELECT sends FROM plan_use
	    WHERE account_id = p_account
	    AND sends_on = (now() AT TIME ZONE 'UTC')::date), 0)
	WHEN 'storage_bytes' THEN
	    (SELECT coalesce(sum(octet_length(message)), 0) FROM submission
	    WHERE account_id = p_account)
	    + (SELECT coalesce(sum(size_bytes), 0) FROM hold
	    WHERE account_id = p_account)
	END;
END $$;

-- Refuses what would be more than the plan allows; else the account's row is
-- held until the transaction ends. A plan that sets no limit costs a look.
CREATE FUNCTION plan_room(p_application bigint, p_account bigint, p_name text,
    p_more bigint)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
DECLARE
	p plan;
	most bigint;
	used bigint;
BEGIN
	SELECT * INTO p FROM plan WHERE name = plan_of(p_account);
	IF plan_most(p, p_name) IS NULL THEN
		RETURN;
	END IF;
	INSERT INTO plan_use (application_id, account_id)
	VALUES (p_application, p_account) ON CONFLICT DO NOTHING;
	PERFORM FROM plan_use WHERE account_id = p_account FOR NO KEY UPDATE;
	-- Another may have changed the plan meanwhile.
	SELECT * INTO p FROM plan WHERE name = plan_of(p_account);
	most := plan_most(p, p_name);
	used := plan_used(p_account, p_name);
	IF used + p_more > most THEN
		RAISE EXCEPTION 'The plan "%" allows % for %; % in use.', p.name,
		    most, p_name, used USING ERRCODE = 'LR402';
	END IF;
	IF p_name = 'sends_per_day' THEN
		UPDATE plan_use SET sends = used + p_more,
		    sends_on = (now() AT TIME ZONE 'UTC')::date
		WHERE account_id = p_account;
	END IF;
END $$;

CREATE FUNCTION plan_holds() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
BEGIN
	PERFORM plan_room(NEW.application_id, NEW.account_id, TG_ARGV[0], 1);
	RETURN NEW;
END $$;

CREATE FUNCTION plan_holds_bytes() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = letterrack, pg_temp
AS $$
BEGIN
	PERFORM plan_room(NEW.application_id, NEW.account_id, 'storage_bytes',
	    octet_length(NEW.message));
	RETURN NEW;
END $$;

CREATE TRIGGER plan_credentials BEFORE INSERT ON credential
	FOR EACH ROW EXECUTE FUNCTION plan_holds('credentials');
CREATE TRIGGER plan_watched BEFORE INSERT ON credential
	FOR EACH ROW WHEN (NEW.is_active AND NEW.provider_kind = 'imap'
	AND NEW.sync_mode IN ('poll', 'idle'))
	EXECUTE FUNCTION plan_holds('watched');
CREATE TRIGGER plan_watched_again BEFORE UPDATE OF is_active, sync_mode
	ON credential FOR EACH ROW WHEN (NEW.is_active
	AND NEW.provider_kind = 'imap' AND NEW.sync_mode IN ('poll', 'idle')
	AND NOT (OLD.is_active AND OLD.sync_mode IN ('poll', 'idle')))
	EXECUTE FUNCTION plan_holds('watched');
CREATE TRIGGER plan_members BEFORE INSERT ON membership
	FOR EACH ROW EXECUTE FUNCTION plan_holds('members');
CREATE TRIGGER plan_invitations BEFORE INSERT ON one_time
	FOR EACH ROW WHEN (NEW.kind = 'invite')
	EXECUTE FUNCTION plan_holds('members');
CREATE TRIGGER plan_sends BEFORE INSERT ON submission
	FOR EACH ROW EXECUTE FUNCTION plan_holds('sends_per_day');
CREATE TRIGGER plan_storage BEFORE INSERT ON submission
	FOR EACH ROW EXECUTE FUNCTION plan_holds_bytes();

-- What the caller's account has of each, and may have.
CREATE FUNCTION plan_state(p_account bigint)
RETURNS TABLE (name text, most bigint, used bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = letterrack, pg_temp AS $$
BEGIN
	IF p_account <> scope_account() THEN
		RETURN;
	END IF;
	RETURN QUERY SELECT n.name, plan_most(p, n.name),
	    -- of sends nobody keeps count where there is no limit
	    CASE WHEN n.name <> 'sends_per_day' OR p.sends_per_day IS NOT NULL
	    THEN plan_used(p_account, n.name) END
	FROM plan p, unnest(ARRAY['credentials', 'members', 'watched',
	    'sends_per_day', 'storage_bytes']) n (name)
	WHERE p.name = plan_of(p_account);
END $$;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA letterrack FROM PUBLIC;
