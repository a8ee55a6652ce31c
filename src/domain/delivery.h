/* Deliveries: what is told to a webhook, at least once.
 *
 * A row is made in the transaction of the event (0086), with the bytes and the
 * name that each try of it carries: it is the intent. It is leased, posted, and
 * what became of that is written down. Killed in between, the lease ends and it
 * is posted again, the same; a receiver tells by the name what it has seen.
 *
 * These are no jobs, and have leases of their own: one worker has many under
 * way, so that a slow receiver delays nobody else. */
#ifndef DOMAIN_DELIVERY_H
#define DOMAIN_DELIVERY_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/conf.h"
#include "core/envelope.h"
#include "core/log.h"
#include "db/db.h"
#include "mail/post.h"

/* One that is leased, with all that it takes to sign it. */
struct delivery {
	int64_t id;
	int64_t application_id;
	int64_t account_id;
	int64_t webhook_id;
	const char *event_type;
	const char *stem; /* webhook-id */
	struct str body;
	int32_t attempts; /* this one included */
	int64_t lease_token;
	const char *url;
	struct str secret;
	int64_t secret_key_id;
	struct str wrapped;
	struct str previous; /* signs beside it while a secret is replaced */
	int64_t previous_key_id;
	struct str previous_wrapped;
};
extern const struct col delivery_cols[];

/* As it is shown. */
struct delivery_seen {
	int64_t id;
	int64_t webhook_id;
	const char *event_type;
	struct str payload;
	const char *state;
	int32_t attempts;
	int64_t response_status; /* 0: no answer came */
	const char *response_body;
	const char *last_error;
	instant created_at;
	instant next_attempt_at;
	instant delivered_at;
};
extern const struct col delivery_seen_cols[];

/* `queued sending delivered dead`, NULL at the end. */
extern const char *const delivery_states[];

/* How long one is leased for: more than a try can take. */
#define DELIVERY_LEASE_S 60

/* The event of those that try a webhook out. */
#define DELIVERY_TEST "webhook.test"

struct delivery_host {
	struct db *db;
	const struct envelope_keks *keks;
	struct posts *posts;
	const struct log *log;
	const char *worker;
	const volatile sig_atomic_t *stop; /* may be NULL */
};

/* Posts what is due, until nothing is, or for `ms` (0: no limit); what is then
 * under way is waited for. RC_OK whatever became of each; else the database is
 * away. `*done` counts what was posted. */
enum rc delivery_run(
    const struct delivery_host *, int64_t ms, int64_t *done) MUST_CHECK;

/* Posts one that was leased (delivery_take), and writes down what became of
 * it. */
enum rc delivery_post(const struct delivery_host *, const struct delivery *,
    struct arena *) MUST_CHECK;

#endif
