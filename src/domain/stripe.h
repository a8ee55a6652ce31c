/* Stripe's API: one question at a time over HTTPS, in a version that is ours to
 * choose, since answers follow it. The key of the operator is read from its
 * file for each request, and nothing logs it. */
#ifndef DOMAIN_STRIPE_H
#define DOMAIN_STRIPE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/buffer.h"
#include "core/conf.h"
#include "core/json-tree.h"
#include "core/secret.h"
#include "mail/egress.h"

#define STRIPE_VERSION "2024-06-20"

/* For one request, or one job. */
struct stripe {
	const struct egress *egress; /* borrowed */
	const char *url;             /* borrowed from the configuration */
	struct secret key;
	int64_t end_ms; /* what is not asked by then, is not */
	/* Of the last question: its key has the same fault for ever. */
	bool is_spent;
};

/* RC_BILLING: the operator has not set it up. */
enum rc stripe_open(const struct conf *, const struct egress *, struct arena *,
    struct stripe *) MUST_CHECK;

/* Is it an id that may stand in a path? */
bool stripe_id_ok(struct str);

/* Adds "name=value"; names as Stripe has them: line_items[0][price]. */
void
stripe_field(struct buf *, struct arena *, const char *name, const char *value);

struct stripe_ask {
	const char *method; /* "GET", "POST", "DELETE" */
	const char *path;   /* "/v1/customers", with a query */
	struct str form;    /* of a POST */
	const char *key;    /* Idempotency-Key; NULL: of a GET */
};

/* Asks, up to three times where that may help. RC_NOT_FOUND: there is no such
 * object. RC_CONFLICT: it says no, and why in fail_detail. RC_BILLING: the key
 * is no good. RC_RETRY, RC_CONNECTION, RC_TIMEOUT: nobody knows what came of
 * it; with the same key it can be asked again, unless that is spent. */
enum rc stripe_ask(struct stripe *, const struct stripe_ask *, struct arena *,
    struct json_object **) MUST_CHECK;

/* Does a Stripe-Signature header hold for these bytes? Any of its v1 may, by
 * any of the secrets, a line each; it is not older than five minutes. */
bool stripe_signed(struct str header, struct str body,
    const struct secret *secrets, int64_t now_s);

#endif
