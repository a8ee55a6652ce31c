/* Webhooks: addresses that are told of events.
 *
 * What is told carries two signatures of the body with the webhook's secret:
 * by the Standard Webhooks convention, and the bare HMAC that older receivers
 * look for. A secret "whsec_…" is base64 of the key; any other is the key. */
#ifndef DOMAIN_WEBHOOK_H
#define DOMAIN_WEBHOOK_H

#include <stdbool.h>
#include <stdint.h>

#include "domain/event.h"
#include "domain/sealed.h"

#define WEBHOOK_URL_MOST 2000
#define WEBHOOKS_MOST    100 /* of an account */
#define WEBHOOK_OVERLAP                                                        \
	86400 /* seconds that a secret outlives the next one                   \
	       */
#define WEBHOOK_HIDDEN "***hidden***"

struct webhook {
	int64_t id;
	const char *url;
	struct texts events;
	const char *secret; /* WEBHOOK_HIDDEN */
	bool is_active;
	const char *disabled_reason; /* NULL: by a person, or not at all */
	instant last_triggered_at;
	int32_t failed_attempts; /* since the last success */
	instant created_at;
	instant updated_at;
};
extern const struct col webhook_cols[];

/* Event names that may be subscribed to, "*" for all, NULL at the end. */
extern const char *const webhook_events[EVENT_COUNT + 2];

/* A new secret, "whsec_" and 256 bits in base64. */
struct secret webhook_secret_new(struct arena *);
/* RC_INVALID with a sentence: too short, or "whsec_" and no base64. */
enum rc webhook_secret_check(const struct secret *) MUST_CHECK;
/* The key that a secret stands for; wiped with the arena. */
struct secret webhook_key(const struct secret *, struct arena *);

/* Where the secret of a webhook lies. */
struct envelope_place
webhook_place(int64_t application, int64_t account, int64_t id);

#endif
