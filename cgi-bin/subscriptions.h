/* What the parts of the family `subscriptions` share. */
#ifndef CGI_BIN_SUBSCRIPTIONS_H
#define CGI_BIN_SUBSCRIPTIONS_H

#include "domain/subscription-sql.h"
#include "web/body.h"
#include "web/reply.h"

/* ---- what is asked of the payment service: subscriptions-billing.c ---- */

struct checkout_new {
	const char *price_id, *success_url, *cancel_url;
};
extern const struct field checkout_new_body[], checkout_answer[];
struct portal_new {
	const char *return_url;
};
extern const struct field portal_new_body[], portal_answer[];
struct checkout_sync {
	const char *session_id;
};
extern const struct field checkout_sync_body[];
struct sync_how {
	bool allow_deletes;
};
extern const struct field sync_how_params[], sync_answer[];
struct subscription_change {
	int interval;
	const char *price_id;
	bool prorate;
};
extern const struct field subscription_change_body[];
struct subscription_cancel {
	bool at_period_end;
};
extern const struct field subscription_cancel_body[];
extern const struct field identity_answer[], merchants_answer[];

enum rc billing_identity(struct request *) MUST_CHECK;
enum rc billing_merchants(struct request *) MUST_CHECK;
enum rc billing_checkout(struct request *) MUST_CHECK;
enum rc billing_portal(struct request *) MUST_CHECK;
enum rc billing_checkout_sync(struct request *) MUST_CHECK;
enum rc billing_sync(struct request *) MUST_CHECK;
enum rc billing_change(struct request *) MUST_CHECK;
enum rc billing_cancel(struct request *) MUST_CHECK;

/* ---- what it tells: subscriptions-events.c ---- */

extern const struct field stripe_event_answer[];
enum rc stripe_event(struct request *) MUST_CHECK;

#endif
