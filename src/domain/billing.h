/* Billing: what an account asks of the payment service, and what is read there.
 *
 * What changes something there is written down first, with the key under which
 * it is asked, and confirmed afterwards: who asks for the same while no answer
 * is known asks under the same key, so that it is done once. Subscriptions and
 * invoices are copies of objects that are read, never of what an event says. */
#ifndef DOMAIN_BILLING_H
#define DOMAIN_BILLING_H

#include "db/db.h"
#include "db/row.h"
#include "domain/stripe.h"

struct billing_customer {
	int64_t account_id;
	const char *customer_id;
	instant created_at;
};
extern const struct col billing_customer_cols[];

struct billing_intent {
	int64_t id;
	const char *key;
	int32_t tries;
};
extern const struct col billing_intent_cols[];

/* A checkout that was begun. */
struct billing_begun {
	int64_t id; /* of the intent */
	const char *session;
};
extern const struct col billing_begun_cols[];

/* For one request, or one job. */
struct billing {
	struct db *db;
	struct stripe stripe;
	int64_t account, application;
	struct arena *arena;
	/* Called in the transaction that writes an intent down; may be NULL. */
	enum rc (*note)(struct db *, void *arg);
	void *note_arg;
};

/* The account's customer; NULL: it has none yet. */
enum rc billing_customer(struct billing *, const char **) MUST_CHECK;
/* The same, made where there is none. */
enum rc billing_customer_make(struct billing *, const char **) MUST_CHECK;

/* Asks for a change, once. Results as of stripe_ask. */
enum rc billing_do(struct billing *, const char *method, const char *path,
    struct str form, struct json_object **) MUST_CHECK;

/* Reads an object and keeps it. RC_NOT_FOUND: there is none, or it is not the
 * account's. */
enum rc billing_subscription_read(struct billing *, const char *id) MUST_CHECK;
enum rc billing_invoice_read(struct billing *, const char *id) MUST_CHECK;
/* What a checkout has led to; `*subscription` NULL: nothing yet. */
enum rc billing_checkout_read(
    struct billing *, const char *id, const char **subscription) MUST_CHECK;
/* Ends the account's checkouts that are still open, so that nobody pays at two;
 * what one has led to is read. */
enum rc billing_checkouts_end(struct billing *) MUST_CHECK;
/* All subscriptions and invoices; a subscription that is not there any more
 * goes where `forgets`. Counted are subscriptions. */
enum rc billing_read_all(
    struct billing *, bool forgets, int64_t *read, int64_t *gone) MUST_CHECK;

#endif
