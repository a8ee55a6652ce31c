-- What an operator does by hand, as the owner of the schema: no wall stands
-- before the owner, so each statement names its application or account.

-- name: operator_scope :guard
-- args: int application, int account
-- scope: global: an operator works where they say
SELECT set_config('letterrack.application', $1::text, true),
    set_config('letterrack.account', $2::text, true),
    set_config('letterrack.user', '0', true);

-- The application that is meant: the one named, or the oldest.
-- name: application_find :maybe
-- args: id? id
-- row:  setup_application
-- scope: global: an operator's question
SELECT id, name FROM application WHERE $1::bigint IS NULL OR id = $1
ORDER BY id LIMIT 1;

-- name: application_add :value
-- args: text name
-- value: int
-- scope: global: an operator makes an application
INSERT INTO application (name) VALUES ($1) RETURNING id;

-- name: account_add :value
-- args: id application, id? parent, text name
-- value: int
-- scope: global: an operator makes an account
INSERT INTO account (application_id, parent_account_id, name)
VALUES ($1, $2, $3) RETURNING id;

-- name: account_all :many
-- args: id application
-- row:  setup_account
-- scope: global: an operator's list
SELECT a.id, a.parent_account_id, a.name, a.status,
    (SELECT count(*) FROM membership m WHERE m.account_id = a.id) AS members
FROM account a WHERE a.application_id = $1 ORDER BY a.id;

-- name: user_add :value
-- args: id application, text email, text? username, text name, text role,
-- args: text password_hash
-- value: int
-- scope: global: an operator makes a user
INSERT INTO app_user (application_id, email, username, name, role,
    password_hash)
VALUES ($1, $2, $3, $4, $5, $6) RETURNING id;

-- name: user_all :many
-- args: id application
-- row:  setup_user
-- scope: global: an operator's list
SELECT u.id, u.email, u.username, u.role, u.is_active, u.last_login_at,
    (SELECT string_agg(m.account_id || ':' || m.role, ' ' ORDER BY m.account_id)
    FROM membership m WHERE m.user_id = u.id) AS memberships
FROM app_user u WHERE u.application_id = $1 ORDER BY u.id;

-- name: user_named :maybe
-- args: id application, text name
-- row:  setup_user
-- scope: global: an operator's question
SELECT id, email, username, role, is_active, last_login_at FROM app_user
WHERE application_id = $1
AND (lower(email) = lower($2) OR lower(username) = lower($2))
ORDER BY lower(email) = lower($2) DESC LIMIT 1;

-- A new password also lifts a lock.
-- name: user_password_set :must
-- args: id user, text password_hash
-- scope: global: an operator's change
UPDATE app_user SET password_hash = $2, failed_logins = 0, locked_until = NULL,
    version = version + 1, updated_at = now()
WHERE id = $1;

-- Whoever was signed in under the old password no longer is.
-- name: user_sessions_end :exec
-- args: id user
-- scope: global: an operator's change
UPDATE session SET ended_at = now() WHERE user_id = $1 AND ended_at IS NULL;

-- A lost second factor. What was passed with it counts no more.
-- name: user_factor_remove :must
-- args: id user
-- scope: global: an operator's change
WITH codes AS (DELETE FROM factor_code WHERE user_id = $1),
    halves AS (DELETE FROM half_sign_in WHERE user_id = $1),
    families AS (UPDATE refresh_family SET second_factor = false,
        ended_at = coalesce(ended_at, now()) WHERE user_id = $1),
    sessions AS (UPDATE session SET second_factor = false WHERE user_id = $1)
DELETE FROM factor WHERE user_id = $1;

-- name: member_add :value
-- args: id application, id account_of, id user, text role
-- value: int
-- scope: global: an operator makes a member
INSERT INTO membership (application_id, account_id, user_id, role)
VALUES ($1, $2, $3, $4) RETURNING id;

-- name: client_add :exec
-- args: text id, id application, id? account_of, text name,
-- args: bytes secret_hash, texts redirect_uris, bool is_app_admin
-- scope: global: an operator makes a client
INSERT INTO client (id, application_id, account_id, name, secret_hash,
    redirect_uris, is_app_admin)
VALUES ($1, $2, $3, $4, $5, $6, $7);

-- Numbers begin at 1 again: for a database that nothing was made in yet.
-- name: numbers_restart :exec
-- scope: global: before there is anything
SELECT setval('application_id_seq', 1, false),
    setval('account_id_seq', 1, false), setval('app_user_id_seq', 1, false),
    setval('membership_id_seq', 1, false),
    setval('credential_id_seq', 1, false)
WHERE NOT EXISTS (SELECT FROM application);

-- Who was switched off is signed in nowhere.
-- name: setup_user_active :must
-- args: id user, bool is_active
-- scope: global: an operator's change
UPDATE app_user SET is_active = $2, updated_at = now() WHERE id = $1;

-- A link to an external issuer's subject; one that exists is moved.
-- name: setup_identity_link :exec
-- args: text issuer, text subject, id application, id user
-- scope: global: an operator's change
INSERT INTO external_identity (issuer, subject, application_id, user_id)
VALUES ($1, $2, $3, $4)
ON CONFLICT (issuer, subject) DO UPDATE SET application_id = $3, user_id = $4;

-- name: setup_identity_unlink :must
-- args: text issuer, text subject
-- scope: global: an operator's change
DELETE FROM external_identity WHERE issuer = $1 AND subject = $2;

-- name: setup_client_add :exec
-- args: text id, id application, id? account_of, text name, bytes secret_hash,
-- args: texts redirect_uris, text role, bool is_app_admin
-- scope: global: an operator makes a client
INSERT INTO client (id, application_id, account_id, name, secret_hash,
    redirect_uris, role, is_app_admin)
VALUES ($1, $2, $3, $4, nullif($5, ''::bytea), $6, $7, $8);

-- name: setup_client_all :many
-- args: id application
-- row:  setup_client
-- scope: global: an operator's list
SELECT id, coalesce(account_id, 0) AS account_id, name, role,
    secret_hash IS NOT NULL AS has_secret, is_app_admin, is_active
FROM client WHERE application_id = $1 ORDER BY id;

-- name: setup_client_named :maybe
-- args: id application, text id
-- row:  setup_client
-- scope: global: an operator's question
SELECT id, coalesce(account_id, 0) AS account_id, name, role,
    secret_hash IS NOT NULL AS has_secret, is_app_admin, is_active
FROM client WHERE application_id = $1 AND id = $2;

-- name: setup_client_active :must
-- args: text id, bool is_active
-- scope: global: an operator's change
UPDATE client SET is_active = $2 WHERE id = $1;

-- name: setup_client_secret :must
-- args: text id, bytes secret_hash
-- scope: global: an operator's change
UPDATE client SET secret_hash = $2 WHERE id = $1;

-- What a user may do in an account, or in the active one.
-- name: setup_right :maybe
-- args: id user, id? account_of
-- row:  setup_right
-- scope: global: an operator's question
SELECT r.account_id, r.role, r.version
FROM app_user u JOIN account_right r ON r.user_id = u.id
    AND r.application_id = u.application_id
WHERE u.id = $1 AND r.account_id = coalesce($2, u.active_account_id,
    (SELECT min(account_id) FROM membership WHERE user_id = u.id));

-- A session for tokens alone: nobody knows its cookie. The operator stands for
-- a second factor.
-- name: setup_session_add :value
-- args: id application, id user, bytes hash, int4 life
-- value: int
-- scope: global: an operator makes a token
INSERT INTO session (application_id, user_id, token_hash, idle_seconds,
    expires_at, address, second_factor)
VALUES ($1, $2, $3, $4, now() + make_interval(secs => $4), 'letterrackctl',
    true)
RETURNING id;

-- Of accounts (0: all of the application's): how many emails there are, how many
-- can be found by their words, and how many texts are still to be read.
-- name: search_status :many
-- args: id application, int account
-- row:  setup_search
-- scope: global: an operator's list
SELECT a.id, coalesce(a.search_language, p.search_language) AS language,
    (SELECT count(*) FROM email e WHERE e.account_id = a.id
        AND e.removed_at IS NULL) AS emails,
    (SELECT count(*) FROM email_text t WHERE t.account_id = a.id
        AND t.gone_at IS NULL) AS indexed,
    (SELECT count(*) FROM email e JOIN credential c ON c.account_id = a.id
        AND c.id = e.credential_id
        WHERE e.account_id = a.id AND e.removed_at IS NULL
        AND (e.text_due OR e.id > c.text_done_id)) AS waiting
FROM account a JOIN application p ON p.id = a.application_id
WHERE a.application_id = $1 AND ($2 = 0 OR a.id = $2) ORDER BY a.id;

-- name: search_language_known :value
-- args: text name
-- value: int
-- scope: global: what PostgreSQL has
SELECT count(*) FROM pg_ts_config
WHERE cfgnamespace = 'letterrack'::regnamespace AND cfgname = 'search_' || $1;

-- name: search_language_set :must
-- args: id application, id account, text name
-- scope: global: an operator says so
UPDATE account SET search_language = $3
WHERE application_id = $1 AND id = $2;

-- For all accounts that have none of their own.
-- name: search_language_preset :must
-- args: id application, text name
-- scope: global: an operator says so
UPDATE application SET search_language = $2 WHERE id = $1;

-- name: search_read_again :exec
-- args: id application, int account
-- scope: global: an operator says so
UPDATE credential c SET text_done_id = 0, texts_due = true
FROM account a
WHERE a.application_id = $1 AND c.account_id = a.id
AND c.provider_kind = 'imap'
AND ($2 = a.id OR ($2 = 0 AND a.search_language IS NULL));

-- What no server holds is put in again at once.
-- name: search_put_again :exec
-- args: id application, int account
-- scope: global: an operator says so
SELECT search_put(m.account_id, m.ids,
    array_fill(NULL::text, ARRAY[cardinality(m.ids)]),
    array_fill(NULL::text, ARRAY[cardinality(m.ids)]))
FROM (SELECT e.account_id, array_agg(e.id) AS ids
    FROM email e JOIN account a ON a.id = e.account_id
    WHERE a.application_id = $1 AND e.credential_id IS NULL
    AND ($2 = a.id OR ($2 = 0 AND a.search_language IS NULL))
    GROUP BY 1) AS m;
