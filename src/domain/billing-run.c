/* The job behind an event: reads again what the event is about. */
#include <string.h>

#include "domain/billing.h"
#include "domain/job-run.h"

#define DEPTH 4

/* What is read, by the beginning of the object's id. */
static enum rc
checkout(struct billing *b, const char *id)
{
	const char *subscription;

	return billing_checkout_read(b, id, &subscription);
}

static const struct {
	const char *prefix;
	enum rc (*read)(struct billing *, const char *id);
} kinds[] = {
	{ "sub_", billing_subscription_read },
	{ "in_", billing_invoice_read },
	{ "cs_", checkout },
};

static enum rc
read_again(struct billing *b, const char *id)
{
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (strncmp(id, kinds[i].prefix, strlen(kinds[i].prefix)) == 0)
			return kinds[i].read(b, id);
	return RC_OK;
}

/* Whatever keeps us from reading, a key that the operator has to mend included,
 * an event is not lost of it: it waits as for a server that is away, longer
 * each time. */
static enum rc
later(enum rc rc)
{
	if (rc == RC_OK || rc == RC_STALE ||
	    (rc != RC_RETRY && result_is_transient(rc)))
		return rc;
	return fail(RC_CONNECTION, "%s: %s", result_code(rc), fail_detail());
}

static enum rc
event_read(struct job_run *r, const char *id)
{
	struct billing b = { .db = r->db,
		.account = r->account,
		.application = r->lease->application_id,
		.arena = r->arena };
	enum rc rc;

	TRY(stripe_open(r->host->conf, r->host->egress, r->arena, &b.stripe));
	rc = read_again(&b, id);
	/* It is not there any more, or is another account's: nothing of ours
	 * changes. */
	return rc == RC_NOT_FOUND ? RC_OK : rc;
}

enum rc
billing_event_run(struct job_run *r)
{
	struct json_object *payload;
	struct str id;

	TRY(json_tree(r->arena, r->lease->payload, DEPTH, &payload));
	if (!json_text(payload, "object", &id))
		return RC_OK;
	return later(event_read(r, arena_dup(r->arena, id.p, id.n)));
}
