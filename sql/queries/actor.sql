-- What a token does not say of its bearer, asked where a route needs it.

-- name: actor_is_admin :value
-- args: id user
-- value: bool
-- scope: global: the guard before it has set the application
SELECT role = 'admin' FROM app_user WHERE id = $1 AND is_active;

-- name: actor_is_app_admin :value
-- args: text client
-- value: bool
-- scope: global: the guard before it has set the application
SELECT is_app_admin FROM client WHERE id = $1 AND is_active;
