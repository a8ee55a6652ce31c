/* Webhooks: who is told of which events, and what was told. The telling is
 * letterrack-sync's; a test and a retry by hand are in providers. */
#include "domain/delivery-sql.h"
#include "domain/reach.h"
#include "domain/vault.h"
#include "domain/webhook-sql.h"
#include "mail/post.h"
#include "web/audit.h"
#include "web/body.h"
#include "web/idempotency.h"
#include "web/listing.h"

#define SECRET_MOST 256
#define ID_WEBHOOK  ID_NUMBER

/* ---- list ---- */

struct webhook_page {
	struct page page;
};
static const struct field webhook_page_params[] = {
	F_PAGE(struct webhook_page, PAGE_MOST), F_END
};

static enum rc
list(struct request *rq)
{
	const struct webhook_page *in = rq->params;
	int64_t account = rq->actor.account, total;
	struct webhook_list rows;
	struct listing ask;
	struct list_end end;

	TRY(listing_ask(rq, &in->page, &ask));
	db_pipe_begin(rq->db);
	TRY(webhook_list(
	    rq->db, account, ask.after, ask.skip, ask.most, rq->arena, &rows));
	TRY(webhook_count(rq->db, account, &total));
	TRY(db_pipe_end(rq->db));
	end = listing_end(
	    &in->page, &rows.n, total, LISTING_LAST(rows, &in->page));
	return reply_rows(
	    rq, webhook_cols, rows.v, rows.n, sizeof rows.v[0], &end);
}

static enum rc
get(struct request *rq)
{
	struct webhook *row;

	TRY(webhook_get(
	    rq->db, rq->actor.account, arg_id(rq, 0), rq->arena, &row));
	return reply_row(rq, 0, webhook_cols, row);
}

/* ---- what may be wished for ---- */

static enum rc
url_check(struct request *rq, const char *url)
{
	const struct egress *egress;

	TRY(reach_egress(rq->conf, &egress));
	if (post_url_check(egress, url) != RC_OK)
		return fault_add(
		    rq, "url", "invalid", arena_str(rq->arena, fail_detail()));
	return RC_OK;
}

static enum rc
secret_check(struct request *rq, const struct secret *secret)
{
	if (webhook_secret_check(secret) != RC_OK)
		return fault_add(rq, "secret", "invalid",
		    arena_str(rq->arena, fail_detail()));
	return RC_OK;
}

/* Each once. */
static struct texts
event_words(struct request *rq, const struct items *events)
{
	struct str *v = ARENA_ARRAY(rq->arena, struct str, EVENT_COUNT + 1);
	bool taken[EVENT_COUNT + 1] = { false };
	size_t n = 0;

	for (size_t i = 0; i < events->n; i++) {
		int word = ITEM(int, events, i);

		if (!taken[word])
			v[n++] = str_of(webhook_events[word]);
		taken[word] = true;
	}
	return (struct texts){ v, n };
}

static enum rc
seal(struct request *rq, struct db *db, int64_t id, const struct secret *secret,
    struct sealed *out)
{
	const struct envelope_place place =
	    webhook_place(rq->actor.application, rq->actor.account, id);
	const struct envelope_keks *keks;

	TRY(vault_keks(rq->conf, &keks));
	return sealed_make(db, keks, &place,
	    (struct str){ (const char *)secret->p, secret->n }, rq->arena, out);
}

/* The only time that a secret is seen; NULL: it was before. */
static enum rc
secret_reply(
    struct request *rq, struct webhook *row, const struct secret *secret)
{
	row->secret = secret != NULL ? (const char *)secret->p : NULL;
	rq->reply.fresh = true;
	return reply_row(rq, 0, webhook_cols, row);
}

/* ---- make ---- */

static const struct field event_name = { .kind = FIELD_ENUM,
	.words = webhook_events };

struct webhook_new {
	const char *url;
	struct items events;
	struct secret secret;
	bool is_active;
};
static const struct field webhook_new_body[] = {
	F_TEXT(struct webhook_new, url, 1, WEBHOOK_URL_MOST, REQUIRED),
	F_LIST(struct webhook_new, events, 1, EVENT_COUNT + 1, &event_name,
	    REQUIRED, .about = "\"*\" is all of them."),
	F_SECRET(struct webhook_new, secret, 1, SECRET_MOST, OPTIONAL,
	    .about = "What signs; absent: one is made, and shown this once."),
	F_BOOL(struct webhook_new, is_active, OPTIONAL, PRESET(true)), F_END
};

struct creation {
	struct request *rq;
	struct secret secret;
	bool made; /* now, not by an earlier request */
};

static enum rc
room_check(struct db *db, int64_t account)
{
	int64_t n;

	TRY(webhook_hold(db, account, NULL));
	TRY(webhook_count(db, account, &n));
	if (n < WEBHOOKS_MOST)
		return RC_OK;
	return fail(
	    RC_CONFLICT, "An account has at most %d webhooks.", WEBHOOKS_MOST);
}

static enum rc
make(struct db *db, void *ctx, int64_t made[ONCE_MADE])
{
	struct creation *c = ctx;
	struct request *rq = c->rq;
	const struct webhook_new *in = rq->body;
	struct sealed sealed;

	TRY(room_check(db, rq->actor.account));
	TRY(webhook_id_take(db, &made[0]));
	TRY(seal(rq, db, made[0], &c->secret, &sealed));
	TRY(webhook_insert(db,
	    &(struct webhook_insert_args){ .account = rq->actor.account,
		.application = rq->actor.application,
		.id = made[0],
		.url = in->url,
		.events = event_words(rq, &in->events),
		.secret = sealed.secret,
		.secret_key = sealed.key_id,
		.is_active = in->is_active }));
	c->made = true;
	return audit(
	    rq, "webhook.make", audit_id(rq, ID_WEBHOOK, made[0]), NULL);
}

static enum rc
create(struct request *rq)
{
	const struct webhook_new *in = rq->body;
	struct creation c = { .rq = rq, .secret = in->secret };
	int64_t made[ONCE_MADE];
	struct webhook *row;

	TRY(url_check(rq, in->url));
	if (secret_is(&in->secret))
		TRY(secret_check(rq, &in->secret));
	else
		c.secret = webhook_secret_new(rq->arena);
	TRY(once(rq, make, &c, made));
	TRY(webhook_get(rq->db, rq->actor.account, made[0], rq->arena, &row));
	return secret_reply(rq, row, c.made ? &c.secret : NULL);
}

/* ---- change ---- */

struct webhook_put {
	const char *url;
	struct items events;
	struct secret secret;
	bool is_active;
};
static const struct field webhook_put_body[] = {
	F_TEXT(struct webhook_put, url, 1, WEBHOOK_URL_MOST, OPTIONAL),
	F_LIST(struct webhook_put, events, 1, EVENT_COUNT + 1, &event_name,
	    OPTIONAL),
	F_SECRET(struct webhook_put, secret, 1, SECRET_MOST, OPTIONAL,
	    .about = "Another one; as shown, it stays."),
	F_BOOL(struct webhook_put, is_active, OPTIONAL), F_END
};

/* What a client got may come back as it is. */
static bool
is_another(const struct secret *s)
{
	return secret_is(s) &&
	    !secret_eq(s, WEBHOOK_HIDDEN, sizeof WEBHOOK_HIDDEN - 1);
}

/* The one before signs for a day, too. */
static enum rc
replace(
    struct request *rq, struct db *db, int64_t id, const struct secret *secret)
{
	struct sealed sealed;

	TRY(seal(rq, db, id, secret, &sealed));
	TRY(webhook_secret_set(db, rq->actor.account, id, sealed.secret,
	    sealed.key_id, WEBHOOK_OVERLAP));
	return audit(rq, "webhook.rotate", audit_id(rq, ID_WEBHOOK, id), NULL);
}

struct one {
	struct request *rq;
	struct webhook *row; /* as it is then */
	struct secret secret;
};

static enum rc
change(struct db *db, void *ctx)
{
	struct one *o = ctx;
	struct request *rq = o->rq;
	const struct webhook_put *in = rq->body;
	int64_t account = rq->actor.account, id = arg_id(rq, 0);
	struct webhook *row;

	TRY(webhook_lock(db, account, id, rq->arena, &row));
	if (in->url != NULL)
		row->url = in->url;
	if (GIVEN(rq, struct webhook_put, events))
		row->events = event_words(rq, &in->events);
	if (GIVEN(rq, struct webhook_put, is_active))
		row->is_active = in->is_active;
	TRY(webhook_change(
	    db, account, id, row->url, row->events, row->is_active));
	TRY(audit(rq, "webhook.change", audit_id(rq, ID_WEBHOOK, id),
	    row->is_active ? NULL : "inactive"));
	if (is_another(&in->secret))
		TRY(replace(rq, db, id, &in->secret));
	return webhook_get(db, account, id, rq->arena, &o->row);
}

static enum rc
put(struct request *rq)
{
	const struct webhook_put *in = rq->body;
	struct one o = { .rq = rq };

	if (in->url != NULL)
		TRY(url_check(rq, in->url));
	if (is_another(&in->secret))
		TRY(secret_check(rq, &in->secret));
	TRY(db_tx(rq->db, change, &o));
	return reply_row(rq, 0, webhook_cols, o.row);
}

/* ---- another secret ---- */

struct webhook_secret {
	struct secret secret;
};
static const struct field webhook_secret_body[] = {
	F_SECRET(struct webhook_secret, secret, 1, SECRET_MOST, OPTIONAL,
	    .about = "Absent: one is made, and shown this once."),
	F_END
};

static enum rc
rotate_body(struct db *db, void *ctx)
{
	struct one *o = ctx;
	struct request *rq = o->rq;
	int64_t account = rq->actor.account, id = arg_id(rq, 0);

	TRY(webhook_lock(db, account, id, rq->arena, &o->row));
	TRY(replace(rq, db, id, &o->secret));
	return webhook_get(db, account, id, rq->arena, &o->row);
}

static enum rc
rotate(struct request *rq)
{
	const struct webhook_secret *in = rq->body;
	struct one o = { .rq = rq, .secret = in->secret };

	if (secret_is(&in->secret))
		TRY(secret_check(rq, &in->secret));
	else
		o.secret = webhook_secret_new(rq->arena);
	TRY(db_tx(rq->db, rotate_body, &o));
	return secret_reply(rq, o.row, &o.secret);
}

/* ---- remove ---- */

static enum rc
forget(struct db *db, void *ctx)
{
	struct request *rq = ctx;
	int64_t id = arg_id(rq, 0);

	TRY(webhook_remove(db, rq->actor.account, id));
	return audit(rq, "webhook.remove", audit_id(rq, ID_WEBHOOK, id), NULL);
}

static enum rc delete (struct request *rq) {
	TRY(db_tx(rq->db, forget, rq)); (void)reply_open(rq, 0);
	return reply_close(rq);
}

/* ---- what was told ---- */

struct delivery_filter {
	int state;
	struct page page;
};
static const struct field delivery_filter_params[] = {
	F_ENUM(struct delivery_filter, state, delivery_states, OPTIONAL),
	F_PAGE(struct delivery_filter, 50), F_END
};

static enum rc
deliveries(struct request *rq)
{
	const struct delivery_filter *in = rq->params;
	const char *state = in->state >= 0 ? delivery_states[in->state] : NULL;
	int64_t account = rq->actor.account, id = arg_id(rq, 0), total;
	struct delivery_seen_list rows;
	struct webhook *webhook;
	struct listing ask;
	struct list_end end;

	TRY(listing_ask(rq, &in->page, &ask));
	db_pipe_begin(rq->db);
	TRY(webhook_get(rq->db, account, id, rq->arena, &webhook));
	TRY(delivery_list(rq->db, account, id, state, listing_before(&ask),
	    ask.skip, ask.most, rq->arena, &rows));
	TRY(delivery_count(rq->db, account, id, state, &total));
	TRY(db_pipe_end(rq->db));
	end = listing_end(
	    &in->page, &rows.n, total, LISTING_LAST(rows, &in->page));
	return reply_rows(
	    rq, delivery_seen_cols, rows.v, rows.n, sizeof rows.v[0], &end);
}

static const struct field nothing_answer[] = { F_END };

#define ALL     "/api/webhooks"
#define ONE     "/api/webhooks/:webhook_id"
#define MISSING .missing = "WEBHOOK_NOT_FOUND"
#define SHOWN   .row = webhook_cols, .key = "webhook"

static const struct route routes[] = {
	{ GET, ALL, list, NEED_READ, ENV_SUCCESS, .flags = BARE,
	    PARAMS(webhook_page), .row = webhook_cols, .many = true,
	    .key = "webhooks", .summary = "List webhooks" },
	{ POST, ALL, create, NEED_WRITE, ENV_SUCCESS, .status = 201,
	    .flags = IDEMPOTENT, BODY(webhook_new), SHOWN,
	    .fails = { RC_CONFLICT },
	    .summary = "Have events told to an address",
	    .about = "The secret is shown here, and never again." },
	{ GET, ONE, get, NEED_READ, ENV_SUCCESS, .flags = BARE, MISSING, SHOWN,
	    .summary = "Show a webhook" },
	{ PUT, ONE, put, NEED_WRITE, ENV_SUCCESS, MISSING, BODY(webhook_put),
	    SHOWN, .summary = "Change a webhook",
	    .about = "One that is switched on again begins anew." },
	{ DELETE, ONE, delete, NEED_WRITE, ENV_SUCCESS, MISSING,
	    .answer = nothing_answer,
	    .summary = "Remove a webhook, and what was told to it" },
	{ POST, ONE "/rotate-secret", rotate, NEED_WRITE, ENV_SUCCESS, MISSING,
	    BODY(webhook_secret), SHOWN,
	    .summary = "Replace a webhook's secret",
	    .about = "The old one signs for a day, too." },
	{ GET, ONE "/deliveries", deliveries, NEED_READ, ENV_SUCCESS,
	    .flags = BARE, MISSING, PARAMS(delivery_filter),
	    .row = delivery_seen_cols, .many = true, .key = "deliveries",
	    .summary = "List what was told to a webhook, latest first" },
};

FAMILY(webhooks, QUIET);
