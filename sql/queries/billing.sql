-- What is asked of the payment service; see domain/billing.h.

-- name: billing_customer_of :maybe
-- args: account account
-- row:  billing_customer
SELECT account_id, customer_id, created_at FROM billing_customer
WHERE account_id = $1;

-- name: billing_customer_put :exec
-- args: account account, id application, text customer
INSERT INTO billing_customer (account_id, application_id, customer_id)
VALUES ($1, $2, $3) ON CONFLICT (account_id) DO NOTHING;

-- Intents whose keys the service may have forgotten, and those that another
-- wish for the same object comes behind: their answers would be old ones.
-- name: billing_intent_end_old :exec
-- args: account account, text method, text path, str form
UPDATE billing_intent SET state = 'over', ended_at = now()
WHERE account_id = $1 AND state = 'open'
AND (created_at < now() - interval '23 hours'
    OR (path = $3 AND (method <> $2 OR form <> $4)));

-- What they asked for has turned out to be so.
-- name: billing_intent_end_path :exec
-- args: account account, text path
UPDATE billing_intent SET state = 'done', ended_at = now()
WHERE account_id = $1 AND state = 'open' AND path = $2;

-- A new one, or the open one that asks for the same.
-- name: billing_intent_open :one
-- args: account account, id application, text method, text path, str form
-- row:  billing_intent
INSERT INTO billing_intent (account_id, application_id, method, path, form)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (account_id, method, path, md5(form)) WHERE state = 'open'
DO UPDATE SET tries = billing_intent.tries + 1
RETURNING id, key, tries;

-- name: billing_intent_end :exec
-- args: account account, id id, text state, text? made
UPDATE billing_intent SET state = $3, made = $4, ended_at = now()
WHERE account_id = $1 AND id = $2 AND state = 'open';

-- Checkouts that may be open still, the last ones first. The service ends them
-- after a day.
-- name: billing_begun :many
-- args: account account
-- row:  billing_begun
SELECT id, made AS session FROM billing_intent
WHERE account_id = $1 AND state = 'done' AND made IS NOT NULL
AND path = '/v1/checkout/sessions' AND created_at > now() - interval '25 hours'
ORDER BY id DESC LIMIT 8;

-- name: billing_begun_over :exec
-- args: account account, id id
UPDATE billing_intent SET state = 'over'
WHERE account_id = $1 AND id = $2 AND state = 'done';

-- name: billing_read_no :value
-- value: int
-- scope: global: a number of a sequence
SELECT nextval('billing_read');

-- What was read; an older reading changes nothing.
-- name: billing_subscription_put :exec
-- args: account account, id application, text stripe, text customer,
-- args: text? item, text status, text? price, text? period, int quantity,
-- args: bool cancels, time? period_start, time? period_end, time? canceled,
-- args: time? ended, time? created, int read_no
INSERT INTO subscription AS s (account_id, application_id, stripe_id,
    customer_id, item_id, status, price_id, period, quantity,
    cancel_at_period_end, current_period_start, current_period_end,
    canceled_at, ended_at, created_at, read_no, unpaid_since)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14,
    coalesce($15, now()), $16,
    CASE WHEN $6 IN ('past_due', 'unpaid') THEN now() END)
ON CONFLICT (stripe_id) DO UPDATE SET item_id = $5, status = $6,
    price_id = $7, period = $8, quantity = $9, cancel_at_period_end = $10,
    current_period_start = $11, current_period_end = $12, canceled_at = $13,
    ended_at = $14, read_no = $16, updated_at = now(),
    unpaid_since = CASE WHEN $6 IN ('past_due', 'unpaid')
	THEN coalesce(s.unpaid_since, now()) END
WHERE s.account_id = $1 AND s.read_no < $16;

-- name: billing_invoice_put :exec
-- args: account account, id application, text stripe, text? subscription,
-- args: text? number, text? status, text? currency, int due, int paid,
-- args: time? created, int read_no
INSERT INTO billing_invoice AS i (account_id, application_id, stripe_id,
    subscription, number, status, currency, amount_due, amount_paid,
    created_at, read_no)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, coalesce($10, now()), $11)
ON CONFLICT (stripe_id) DO UPDATE SET status = $6, number = $5,
    amount_due = $8, amount_paid = $9, read_no = $11
WHERE i.account_id = $1 AND i.read_no < $11;

-- Those that the service does not have any more, by a list begun at `read_no`.
-- name: billing_subscription_forget :exec
-- args: account account, texts kept, int read_no
DELETE FROM subscription
WHERE account_id = $1 AND stripe_id <> ALL ($2) AND read_no < $3;

-- name: billing_price_known :value
-- args: text price
-- value: bool
-- scope: global: plans belong to the operator
SELECT EXISTS (SELECT FROM plan_price WHERE price_id = $1);

-- The price of the same plan for another period; "": there is none.
-- name: billing_price_beside :value
-- args: text? price, text period
-- value: text
-- scope: global: plans belong to the operator
SELECT coalesce((SELECT b.price_id FROM plan_price a
    JOIN plan_price b ON b.plan = a.plan
    WHERE a.price_id = $1 AND b.period = $2 ORDER BY b.price_id LIMIT 1), '');

-- An event whose signature was good; false: it was there, or is nobody's.
-- name: billing_event_put :value
-- args: text event, text type, text? object, text? customer
-- value: bool
-- scope: global: whose it is follows from the customer
SELECT billing_event_take($1, $2, $3, $4);
