-- A credential as the API shows it, its secret left out; row-level security is
-- the caller's. What changes a row answers through it too (RETURNING *).
SET LOCAL search_path = letterrack;

CREATE VIEW provider_credential_row WITH (security_invoker) AS
SELECT id, account_id, application_id, user_id, provider_kind, label,
    email_address, host, port, security_mode, auth_kind, username_masked,
    provider_type, is_active, is_default, status, last_tested_at, last_checked,
    last_error_code, last_error_detail, sync_mode, hold_policy,
    quarantine_folder, smtp_credential_id, body_policy, secret_version,
    created_at, updated_at
FROM credential;
