-- Lists of threads show labels by name. They are few and change seldom, so a
-- responder keeps those it has read, as long as this number is the one it read
-- them at: it grows with each change of an account's labels.

SET LOCAL search_path = letterrack;

-- Where the account goes with its labels there is nobody to tell.
CREATE FUNCTION label_changed() RETURNS trigger LANGUAGE plpgsql
SET search_path = letterrack, pg_temp AS $$
BEGIN
	IF TG_OP = 'DELETE' THEN
		UPDATE counter SET n = n + 1
		WHERE account_id = OLD.account_id AND name = 'labels';
	ELSE
		INSERT INTO counter (application_id, account_id, name, n)
		VALUES (NEW.application_id, NEW.account_id, 'labels', 1)
		ON CONFLICT (account_id, name) DO UPDATE SET n = counter.n + 1;
	END IF;
	RETURN NULL;
END $$;

INSERT INTO counter (application_id, account_id, name, n)
SELECT DISTINCT application_id, account_id, 'labels', 1 FROM label;

CREATE TRIGGER label_changed AFTER INSERT OR UPDATE OR DELETE ON label
	FOR EACH ROW EXECUTE FUNCTION label_changed();

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA letterrack FROM PUBLIC;
