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

enum rc
billing_event_run(struct job_run *r)
{
	struct billing b = { .db = r->db,
		.account = r->account,
		.application = r->lease->application_id,
		.arena = r->arena };
	struct json_object *payload;
	struct str id;
	enum rc rc;

	TRY(stripe_open(r->host->conf, r->host->egress, r->arena, &b.stripe));
	TRY(json_tree(r->arena, r->lease->payload, DEPTH, &payload));
	if (!json_text(payload, "object", &id))
		return RC_OK;
	rc = read_again(&b, arena_dup(r->arena, id.p, id.n));
	/* It is not there any more, or is another account's: nothing of ours
	 * changes. */
	return rc == RC_NOT_FOUND ? RC_OK : rc;
}
