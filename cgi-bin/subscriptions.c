/* Subscriptions: what the account pays for, and what its plan allows. The
 * account is the token's. */
#include "subscriptions.h"

#include "domain/plan-sql.h"
#include "web/listing.h"

/* ---- list ---- */

struct subscription_page {
	struct page page;
};
static const struct field subscription_page_params[] = {
	F_PAGE(struct subscription_page, PAGE_MOST), F_END
};

static enum rc
list(struct request *rq)
{
	const struct subscription_page *in = rq->params;
	int64_t account = rq->actor.account, total;
	struct subscription_list rows;
	struct listing ask;
	struct list_end end;

	TRY(listing_ask(rq, &in->page, &ask));
	db_pipe_begin(rq->db);
	TRY(subscription_list(
	    rq->db, account, ask.after, ask.skip, ask.most, rq->arena, &rows));
	TRY(subscription_count(rq->db, account, &total));
	TRY(db_pipe_end(rq->db));
	end = listing_end(
	    &in->page, &rows.n, total, LISTING_LAST(rows, &in->page));
	return reply_rows(
	    rq, subscription_cols, rows.v, rows.n, sizeof rows.v[0], &end);
}

/* ---- what the plan allows ---- */

static const struct field limit_answer[] = { A_TEXT("name", 0),
	A_INT("limit", NULLABLE), A_INT("used", NULLABLE), F_END };
static const struct field feature_name = { .kind = FIELD_TEXT };
static const struct field features_answer[] = { A_TEXT("plan", 0),
	A_TEXT("title", 0), A_LIST("features", &feature_name, 0),
	A_ARRAY("limits", limit_answer, 0), F_END };

static void
number_or_null(struct jw *w, const char *name, int64_t n)
{
	jw_key(w, name);
	if (n == PLAN_NO_LIMIT)
		jw_null(w);
	else
		jw_int(w, n);
}

static void
limits_write(struct jw *w, const struct plan_limit_list *limits)
{
	jw_key(w, "limits");
	jw_array(w);
	for (size_t i = 0; i < limits->n; i++) {
		jw_object(w);
		JW_TEXT(w, "name", limits->v[i].name);
		number_or_null(w, "limit", limits->v[i].most);
		number_or_null(w, "used", limits->v[i].used);
		jw_object_end(w);
	}
	jw_array_end(w);
}

static enum rc
features(struct request *rq)
{
	struct plan_limit_list limits;
	struct plan *plan;
	struct jw *w;

	db_pipe_begin(rq->db);
	TRY(plan_of_account(rq->db, rq->actor.account, rq->arena, &plan));
	TRY(plan_limits(rq->db, rq->actor.account, rq->arena, &limits));
	TRY(db_pipe_end(rq->db));
	w = reply_open(rq, 0);
	JW_TEXT(w, "plan", plan->name);
	JW_TEXT(w, "title", plan->title);
	jw_key(w, "features");
	jw_array(w);
	for (size_t i = 0; i < plan->features.n; i++)
		jw_str(w, plan->features.v[i]);
	jw_array_end(w);
	limits_write(w, &limits);
	return reply_close(rq);
}

/* ---- rows ---- */

#define ALL    "/api/subscriptions"
#define ONE    ALL "/:subscription_id"
#define STRIPE ALL "/stripe"

#define FAILS(...)                                                             \
	.fails = { RC_BILLING, RC_CONFLICT, RC_CONNECTION, RC_TIMEOUT,         \
		__VA_ARGS__ }

static const struct route routes[] = {
	{ GET, ALL, list, NEED_OWNER, PARAMS(subscription_page),
	    .row = subscription_cols, .many = true,
	    .summary = "List the account's subscriptions" },
	{ GET, ALL "/features", features, NEED_OWNER, .answer = features_answer,
	    .summary = "Show what the account's plan allows, and what is in "
		       "use",
	    .about = "A limit that is null is none." },
	{ GET, ALL "/identity", billing_identity, NEED_OWNER,
	    FAILS(RC_NOT_FOUND), .answer = identity_answer,
	    .summary = "Show the account's customer at the payment service" },
	{ GET, ALL "/merchants", billing_merchants, NEED_OWNER,
	    FAILS(RC_NOT_FOUND), .answer = merchants_answer,
	    .summary = "Show who is paid" },
	{ POST, STRIPE "/checkout-session", billing_checkout, NEED_OWNER,
	    BODY(checkout_new), .status = 201, .answer = checkout_answer,
	    FAILS(RC_NOT_FOUND), .summary = "Begin to pay for a plan",
	    .about = "Not in an account that has a subscription." },
	{ POST, STRIPE "/portal-session", billing_portal, NEED_OWNER,
	    BODY(portal_new), .status = 201, .answer = portal_answer,
	    FAILS(RC_NOT_FOUND),
	    .summary = "Open the payment service's own pages" },
	{ POST, STRIPE "/checkout-session-sync", billing_checkout_sync,
	    NEED_OWNER, BODY(checkout_sync), .row = subscription_cols,
	    FAILS(RC_NOT_FOUND),
	    .summary = "Take over what a checkout has led to" },
	{ POST, ALL "/sync", billing_sync, NEED_OWNER, PARAMS(sync_how),
	    .answer = sync_answer, FAILS(RC_NOT_FOUND),
	    .summary = "Take over the subscriptions of the payment service" },
	{ POST, ONE "/change", billing_change, NEED_OWNER,
	    BODY(subscription_change), .row = subscription_cols,
	    FAILS(RC_NOT_FOUND), .summary = "Change a subscription",
	    .about = "To another interval of its plan, or another price." },
	{ POST, ONE "/cancel", billing_cancel, NEED_OWNER,
	    BODY(subscription_cancel), .row = subscription_cols,
	    FAILS(RC_NOT_FOUND), .summary = "Cancel a subscription" },
	{ POST, "/webhooks/stripe", stripe_event, NEED_OWN,
	    .flags = RAW_BODY | NO_CSRF, .fails = { RC_BILLING },
	    .answer = stripe_event_answer,
	    .summary = "Take an event of the payment service",
	    .about = "Signed in Stripe-Signature. What it is about is read "
		     "again; each event counts once." },
};

FAMILY(subscriptions, WAITING);
