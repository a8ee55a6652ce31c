#include "domain/billing.h"

#include <string.h>

#include "core/effect.h"
#include "domain/billing-sql.h"

#define FORM_MOST 32768
#define SECOND    INT64_C(1000000)
#define PAGE      100
#define PAGES     50

const struct col billing_customer_cols[] = {
	COL_ID(struct billing_customer, account_id, ID_ACCOUNT),
	COL(struct billing_customer, customer_id),
	COL(struct billing_customer, created_at),
	COL_END,
};

const struct col billing_intent_cols[] = {
	COL(struct billing_intent, id),
	COL(struct billing_intent, key),
	COL(struct billing_intent, tries),
	COL_END,
};

const struct col billing_begun_cols[] = {
	COL(struct billing_begun, id),
	COL(struct billing_begun, session),
	COL_END,
};

/* ---- asking for a change ---- */

struct step {
	struct billing *b;
	struct stripe_ask ask;
	struct billing_intent *intent;
	struct json_object *answer;
	const char *made;
	bool is_customer;
};

/* Another may have made the customer, and ended its intent, behind our look. */
static enum rc
still_missing(struct db *db, const struct step *s)
{
	struct billing_customer *c = NULL;

	if (s->is_customer)
		TRY(billing_customer_of(db, s->b->account, s->b->arena, &c));
	return c == NULL ? RC_OK : RC_STALE;
}

static enum rc
intend_body(struct db *db, void *arg)
{
	struct step *s = arg;
	struct billing *b = s->b;
	struct str form = s->ask.form.p != NULL ? s->ask.form : STR("");

	TRY(billing_intent_end_old(
	    db, b->account, s->ask.method, s->ask.path, form, NULL));
	TRY(billing_intent_open(db, b->account, b->application, s->ask.method,
	    s->ask.path, form, b->arena, &s->intent));
	TRY(still_missing(db, s));
	return b->note != NULL ? b->note(db, b->note_arg) : RC_OK;
}

static enum rc
intend(void *arg)
{
	struct step *s = arg;

	TRY(db_tx(s->b->db, intend_body, s));
	s->ask.key = s->intent->key;
	return RC_OK;
}

static enum rc
act(void *arg)
{
	struct step *s = arg;
	struct str id = { NULL, 0 };

	TRY(stripe_ask(&s->b->stripe, &s->ask, s->b->arena, &s->answer));
	if (!json_text(s->answer, "id", &id) || id.n > 255)
		return fail(RC_RETRY, "Stripe's answer has no id");
	s->made = arena_dup(s->b->arena, id.p, id.n);
	return RC_OK;
}

static enum rc
confirm_body(struct db *db, void *arg)
{
	struct step *s = arg;
	struct billing *b = s->b;

	if (s->is_customer)
		TRY(billing_customer_put(
		    db, b->account, b->application, s->made, NULL));
	return billing_intent_end(
	    db, b->account, s->intent->id, "done", s->made, NULL);
}

static enum rc
confirm(void *arg)
{
	struct step *s = arg;

	return db_tx(s->b->db, confirm_body, s);
}

static const struct effect asked = EFFECT("billing", intend, act, confirm);

/* The key is not needed any more, or leads nowhere. */
static enum rc
given_up(struct step *s, enum rc rc, const char *state)
{
	const char *why = arena_str(s->b->arena, fail_detail());

	TRY(billing_intent_end(
	    s->b->db, s->b->account, s->intent->id, state, NULL, NULL));
	return fail(rc, "%s", why);
}

static enum rc
step_do(struct step *s)
{
	enum rc rc = effect_run(&asked, s);

	if (s->intent == NULL || rc == RC_OK)
		return rc;
	/* A no is an answer. */
	if (rc == RC_CONFLICT || rc == RC_NOT_FOUND)
		return given_up(s, rc, "refused");
	return s->b->stripe.is_spent ? given_up(s, rc, "over") : rc;
}

enum rc
billing_do(struct billing *b, const char *method, const char *path,
    struct str form, struct json_object **out)
{
	struct step s = { .b = b,
		.ask = { .method = method, .path = path, .form = form } };

	TRY(step_do(&s));
	*out = s.answer;
	return RC_OK;
}

/* ---- customers ---- */

enum rc
billing_customer(struct billing *b, const char **out)
{
	struct billing_customer *c;

	TRY(billing_customer_of(b->db, b->account, b->arena, &c));
	*out = c != NULL ? c->customer_id : NULL;
	return RC_OK;
}

/* Two at once ask for the same under one key, and get the same customer. */
enum rc
billing_customer_make(struct billing *b, const char **out)
{
	struct step s = { .b = b,
		.is_customer = true,
		.ask = { .method = "POST", .path = "/v1/customers" } };
	char id[ID_PRINT_SIZE];
	struct buf form;
	enum rc rc;

	TRY(billing_customer(b, out));
	if (*out != NULL)
		return RC_OK;
	buf_init(&form, FORM_MOST);
	id_print(ID_ACCOUNT, b->account, id);
	stripe_field(&form, b->arena, "metadata[account_id]", id);
	id_print(ID_APPLICATION, b->application, id);
	stripe_field(&form, b->arena, "metadata[application_id]", id);
	s.ask.form = (struct str){ form.p, form.n };
	rc = step_do(&s);
	buf_clear(&form);
	if (rc != RC_STALE)
		TRY(rc);
	return billing_customer(b, out);
}

/* ---- reading ---- */

static const char *
text_of(struct billing *b, struct json_object *o, const char *name)
{
	struct str s;

	return json_text(o, name, &s) ? arena_dup(b->arena, s.p, s.n) : NULL;
}

static int64_t
int_of(struct json_object *o, const char *name)
{
	int64_t n = 0;

	return json_int(o, name, &n) ? n : 0;
}

static instant
time_of(struct json_object *o, const char *name)
{
	int64_t n;

	return json_int(o, name, &n) && n > 0 && n < INT64_C(100000000000)
	    ? (instant){ n * SECOND }
	    : INSTANT_NONE;
}

/* The first of its items: we sell one thing at a time. */
static struct json_object *
item_of(struct json_object *o)
{
	struct json_object *items, *data;

	if (!json_inside(o, "items", &items) ||
	    !json_list(items, "data", &data) || json_count(data) == 0)
		return NULL;
	return json_at(data, 0);
}

/* Whose customer an object has must be the account's own. */
static enum rc
ours(struct billing *b, struct json_object *o)
{
	const char *own, *its = text_of(b, o, "customer");

	TRY(billing_customer(b, &own));
	if (own == NULL || its == NULL || strcmp(own, its) != 0)
		return fail(RC_NOT_FOUND, "It is not the account's.");
	return RC_OK;
}

/* What the tables do not take is no fault of who asks. */
static enum rc
kept(enum rc rc)
{
	return rc == RC_INVALID
	    ? fail(
		  RC_RETRY, "Stripe's answer cannot be kept: %s", fail_detail())
	    : rc;
}

static enum rc
subscription_keep(struct billing *b, struct json_object *o, int64_t read_no)
{
	struct json_object *item = item_of(o), *price = NULL, *every = NULL;

	TRY(ours(b, o));
	if (item != NULL && json_inside(item, "price", &price))
		(void)json_inside(price, "recurring", &every);
	if (text_of(b, o, "id") == NULL || text_of(b, o, "status") == NULL)
		return fail(RC_RETRY, "Stripe's answer has no id or status");
	return kept(billing_subscription_put(b->db,
	    &(struct billing_subscription_put_args){ .account = b->account,
		.application = b->application,
		.stripe = text_of(b, o, "id"),
		.customer = text_of(b, o, "customer"),
		.item = item != NULL ? text_of(b, item, "id") : NULL,
		.status = text_of(b, o, "status"),
		.price = price != NULL ? text_of(b, price, "id") : NULL,
		.period = every != NULL ? text_of(b, every, "interval") : NULL,
		.quantity = item != NULL ? int_of(item, "quantity") : 0,
		.cancels = json_flag(o, "cancel_at_period_end"),
		.period_start = time_of(o, "current_period_start"),
		.period_end = time_of(o, "current_period_end"),
		.canceled = time_of(o, "canceled_at"),
		.ended = time_of(o, "ended_at"),
		.created = time_of(o, "created"),
		.read_no = read_no },
	    NULL));
}

static enum rc
get(struct billing *b, const char *what, const char *id,
    struct json_object **out)
{
	const struct stripe_ask ask = { .method = "GET",
		.path = arena_fmt(b->arena, "/v1/%s/%s", what, id) };

	if (!stripe_id_ok(str_of(id)))
		return fail(RC_NOT_FOUND, "That is no id.");
	return stripe_ask(&b->stripe, &ask, b->arena, out);
}

enum rc
billing_subscription_read(struct billing *b, const char *id)
{
	struct json_object *o;
	int64_t read_no;

	TRY(billing_read_no(b->db, &read_no));
	TRY(get(b, "subscriptions", id, &o));
	return subscription_keep(b, o, read_no);
}

static enum rc
invoice_keep(struct billing *b, struct json_object *o, int64_t read_no)
{
	TRY(ours(b, o));
	return kept(billing_invoice_put(b->db,
	    &(struct billing_invoice_put_args){ .account = b->account,
		.application = b->application,
		.stripe = text_of(b, o, "id"),
		.subscription = text_of(b, o, "subscription"),
		.number = text_of(b, o, "number"),
		.status = text_of(b, o, "status"),
		.currency = text_of(b, o, "currency"),
		.due = int_of(o, "amount_due"),
		.paid = int_of(o, "amount_paid"),
		.created = time_of(o, "created"),
		.read_no = read_no },
	    NULL));
}

enum rc
billing_invoice_read(struct billing *b, const char *id)
{
	const char *subscription;
	struct json_object *o;
	int64_t read_no;

	TRY(billing_read_no(b->db, &read_no));
	TRY(get(b, "invoices", id, &o));
	TRY(invoice_keep(b, o, read_no));
	subscription = text_of(b, o, "subscription");
	return subscription != NULL ? billing_subscription_read(b, subscription)
				    : RC_OK;
}

static enum rc
checkout_get(struct billing *b, const char *id, struct json_object **out)
{
	char account[ID_PRINT_SIZE];
	const char *bound;

	TRY(get(b, "checkout/sessions", id, out));
	id_print(ID_ACCOUNT, b->account, account);
	bound = text_of(b, *out, "client_reference_id");
	if (bound == NULL || strcmp(bound, account) != 0)
		return fail(RC_NOT_FOUND, "It is not the account's.");
	return ours(b, *out);
}

static enum rc
checkout_keep(
    struct billing *b, struct json_object *o, const char **subscription)
{
	*subscription = text_of(b, o, "subscription");
	return *subscription != NULL
	    ? billing_subscription_read(b, *subscription)
	    : RC_OK;
}

enum rc
billing_checkout_read(
    struct billing *b, const char *id, const char **subscription)
{
	struct json_object *o;

	TRY(checkout_get(b, id, &o));
	return checkout_keep(b, o, subscription);
}

static bool
is_still_open(struct billing *b, struct json_object *o)
{
	const char *status = text_of(b, o, "status");

	return status != NULL && strcmp(status, "open") == 0;
}

/* One that is paid meanwhile is not ended: the service refuses that. */
static enum rc
checkout_end(struct billing *b, const struct billing_begun *begun)
{
	const char *id = begun->session, *subscription;
	struct json_object *o, *ended;
	enum rc rc;

	TRY(checkout_get(b, id, &o));
	if (is_still_open(b, o)) {
		rc = billing_do(b, "POST",
		    arena_fmt(b->arena, "/v1/checkout/sessions/%s/expire", id),
		    STR(""), &ended);
		if (rc != RC_OK && rc != RC_CONFLICT)
			return rc;
		TRY(checkout_get(b, id, &o));
		if (is_still_open(b, o))
			return fail(RC_RETRY, "A checkout is still open.");
	}
	TRY(checkout_keep(b, o, &subscription));
	return billing_begun_over(b->db, b->account, begun->id, NULL);
}

enum rc
billing_checkouts_end(struct billing *b)
{
	struct billing_begun_list l;

	TRY(billing_begun(b->db, b->account, b->arena, &l));
	for (size_t i = 0; i < l.n; i++) {
		enum rc rc = checkout_end(b, &l.v[i]);

		if (rc == RC_NOT_FOUND)
			rc = billing_begun_over(
			    b->db, b->account, l.v[i].id, NULL);
		TRY(rc);
	}
	return RC_OK;
}

/* ---- all of them ---- */

struct walk {
	struct billing *b;
	const char *what;  /* "subscriptions" */
	const char *which; /* "&status=all" */
	enum rc (*keep)(struct billing *, struct json_object *, int64_t);
	int64_t read_no;
	struct str ids[PAGE * PAGES];
	size_t n;
	bool more;
};

static enum rc
page_keep(struct walk *w, struct json_object *data)
{
	size_t n = json_count(data);

	for (size_t i = 0; i < n && w->n < PAGE * PAGES; i++) {
		struct json_object *o = json_at(data, i);
		const char *id = text_of(w->b, o, "id");

		if (id == NULL || !stripe_id_ok(str_of(id)))
			return fail(RC_RETRY, "Stripe's answer has no id");
		TRY(w->keep(w->b, o, w->read_no));
		w->ids[w->n++] = str_of(id);
	}
	return RC_OK;
}

static enum rc
page_read(struct walk *w, const char *customer)
{
	struct arena *a = w->b->arena;
	const char *after = w->n == 0
	    ? ""
	    : arena_fmt(a, "&starting_after=%.*s", STR_FMT(w->ids[w->n - 1]));
	const struct stripe_ask ask = { .method = "GET",
		.path = arena_fmt(a, "/v1/%s?customer=%s&limit=%d%s%s", w->what,
		    customer, PAGE, w->which, after) };
	struct json_object *o, *data;

	TRY(stripe_ask(&w->b->stripe, &ask, a, &o));
	if (!json_list(o, "data", &data))
		return fail(RC_RETRY, "Stripe's answer is no list");
	TRY(page_keep(w, data));
	w->more = json_flag(o, "has_more");
	if (w->more && json_count(data) == 0)
		return fail(RC_RETRY, "Stripe's list does not go on");
	return RC_OK;
}

static enum rc
walk_all(struct walk *w, const char *customer)
{
	w->n = 0;
	TRY(billing_read_no(w->b->db, &w->read_no));
	do {
		TRY(page_read(w, customer));
	} while (w->more && w->n < PAGE * PAGES);
	return RC_OK;
}

enum rc
billing_read_all(struct billing *b, bool forgets, int64_t *read, int64_t *gone)
{
	struct walk *w = ARENA_NEW(b->arena, struct walk);
	const char *customer;
	size_t n = 0;

	*read = *gone = 0;
	TRY(billing_customer(b, &customer));
	if (customer == NULL)
		return RC_OK;
	w->b = b;
	w->what = "subscriptions";
	w->which = "&status=all";
	w->keep = subscription_keep;
	TRY(walk_all(w, customer));
	*read = (int64_t)w->n;
	if (forgets && !w->more)
		TRY(billing_subscription_forget(b->db, b->account,
		    (struct texts){ w->ids, w->n }, w->read_no, &n));
	*gone = (int64_t)n;
	w->what = "invoices";
	w->which = "";
	w->keep = invoice_keep;
	return walk_all(w, customer);
}
