-- Plans: what an account may do, and how much of it; see domain/plan.h.

-- name: plan_of_account :one
-- args: account account
-- row:  plan
SELECT name, title, features,
    coalesce(credentials, -1) AS credentials,
    coalesce(members, -1) AS members, coalesce(watched, -1) AS watched,
    coalesce(sends_per_day, -1) AS sends_per_day,
    coalesce(storage_bytes, -1) AS storage_bytes, is_default
FROM plan WHERE name = plan_of($1);

-- Each limit, with what is in use.
-- name: plan_limits :many
-- args: account account
-- row:  plan_limit
SELECT name, coalesce(most, -1) AS most, coalesce(used, -1) AS used
FROM plan_state($1);

-- ---- the operator's ----

-- name: plan_list :many
-- row:  plan
-- scope: global: plans belong to the operator
SELECT name, title, features,
    coalesce(credentials, -1) AS credentials,
    coalesce(members, -1) AS members, coalesce(watched, -1) AS watched,
    coalesce(sends_per_day, -1) AS sends_per_day,
    coalesce(storage_bytes, -1) AS storage_bytes, is_default
FROM plan ORDER BY name;

-- name: plan_find :maybe
-- args: text name
-- row:  plan
-- scope: global: plans belong to the operator
SELECT name, title, features,
    coalesce(credentials, -1) AS credentials,
    coalesce(members, -1) AS members, coalesce(watched, -1) AS watched,
    coalesce(sends_per_day, -1) AS sends_per_day,
    coalesce(storage_bytes, -1) AS storage_bytes, is_default
FROM plan WHERE name = $1 FOR UPDATE;

-- name: plan_put :must
-- args: text name, text title, texts features, int? credentials, int? members,
-- args: int? watched, int? sends, int? storage
-- scope: global: plans belong to the operator
INSERT INTO plan (name, title, features, credentials, members, watched,
    sends_per_day, storage_bytes)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (name) DO UPDATE SET title = $2, features = $3, credentials = $4,
    members = $5, watched = $6, sends_per_day = $7, storage_bytes = $8,
    updated_at = now();

-- The one that accounts have which have no other.
-- name: plan_default_clear :exec
-- scope: global: plans belong to the operator
UPDATE plan SET is_default = false WHERE is_default;

-- name: plan_default_set :must
-- args: text name
-- scope: global: plans belong to the operator
UPDATE plan SET is_default = true, updated_at = now() WHERE name = $1;

-- name: plan_price_put :must
-- args: text price, text plan, text period
-- scope: global: plans belong to the operator
INSERT INTO plan_price (price_id, plan, period) VALUES ($1, $2, $3)
ON CONFLICT (price_id) DO UPDATE SET plan = $2, period = $3;

-- name: plan_give :must
-- args: id owner, text plan
-- scope: global: the operator's, of any account
INSERT INTO account_plan (application_id, account_id, plan)
SELECT application_id, id, $2 FROM account WHERE id = $1
ON CONFLICT (account_id) DO UPDATE SET plan = $2, created_at = now();

-- name: plan_take :must
-- args: id owner
-- scope: global: the operator's, of any account
DELETE FROM account_plan WHERE account_id = $1;

-- name: plan_accounts :many
-- args: id application
-- row:  plan_account
-- scope: global: shown to the operator
SELECT a.id AS account_id, a.name, plan_of(a.id) AS plan,
    g.plan IS NOT NULL AS is_given, s.status, s.current_period_end
FROM account a
LEFT JOIN account_plan g ON g.account_id = a.id
LEFT JOIN LATERAL (SELECT status, current_period_end FROM subscription
    WHERE account_id = a.id ORDER BY id DESC LIMIT 1) s ON true
WHERE a.application_id = $1 AND a.status <> 'deleting'
ORDER BY a.id;
