-- name: user_get :one
-- args: id application, id user
-- row:  user
-- scope: global: a user belongs to an application, not to one account
SELECT id, application_id, email, username, name, role, is_active,
    CASE WHEN is_active THEN 'active' ELSE 'disabled' END AS status,
    active_account_id, last_login_at, created_at, updated_at
FROM app_user
WHERE application_id = $1 AND id = $2;
