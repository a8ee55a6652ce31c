/* Subscriptions at the payment service: begun, changed, cancelled, and read. */
#include "subscriptions.h"

#include <assert.h>
#include <string.h>

#include "domain/billing-sql.h"
#include "domain/billing.h"
#include "domain/reach.h"
#include "web/audit.h"
#include "web/guard.h"
#include "web/share.h"

#define FORM_MOST 32768
#define URL_MOST  2000
#define ID_MOST   255

static const char *const periods[] = { "day", "week", "month", "year", NULL };

#define F_PLACE(S, f)                                                          \
	F_TEXT(S, f, 8, URL_MOST, REQUIRED, .about = "http or https.")

const struct field checkout_new_body[] = {
	F_TEXT(struct checkout_new, price_id, 1, ID_MOST, REQUIRED,
	    .about = "One that a plan is sold at."),
	F_PLACE(struct checkout_new, success_url),
	F_PLACE(struct checkout_new, cancel_url), F_END
};
const struct field checkout_answer[] = { A_TEXT("id", 0), A_TEXT("url", 0),
	F_END };
const struct field portal_new_body[] = { F_PLACE(struct portal_new, return_url),
	F_END };
const struct field portal_answer[] = { A_TEXT("url", 0), F_END };
const struct field checkout_sync_body[] = {
	F_TEXT(struct checkout_sync, session_id, 1, ID_MOST, REQUIRED), F_END
};
const struct field sync_how_params[] = {
	F_BOOL(struct sync_how, allow_deletes, OPTIONAL, PRESET(false),
	    .about = "What the payment service does not have goes here, too."),
	F_END
};
const struct field sync_answer[] = { A_INT("synced", 0), A_INT("deleted", 0),
	F_END };
const struct field subscription_change_body[] = {
	F_ENUM(struct subscription_change, interval, periods, OPTIONAL,
	    .about = "The price of the same plan for it."),
	F_TEXT(struct subscription_change, price_id, 1, ID_MOST, OPTIONAL),
	F_BOOL(struct subscription_change, prorate, OPTIONAL, PRESET(true)),
	F_END
};
const struct field subscription_cancel_body[] = {
	F_BOOL(struct subscription_cancel, at_period_end, OPTIONAL,
	    PRESET(true), .about = "false: now."),
	F_END
};
const struct field identity_answer[] = { A_ID("account_id", ID_ACCOUNT, 0),
	A_TEXT("customer_id", NULLABLE), F_END };
static const struct field merchant_answer[] = { A_TEXT("id", 0),
	A_TEXT("name", NULLABLE), A_TEXT("country", NULLABLE),
	A_TEXT("currency", NULLABLE), F_END };
const struct field merchants_answer[] = {
	A_ARRAY("merchants", merchant_answer, 0), F_END
};

/* ---- what all begin with ---- */

static enum rc
begin(struct request *rq, struct billing *b)
{
	const struct egress *egress;

	*b = (struct billing){ .db = rq->db,
		.account = rq->actor.account,
		.application = rq->actor.application,
		.arena = rq->arena };
	/* Whether it is set up is told to who may ask. */
	TRY(guard_prove(rq));
	/* Where the service is slow, its events still find somebody. */
	TRY(share_take(rq));
	TRY(reach_egress(rq->conf, &egress));
	return stripe_open(rq->conf, egress, rq->arena, &b->stripe);
}

/* What is asked for, in the audit log. */
struct note {
	struct request *rq;
	const char *action;
	int64_t id; /* of a subscription; 0: of none yet */
};

static enum rc
note_write(struct db *db, void *arg)
{
	const struct note *n = arg;

	(void)db;
	return audit(n->rq, n->action,
	    n->id != 0 ? audit_id(n->rq, ID_SUBSCRIPTION, n->id) : NULL, NULL);
}

static void
noted(struct billing *b, struct note *n)
{
	b->note = note_write;
	b->note_arg = n;
}

static enum rc
place_check(struct request *rq, const char *name, const char *url)
{
	if (strncmp(url, "https://", 8) == 0 || strncmp(url, "http://", 7) == 0)
		return RC_OK;
	return fault_add(rq, name, "invalid", "An http or https address.");
}

static enum rc
ask(struct billing *b, const char *method, const char *path, struct buf *form,
    struct json_object **out)
{
	enum rc rc =
	    billing_do(b, method, path, (struct str){ form->p, form->n }, out);

	buf_clear(form);
	return rc;
}

static enum rc
url_of(struct billing *b, struct json_object *o, const char **out)
{
	struct str url;

	if (!json_text(o, "url", &url))
		return fail(RC_RETRY, "Stripe's answer has no url");
	*out = arena_dup(b->arena, url.p, url.n);
	return RC_OK;
}

/* ---- checkout ---- */

static enum rc
price_check(struct request *rq, const char *price)
{
	bool known;

	TRY(billing_price_known(rq->db, price, &known));
	if (!known)
		return fault_add(rq, "price_id", "unknown",
		    "No plan is sold at this price.");
	return RC_OK;
}

/* Nobody pays twice for one account. */
static enum rc
free_check(struct request *rq)
{
	bool paying;

	TRY(subscription_is_live(rq->db, rq->actor.account, &paying));
	if (paying)
		return fail(RC_CONFLICT,
		    "The account has a subscription; change that.");
	return RC_OK;
}

static void
checkout_form(struct billing *b, struct buf *f, const struct checkout_new *in,
    const char *customer)
{
	char account[ID_PRINT_SIZE];

	id_print(ID_ACCOUNT, b->account, account);
	buf_init(f, FORM_MOST);
	stripe_field(f, b->arena, "mode", "subscription");
	stripe_field(f, b->arena, "customer", customer);
	stripe_field(f, b->arena, "client_reference_id", account);
	stripe_field(f, b->arena, "line_items[0][price]", in->price_id);
	stripe_field(f, b->arena, "line_items[0][quantity]", "1");
	stripe_field(
	    f, b->arena, "subscription_data[metadata][account_id]", account);
	stripe_field(f, b->arena, "success_url", in->success_url);
	stripe_field(f, b->arena, "cancel_url", in->cancel_url);
}

enum rc
billing_checkout(struct request *rq)
{
	const struct checkout_new *in = rq->body;
	struct note note = { rq, "subscription.checkout", 0 };
	const char *customer, *url;
	struct json_object *o;
	struct billing b;
	struct str id;
	struct buf form;
	struct jw *w;

	TRY(place_check(rq, "success_url", in->success_url));
	TRY(place_check(rq, "cancel_url", in->cancel_url));
	TRY(begin(rq, &b));
	TRY(price_check(rq, in->price_id));
	TRY(billing_checkouts_end(&b));
	TRY(free_check(rq));
	TRY(billing_customer_make(&b, &customer));
	noted(&b, &note);
	checkout_form(&b, &form, in, customer);
	TRY(ask(&b, "POST", "/v1/checkout/sessions", &form, &o));
	TRY(url_of(&b, o, &url));
	if (!json_text(o, "id", &id))
		return fail(RC_RETRY, "Stripe's answer has no id");
	w = reply_open(rq, 0);
	jw_key(w, "id");
	jw_str(w, id);
	JW_TEXT(w, "url", url);
	return reply_close(rq);
}

enum rc
billing_checkout_sync(struct request *rq)
{
	const struct checkout_sync *in = rq->body;
	const char *stripe_id;
	struct subscription *s;
	struct billing b;

	TRY(begin(rq, &b));
	TRY(billing_checkout_read(&b, in->session_id, &stripe_id));
	if (stripe_id == NULL)
		return fail(RC_CONFLICT, "The checkout is not complete.");
	TRY(subscription_named(
	    rq->db, rq->actor.account, stripe_id, rq->arena, &s));
	return reply_row(rq, 0, subscription_cols, s);
}

enum rc
billing_portal(struct request *rq)
{
	const struct portal_new *in = rq->body;
	struct note note = { rq, "subscription.portal", 0 };
	const char *customer, *url;
	struct json_object *o;
	struct billing b;
	struct buf form;
	struct jw *w;

	TRY(place_check(rq, "return_url", in->return_url));
	TRY(begin(rq, &b));
	TRY(billing_customer_make(&b, &customer));
	noted(&b, &note);
	buf_init(&form, FORM_MOST);
	stripe_field(&form, rq->arena, "customer", customer);
	stripe_field(&form, rq->arena, "return_url", in->return_url);
	TRY(ask(&b, "POST", "/v1/billing_portal/sessions", &form, &o));
	TRY(url_of(&b, o, &url));
	w = reply_open(rq, 0);
	JW_TEXT(w, "url", url);
	return reply_close(rq);
}

/* ---- change and cancel ---- */

/* The path's subscription, as it is here. */
static enum rc
one(struct request *rq, struct billing *b, struct subscription **out)
{
	TRY(subscription_get(
	    rq->db, rq->actor.account, arg_id(rq, 0), rq->arena, out));
	return begin(rq, b);
}

/* What it is there decides: whoever was cut off may say it again, and it is
 * asked for once. */
static enum rc
one_read(struct request *rq, struct billing *b, struct subscription **out)
{
	TRY(one(rq, b, out));
	TRY(billing_subscription_read(b, (*out)->stripe_id));
	return subscription_get(
	    rq->db, rq->actor.account, arg_id(rq, 0), rq->arena, out);
}

static enum rc
one_reply(struct request *rq, struct billing *b, const char *stripe_id)
{
	struct subscription *s;

	/* The answer to a key that came again is the first one. */
	TRY(billing_subscription_read(b, stripe_id));
	TRY(subscription_get(
	    rq->db, rq->actor.account, arg_id(rq, 0), rq->arena, &s));
	return reply_row(rq, 0, subscription_cols, s);
}

static enum rc
price_of(struct request *rq, const struct subscription *s, const char **out)
{
	const struct subscription_change *in = rq->body;

	if (in->price_id != NULL) {
		*out = in->price_id;
		return price_check(rq, in->price_id);
	}
	if (in->interval < 0)
		return fault_add(
		    rq, "interval", "required", "An interval or a price_id.");
	TRY(billing_price_beside(
	    rq->db, s->price_id, periods[in->interval], rq->arena, out));
	if (**out == '\0')
		return fault_add(rq, "interval", "unknown",
		    "The plan is not sold for this interval.");
	return RC_OK;
}

static enum rc
change_ask(struct request *rq, struct billing *b, const struct subscription *s,
    const char *path, const char *price)
{
	const struct subscription_change *in = rq->body;
	struct json_object *o;
	struct buf form;

	buf_init(&form, FORM_MOST);
	stripe_field(&form, rq->arena, "items[0][id]", s->item_id);
	stripe_field(&form, rq->arena, "items[0][price]", price);
	stripe_field(&form, rq->arena, "proration_behavior",
	    in->prorate ? "create_prorations" : "none");
	return ask(b, "POST", path, &form, &o);
}

enum rc
billing_change(struct request *rq)
{
	struct note note = { rq, "subscription.change", arg_id(rq, 0) };
	const char *price = NULL, *path;
	struct subscription *s;
	struct billing b;

	TRY(one_read(rq, &b, &s));
	TRY(price_of(rq, s, &price));
	assert(price != NULL);
	if (s->item_id == NULL)
		return fail(RC_CONFLICT, "There is nothing to be changed.");
	path = arena_fmt(rq->arena, "/v1/subscriptions/%s", s->stripe_id);
	noted(&b, &note);
	if (s->price_id != NULL && strcmp(s->price_id, price) == 0)
		TRY(billing_intent_end_path(rq->db, b.account, path, NULL));
	else
		TRY(change_ask(rq, &b, s, path, price));
	return one_reply(rq, &b, s->stripe_id);
}

static enum rc
cancel_ask(struct request *rq, struct billing *b, const char *path)
{
	const struct subscription_cancel *in = rq->body;
	struct json_object *o;
	struct buf form;

	buf_init(&form, FORM_MOST);
	if (in->at_period_end)
		stripe_field(&form, rq->arena, "cancel_at_period_end", "true");
	return ask(b, in->at_period_end ? "POST" : "DELETE", path, &form, &o);
}

static bool
is_cancelled(const struct subscription *s, bool at_period_end)
{
	return strcmp(s->status, "canceled") == 0 ||
	    strcmp(s->status, "incomplete_expired") == 0 ||
	    (at_period_end && s->cancel_at_period_end);
}

enum rc
billing_cancel(struct request *rq)
{
	const struct subscription_cancel *in = rq->body;
	struct note note = { rq, "subscription.cancel", arg_id(rq, 0) };
	struct subscription *s;
	struct billing b;
	const char *path;

	TRY(one_read(rq, &b, &s));
	path = arena_fmt(rq->arena, "/v1/subscriptions/%s", s->stripe_id);
	noted(&b, &note);
	if (is_cancelled(s, in->at_period_end))
		TRY(billing_intent_end_path(rq->db, b.account, path, NULL));
	else
		TRY(cancel_ask(rq, &b, path));
	return one_reply(rq, &b, s->stripe_id);
}

/* ---- reading ---- */

enum rc
billing_sync(struct request *rq)
{
	const struct sync_how *in = rq->params;
	int64_t read, gone;
	struct billing b;
	struct jw *w;

	TRY(begin(rq, &b));
	TRY(billing_read_all(&b, in->allow_deletes, &read, &gone));
	w = reply_open(rq, 0);
	JW_INT(w, "synced", read);
	JW_INT(w, "deleted", gone);
	return reply_close(rq);
}

enum rc
billing_identity(struct request *rq)
{
	char id[ID_PRINT_SIZE];
	const char *customer;
	struct billing b;
	struct jw *w;

	TRY(begin(rq, &b));
	TRY(billing_customer(&b, &customer));
	id_print(ID_ACCOUNT, b.account, id);
	w = reply_open(rq, 0);
	JW_TEXT(w, "account_id", id);
	JW_TEXT(w, "customer_id", customer);
	return reply_close(rq);
}

static void
member(struct jw *w, const char *as, struct json_object *o, const char *name)
{
	struct str s = { NULL, 0 };

	if (o != NULL && !json_text(o, name, &s))
		s = (struct str){ NULL, 0 };
	jw_key(w, as);
	jw_str(w, s);
}

enum rc
billing_merchants(struct request *rq)
{
	const struct stripe_ask what = { .method = "GET",
		.path = "/v1/account" };
	struct json_object *o, *profile = NULL;
	struct billing b;
	struct str id;
	struct jw *w;

	TRY(begin(rq, &b));
	TRY(stripe_ask(&b.stripe, &what, rq->arena, &o));
	if (!json_text(o, "id", &id))
		return fail(RC_RETRY, "Stripe's answer has no id");
	(void)json_inside(o, "business_profile", &profile);
	w = reply_open(rq, 0);
	jw_key(w, "merchants");
	jw_array(w);
	jw_object(w);
	jw_key(w, "id");
	jw_str(w, id);
	member(w, "name", profile, "name");
	member(w, "country", o, "country");
	member(w, "currency", o, "default_currency");
	jw_object_end(w);
	jw_array_end(w);
	return reply_close(rq);
}
