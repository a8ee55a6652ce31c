#include "domain/subscription.h"

const struct col subscription_cols[] = {
	COL_ID(struct subscription, id, ID_SUBSCRIPTION),
	COL_ID(struct subscription, account_id, ID_ACCOUNT),
	COL(struct subscription, stripe_id),
	COL(struct subscription, customer_id),
	COL(struct subscription, item_id, .hidden = true),
	COL(struct subscription, status),
	COL(struct subscription, plan,
	    .note = "null: no plan is sold at this price."),
	COL(struct subscription, price_id),
	COL_AS(struct subscription, period, "interval"),
	COL(struct subscription, quantity),
	COL(struct subscription, cancel_at_period_end),
	COL(struct subscription, current_period_start),
	COL(struct subscription, current_period_end),
	COL(struct subscription, canceled_at),
	COL(struct subscription, ended_at),
	COL_JSON(struct subscription, invoices, .note = "The last twelve."),
	COL(struct subscription, created_at),
	COL(struct subscription, updated_at),
	COL_END,
};
