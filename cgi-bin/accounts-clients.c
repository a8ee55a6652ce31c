/* OAuth clients of an account. What they then do is the family auth's. */
#include "domain/client-sql.h"
#include "web/audit.h"
#include "web/body.h"
#include "web/idempotency.h"
#include "web/listing.h"

#include "accounts.h"

#define NAME_MOST 200
#define URIS_MOST 20

/* ---- list ---- */

const struct field client_page_params[] = { F_PAGE(struct client_page, 50),
	F_END };

enum rc
client_show_all(struct request *rq)
{
	const struct client_page *in = rq->params;
	int64_t account = rq->actor.account, total, last = 0;
	struct client_list list;
	struct listing ask;
	struct list_end end;

	TRY(listing_ask(rq, &in->page, &ask));
	db_pipe_begin(rq->db);
	TRY(client_list(
	    rq->db, account, ask.after, ask.skip, ask.most, rq->arena, &list));
	TRY(client_count(rq->db, account, &total));
	TRY(db_pipe_end(rq->db));
	if (list.n > (size_t)in->page.limit)
		last = list.v[in->page.limit - 1].number;
	end = listing_end(&in->page, &list.n, total, last);
	return reply_rows(
	    rq, client_cols, list.v, list.n, sizeof list.v[0], &end);
}

/* ---- who may, and what ---- */

static bool
is_admin(const struct request *rq)
{
	return rq->actor.admin || rq->actor.app_admin;
}

/* Whoever could make or steal one would be an admin with it. */
static enum rc
for_admins(const struct request *rq, bool is_app_admin)
{
	if (is_app_admin && !is_admin(rq))
		return fail(RC_FORBIDDEN,
		    "A client that acts as an admin is an admin's matter.");
	return RC_OK;
}

static enum rc
uris_check(struct request *rq, const struct texts *uris)
{
	for (size_t i = 0; i < uris->n; i++)
		if (client_redirect_check(uris->v[i]) != RC_OK)
			return fault_add(rq,
			    arena_fmt(rq->arena, "redirect_uris[%zu]", i),
			    "invalid", arena_str(rq->arena, fail_detail()));
	return RC_OK;
}

/* ---- make ---- */

static const struct field redirect_uri = {
	.kind = FIELD_TEXT, .least = 1, .most = 2000
};

const struct field client_new_body[] = { F_TEXT(struct client_new, name, 1,
					     NAME_MOST, REQUIRED),
	F_LIST(struct client_new, redirect_uris, 0, URIS_MOST, &redirect_uri,
	    OPTIONAL,
	    .about = "Where codes may be sent; compared as they are."),
	F_ENUM(struct client_new, role, account_roles, OPTIONAL,
	    PRESET(WORD_MEMBER), .about = "Of its own tokens."),
	F_BOOL(struct client_new, is_public, OPTIONAL,
	    .about = "It cannot keep a secret, and gets none."),
	F_BOOL(struct client_new, is_app_admin, OPTIONAL,
	    .about = "Acts as an admin; only an admin makes one."),
	F_BOOL(struct client_new, is_active, OPTIONAL, PRESET(true)), F_END };

static const struct field uri_answer = { .kind = FIELD_TEXT };

const struct field client_secret_answer[] = { A_TEXT("id", 0),
	A_ID("application_id", ID_APPLICATION, 0),
	A_ID("account_id", ID_ACCOUNT, 0), A_TEXT("name", 0),
	A_LIST("redirect_uris", &uri_answer, 0), A_TEXT("role", 0),
	A_BOOL("is_public", 0), A_BOOL("is_app_admin", 0),
	A_BOOL("is_active", 0), A_TIME("created_at", 0),
	A_TEXT("secret", NULLABLE), F_END };

/* The only time that the secret is seen; NULL: it was before. */
static enum rc
secret_reply(
    struct request *rq, const struct client *row, const struct secret *secret)
{
	struct row_style style = reply_style(rq);
	struct jw *w;

	rq->reply.fresh = true;
	w = reply_open(rq, 0);
	row_members(w, client_cols, row, &style);
	JW_TEXT(w, "secret", secret != NULL ? (const char *)secret->p : NULL);
	return reply_close(rq);
}

struct creation {
	struct request *rq;
	const char *id;
	struct str hash; /* p NULL: a public client */
	bool made;       /* now, not by an earlier request */
};

static enum rc
make(struct db *db, void *ctx, int64_t made[ONCE_MADE])
{
	struct creation *c = ctx;
	struct request *rq = c->rq;
	const struct client_new *in = rq->body;

	TRY(client_make(db,
	    &(struct client_make_args){ .account = rq->actor.account,
		.application = rq->actor.application,
		.id = c->id,
		.name = in->name,
		.secret_hash = c->hash,
		.redirect_uris = in->redirect_uris,
		.role = account_roles[in->role],
		.is_app_admin = in->is_app_admin,
		.is_active = in->is_active },
	    &made[0]));
	c->made = true;
	return audit(rq, "client.make", c->id,
	    arena_fmt(rq->arena, "%s%s", account_roles[in->role],
		in->is_app_admin ? " app-admin" : ""));
}

enum rc
client_create(struct request *rq)
{
	const struct client_new *in = rq->body;
	struct creation c = { .rq = rq, .id = client_id_new(rq->arena) };
	unsigned char hash[SHA256_SIZE];
	int64_t made[ONCE_MADE];
	struct secret secret;
	struct client *row;

	TRY(for_admins(rq, in->is_app_admin));
	TRY(uris_check(rq, &in->redirect_uris));
	secret = client_secret_new(rq->arena, hash);
	if (!in->is_public)
		c.hash = (struct str){ (const char *)hash, sizeof hash };
	TRY(once(rq, make, &c, made));
	TRY(client_by_number(
	    rq->db, rq->actor.account, made[0], rq->arena, &row));
	return secret_reply(rq, row, c.made && !in->is_public ? &secret : NULL);
}

/* ---- one ---- */

static const char *
named(const struct request *rq)
{
	struct str id = arg_text(rq, 0);

	return arena_dup(rq->arena, id.p, id.n);
}

/* Held until the transaction ends. An owner sees those that act as admins, and
 * does nothing to them. */
static enum rc
mine(struct request *rq, struct client **row)
{
	int64_t account = rq->actor.account;

	TRY(client_get(rq->db, account, named(rq), rq->arena, row));
	TRY(for_admins(rq, (*row)->is_app_admin));
	return client_lock(rq->db, account, named(rq), rq->arena, row);
}

const struct field client_patch_body[] = { F_TEXT(struct client_patch, name, 1,
					       NAME_MOST, OPTIONAL),
	F_LIST(struct client_patch, redirect_uris, 0, URIS_MOST, &redirect_uri,
	    OPTIONAL),
	F_ENUM(struct client_patch, role, account_roles, OPTIONAL),
	F_BOOL(struct client_patch, is_app_admin, OPTIONAL),
	F_BOOL(struct client_patch, is_active, OPTIONAL), F_END };

#define TAKE(m)                                                                \
	do {                                                                   \
		if (GIVEN(rq, struct client_patch, m))                         \
			row->m = in->m;                                        \
	} while (0)

static void
merge(const struct request *rq, struct client *row)
{
	const struct client_patch *in = rq->body;

	TAKE(name);
	TAKE(redirect_uris);
	TAKE(is_app_admin);
	TAKE(is_active);
	if (GIVEN(rq, struct client_patch, role))
		row->role = account_roles[in->role];
}

struct one {
	struct request *rq;
	struct client *row;
	struct str hash;
};

static enum rc
patch(struct db *db, void *ctx)
{
	struct one *o = ctx;
	struct request *rq = o->rq;

	TRY(mine(rq, &o->row));
	merge(rq, o->row);
	TRY(for_admins(rq, o->row->is_app_admin));
	TRY(client_change(db,
	    &(struct client_change_args){ .account = rq->actor.account,
		.id = o->row->id,
		.name = o->row->name,
		.redirect_uris = o->row->redirect_uris,
		.role = o->row->role,
		.is_app_admin = o->row->is_app_admin,
		.is_active = o->row->is_active }));
	return audit(rq, "client.change", o->row->id,
	    arena_fmt(rq->arena, "%s%s%s", o->row->role,
		o->row->is_app_admin ? " app-admin" : "",
		o->row->is_active ? "" : " inactive"));
}

enum rc
client_patch_one(struct request *rq)
{
	const struct client_patch *in = rq->body;
	struct one o = { .rq = rq };

	TRY(uris_check(rq, &in->redirect_uris));
	TRY(db_tx(rq->db, patch, &o));
	return reply_row(rq, 0, client_cols, o.row);
}

static enum rc
forget(struct db *db, void *ctx)
{
	struct one *o = ctx;

	TRY(mine(o->rq, &o->row));
	TRY(client_remove(db, o->rq->actor.account, o->row->id));
	return audit(o->rq, "client.remove", o->row->id, NULL);
}

enum rc
client_delete(struct request *rq)
{
	struct one o = { .rq = rq };

	TRY(db_tx(rq->db, forget, &o));
	return reply_empty(rq, 0);
}

/* ---- another secret ---- */

static enum rc
rotate(struct db *db, void *ctx)
{
	struct one *o = ctx;

	TRY(mine(o->rq, &o->row));
	if (o->row->is_public)
		return fail(RC_CONFLICT, "A public client has no secret.");
	TRY(client_secret_set(db, o->rq->actor.account, o->row->id, o->hash));
	return audit(o->rq, "client.rotate", o->row->id, NULL);
}

enum rc
client_rotate(struct request *rq)
{
	unsigned char hash[SHA256_SIZE];
	struct secret secret = client_secret_new(rq->arena, hash);
	struct one o = { .rq = rq,
		.hash = { (const char *)hash, sizeof hash } };

	TRY(db_tx(rq->db, rotate, &o));
	return secret_reply(rq, o.row, &secret);
}
