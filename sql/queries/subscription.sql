-- Subscriptions of an account; see domain/subscription.h.

-- name: subscription_list :many
-- args: account account, id after, int skip, int most
-- row:  subscription
SELECT s.id, s.account_id, s.stripe_id, s.customer_id, s.item_id, s.status,
    p.plan, s.price_id, s.period AS interval, s.quantity, s.cancel_at_period_end,
    s.current_period_start, s.current_period_end, s.canceled_at, s.ended_at,
    s.invoices, s.created_at, s.updated_at
FROM subscription_row s LEFT JOIN plan_price p ON p.price_id = s.price_id
WHERE s.account_id = $1 AND s.id > $2
ORDER BY s.id
LIMIT $4 OFFSET $3;

-- name: subscription_count :value
-- args: account account
-- value: int
SELECT count(*) FROM subscription WHERE account_id = $1;

-- name: subscription_get :one
-- args: account account, id id
-- row:  subscription
SELECT s.id, s.account_id, s.stripe_id, s.customer_id, s.item_id, s.status,
    p.plan, s.price_id, s.period AS interval, s.quantity, s.cancel_at_period_end,
    s.current_period_start, s.current_period_end, s.canceled_at, s.ended_at,
    s.invoices, s.created_at, s.updated_at
FROM subscription_row s LEFT JOIN plan_price p ON p.price_id = s.price_id
WHERE s.account_id = $1 AND s.id = $2;

-- name: subscription_named :one
-- args: account account, text stripe
-- row:  subscription
SELECT s.id, s.account_id, s.stripe_id, s.customer_id, s.item_id, s.status,
    p.plan, s.price_id, s.period AS interval, s.quantity, s.cancel_at_period_end,
    s.current_period_start, s.current_period_end, s.canceled_at, s.ended_at,
    s.invoices, s.created_at, s.updated_at
FROM subscription_row s LEFT JOIN plan_price p ON p.price_id = s.price_id
WHERE s.account_id = $1 AND s.stripe_id = $2;

-- Those of all accounts of an application.
-- name: subscription_all :many
-- args: id application
-- row:  subscription
-- scope: global: shown to the operator
SELECT s.id, s.account_id, s.stripe_id, s.customer_id, s.item_id, s.status,
    p.plan, s.price_id, s.period AS interval, s.quantity, s.cancel_at_period_end,
    s.current_period_start, s.current_period_end, s.canceled_at, s.ended_at,
    s.invoices, s.created_at, s.updated_at
FROM subscription_row s LEFT JOIN plan_price p ON p.price_id = s.price_id
WHERE s.application_id = $1
ORDER BY s.account_id, s.id;

-- Does the account have one that costs, or may cost, something?
-- name: subscription_is_live :value
-- args: account account
-- value: bool
SELECT EXISTS (SELECT FROM subscription WHERE account_id = $1
    AND status IN ('trialing', 'active', 'past_due', 'unpaid', 'paused'));

-- Will the account be charged again?
-- name: subscription_goes_on :value
-- args: account account
-- value: bool
SELECT EXISTS (SELECT FROM subscription WHERE account_id = $1
    AND NOT cancel_at_period_end
    AND status IN ('trialing', 'active', 'past_due', 'unpaid', 'paused'));
