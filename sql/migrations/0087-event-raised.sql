-- Events that the sync and its jobs raise.

SET LOCAL search_path = letterrack;

-- The first UID that is news: what a folder held when it was first opened, or
-- opened under a new UIDVALIDITY, is none.
ALTER TABLE mailbox ADD COLUMN news_from bigint NOT NULL DEFAULT 1;
UPDATE mailbox SET news_from = uid_next;

-- Whoever writes the state cannot forget the event.
CREATE FUNCTION credential_invalid_event() RETURNS trigger LANGUAGE plpgsql
SET search_path = letterrack, pg_temp AS $$
BEGIN
	INSERT INTO event (application_id, account_id, name, data, user_id)
	VALUES (NEW.application_id, NEW.account_id, 'credential.invalid',
	    json_build_object('credential_id', NEW.id,
	    'provider_kind', NEW.provider_kind,
	    'email_address', NEW.email_address, 'status', NEW.status,
	    'last_error_code', NEW.last_error_code), NEW.user_id);
	RETURN NULL;
END $$;
CREATE TRIGGER credential_invalid_event AFTER UPDATE OF status ON credential
	FOR EACH ROW WHEN (NEW.status IN ('invalid', 'expired')
	AND OLD.status IS DISTINCT FROM NEW.status)
	EXECUTE FUNCTION credential_invalid_event();

CREATE FUNCTION job_failed_event() RETURNS trigger LANGUAGE plpgsql
SET search_path = letterrack, pg_temp AS $$
BEGIN
	INSERT INTO event (application_id, account_id, name, data, user_id)
	VALUES (NEW.application_id, NEW.account_id, 'job.failed',
	    json_build_object('job_id', NEW.id, 'task_id', NEW.task_id,
	    'action', NEW.action, 'credential_id', NEW.credential_id,
	    'attempt_count', NEW.attempt_count,
	    'last_error_code', NEW.last_error_code),
	    (SELECT c.user_id FROM credential c
	    WHERE c.account_id = NEW.account_id AND c.id = NEW.credential_id));
	RETURN NULL;
END $$;
CREATE TRIGGER job_failed_event AFTER UPDATE OF state ON job
	FOR EACH ROW WHEN (NEW.state = 'failed' AND OLD.state <> 'failed')
	EXECUTE FUNCTION job_failed_event();

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA letterrack FROM PUBLIC;
