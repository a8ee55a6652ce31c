/* Subscriptions: what an account pays for, as the payment service has it. */
#ifndef DOMAIN_SUBSCRIPTION_H
#define DOMAIN_SUBSCRIPTION_H

#include <stdbool.h>
#include <stdint.h>

#include "db/row.h"

struct subscription {
	int64_t id;
	int64_t account_id;
	const char *stripe_id;
	const char *customer_id;
	const char *item_id;
	const char *status;
	const char *plan; /* NULL: none is sold at that price */
	const char *price_id;
	const char *period; /* "month" */
	int64_t quantity;
	bool cancel_at_period_end;
	instant current_period_start;
	instant current_period_end;
	instant canceled_at;
	instant ended_at;
	struct str invoices; /* JSON, the newest first */
	instant created_at;
	instant updated_at;
};
extern const struct col subscription_cols[];

#endif
