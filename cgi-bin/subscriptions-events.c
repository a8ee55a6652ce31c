/* Events of the payment service. What one says is not believed beyond whose it
 * is and what it is about: a job reads that again. So it does not matter in
 * which order they come, how late, or how often. */
#include "subscriptions.h"

#include <string.h>

#include "core/json-tree.h"
#include "domain/billing-sql.h"
#include "domain/stripe.h"

#define SECRETS_MOST 1024
#define DEPTH        32
#define ID_MOST      255

const struct field stripe_event_answer[] = { A_BOOL("received", 0), F_END };

static enum rc
signature_check(struct request *rq)
{
	const char *file = rq->conf->stripe_webhook_secret_file;
	struct secret secrets;

	if (file[0] == '\0')
		return RC_BILLING;
	if (secret_read(rq->arena, file, SECRETS_MOST, &secrets) != RC_OK) {
		log_error(&rq->log, "the secret of events cannot be read: %s",
		    fail_detail());
		fail_clear();
		return RC_BILLING;
	}
	if (!stripe_signed(str_of(request_var(rq, "HTTP_STRIPE_SIGNATURE")),
		rq->raw, &secrets, clock_now().us / 1000000))
		return fail(RC_MALFORMED, "The signature does not hold.");
	return RC_OK;
}

static const char *
text_of(struct request *rq, struct json_object *o, const char *name)
{
	struct str s;

	if (!json_text(o, name, &s) || s.n == 0 || s.n > ID_MOST)
		return NULL;
	return arena_dup(rq->arena, s.p, s.n);
}

static enum rc
take(struct request *rq, struct json_object *event, bool *fresh)
{
	const char *id = text_of(rq, event, "id"),
		   *type = text_of(rq, event, "type");
	struct json_object *data, *object;

	if (id == NULL || type == NULL || !json_inside(event, "data", &data) ||
	    !json_inside(data, "object", &object))
		return fail(RC_MALFORMED, "That is no event.");
	return billing_event_put(rq->db, id, type, text_of(rq, object, "id"),
	    text_of(rq, object, "customer"), fresh);
}

enum rc
stripe_event(struct request *rq)
{
	struct json_object *event;
	bool fresh;
	struct jw *w;

	TRY(signature_check(rq));
	TRY(json_tree(rq->arena, rq->raw, DEPTH, &event));
	TRY(take(rq, event, &fresh));
	w = reply_open(rq, 0);
	JW_BOOL(w, "received", true);
	return reply_close(rq);
}
