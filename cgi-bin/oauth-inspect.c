/* POST /oauth2/introspect (RFC 7662) and /oauth2/revoke (RFC 7009). */
#include "oauth.h"

#include "domain/oauth-sql.h"
#include "domain/refresh-sql.h"
#include "domain/session-sql.h"
#include "web/audit.h"
#include "web/reply.h"
#include "web/verifier.h"

const struct field oauth_inspect_body[] = { F_SECRET(struct oauth_inspect,
						token, 0, 8192, OPTIONAL),
	F_TEXT(struct oauth_inspect, token_type_hint, 0, 64, OPTIONAL,
	    .about = "Not needed: the two kinds look different."),
	F_TEXT(struct oauth_inspect, client_id, 0, 64, OPTIONAL),
	F_SECRET(struct oauth_inspect, client_secret, 0, 256, OPTIONAL,
	    .about = "Here, or by HTTP Basic."),
	F_END };
const struct field oauth_inspect_answer[] = { A_BOOL("active", 0),
	A_TEXT("token_type", MAY_LACK), A_TEXT("client_id", MAY_LACK),
	A_TEXT("scope", MAY_LACK), A_TEXT("iss", MAY_LACK),
	A_TEXT("sub", MAY_LACK), A_TEXT("uid", MAY_LACK),
	A_TEXT("app", MAY_LACK), A_TEXT("acc", MAY_LACK),
	A_TEXT("role", MAY_LACK), A_INT("iat", MAY_LACK),
	A_INT("exp", MAY_LACK), F_END };

/* What both kinds of token say. */
struct told {
	const char *type, *client, *scope, *role;
	const char *issuer;  /* NULL: ours */
	const char *subject; /* there */
	int64_t application, account, user;
	int64_t issued, expires;
};

/* Access tokens have dots, refresh tokens none. */
static bool
is_access(const struct secret *token)
{
	return memchr(token->p, '.', token->n) != NULL;
}

/* Of another issuer's the membership says what it is good for. */
static enum rc
look_at_external(
    struct request *rq, const struct claims *c, struct told *t, bool *is)
{
	const char *issuer = verifier_issuer(rq->verifier, c);
	struct session *s;

	TRY(session_external(rq->db, issuer, c->subject, c->application,
	    c->account, c->user, rq->arena, &s));
	*is = s != NULL;
	if (s != NULL)
		*t = (struct told){ .type = "Bearer",
			.client = c->client,
			.scope = c->scope,
			.role = s->role,
			.issuer = issuer,
			.subject = c->subject,
			.application = s->application_id,
			.account = s->account_id,
			.user = s->user_id,
			.issued = c->issued,
			.expires = c->expires };
	return RC_OK;
}

static enum rc
look_at_access(
    struct request *rq, const struct secret *token, struct told *t, bool *is)
{
	struct claims *s = ARENA_NEW(rq->arena, struct claims);

	*is = false;
	if (verifier_check(rq->verifier, oauth_str(token), s) != RC_OK)
		return RC_OK;
	if (s->external)
		return look_at_external(rq, s, t, is);
	*t = (struct told){ .type = "Bearer",
		.client = s->client,
		.scope = s->scope,
		.role = s->role,
		.application = s->application,
		.account = s->account,
		.user = s->user,
		.issued = s->issued,
		.expires = s->expires };
	return oauth_token_alive(rq->db,
	    &(struct oauth_token_alive_args){ s->application, s->account,
		s->user, s->session, s->member_version, s->client, s->role },
	    is);
}

static enum rc
look_at_refresh(
    struct request *rq, const struct secret *token, struct told *t, bool *is)
{
	struct refresh_look *r;

	TRY(refresh_look(
	    rq->db, refresh_hash_of(rq->arena, token), rq->arena, &r));
	*is = r != NULL;
	if (r != NULL)
		*t = (struct told){ .type = "refresh_token",
			.client = r->client != NULL ? r->client : "",
			.scope = r->scope,
			.role = r->role,
			.application = r->application_id,
			.account = r->account_id,
			.user = r->user_id,
			.issued = r->created_at.us / 1000000,
			.expires = r->expires_at.us / 1000000 };
	return RC_OK;
}

/* A client learns of its own tokens; one that acts as an admin of the
 * application of all that the application's users and clients have. What
 * another issuer calls a client is none of ours. */
static bool
may_learn(const struct oauth_client *c, const struct told *t)
{
	return t->application == c->application_id &&
	    (c->is_app_admin ||
		(t->issuer == NULL && strcmp(t->client, c->id) == 0));
}

static const char *
subject_of(const struct told *t, const char *user)
{
	if (t->subject != NULL)
		return t->subject;
	return t->user != 0 ? user : t->client;
}

static void
told_write(struct request *rq, struct jw *w, const struct told *t)
{
	char id[ID_PRINT_SIZE];

	JW_TEXT(w, "token_type", t->type);
	JW_TEXT(w, "client_id", t->client);
	JW_TEXT(w, "scope", t->scope);
	JW_TEXT(w, "iss", t->issuer != NULL ? t->issuer : rq->conf->base_url);
	id_print(ID_USER, t->user, id);
	JW_TEXT(w, "sub", subject_of(t, id));
	if (t->user != 0)
		JW_TEXT(w, "uid", id);
	id_print(ID_APPLICATION, t->application, id);
	JW_TEXT(w, "app", id);
	id_print(ID_ACCOUNT, t->account, id);
	JW_TEXT(w, "acc", id);
	JW_TEXT(w, "role", t->role);
	JW_INT(w, "iat", t->issued);
	JW_INT(w, "exp", t->expires);
}

static enum rc
token_needed(struct request *rq, const struct oauth_inspect *in)
{
	return oauth_secret_given(&in->token)
	    ? RC_OK
	    : oauth_fail(
		  rq, "invalid_request", "token: This field is required.");
}

enum rc
oauth_introspect(struct request *rq)
{
	const struct oauth_inspect *in = rq->body;
	struct oauth_client *client;
	struct told t = { NULL };
	bool is;
	struct jw *w;

	TRY(oauth_client_prove(rq, in->client_id, &in->client_secret, &client));
	TRY(token_needed(rq, in));
	if (is_access(&in->token))
		TRY(look_at_access(rq, &in->token, &t, &is));
	else
		TRY(look_at_refresh(rq, &in->token, &t, &is));
	is = is && may_learn(client, &t);
	w = reply_bare(rq, 0);
	jw_object(w);
	JW_BOOL(w, "active", is);
	if (is)
		told_write(rq, w, &t);
	jw_object_end(w);
	return reply_bare_close(rq);
}

/* ---- revoking ---- */

struct revoking {
	struct request *rq;
	const struct secret *token;
	const char *client;
};

static enum rc
revoke_told(struct request *rq, const char *client, const struct granted *g,
    const char *what)
{
	const struct audit_actor who = { g->application_id, g->account_id,
		g->user_id, client };

	return audit_as(rq, &who, "token.revoke",
	    arena_fmt(rq->arena, "ses_%lld", (long long)g->session_id), what);
}

static enum rc
revoke_refresh(struct db *db, void *ctx)
{
	const struct revoking *r = ctx;
	struct granted *g;

	TRY(refresh_revoke(db, refresh_hash_of(r->rq->arena, r->token),
	    r->client, r->rq->arena, &g));
	if (g == NULL)
		return RC_OK;
	return revoke_told(r->rq, r->client, g, "refresh token");
}

/* It dies with its session, and what renews it, too; a machine's and another
 * issuer's have none and end by themselves. */
static enum rc
revoke_access(struct db *db, void *ctx)
{
	const struct revoking *r = ctx;
	struct claims *s = ARENA_NEW(r->rq->arena, struct claims);
	int64_t n;

	if (verifier_check(r->rq->verifier, oauth_str(r->token), s) != RC_OK ||
	    strcmp(s->client, r->client) != 0 || s->session == 0)
		return RC_OK;
	TRY(oauth_session_revoke(db, s->user, s->session, &n));
	if (n == 0)
		return RC_OK;
	return revoke_told(r->rq, r->client,
	    &(struct granted){ .application_id = s->application,
		.account_id = s->account,
		.user_id = s->user,
		.session_id = s->session },
	    "access token");
}

/* 200 also for what is no token, or nobody's here (RFC 7009 2.2). */
enum rc
oauth_revoke(struct request *rq)
{
	const struct oauth_inspect *in = rq->body;
	struct oauth_client *client;
	struct revoking r = { rq, &in->token, NULL };

	TRY(oauth_client_prove(rq, in->client_id, &in->client_secret, &client));
	TRY(token_needed(rq, in));
	r.client = client->id;
	TRY(db_tx(rq->db,
	    is_access(&in->token) ? revoke_access : revoke_refresh, &r));
	jw_object(reply_bare(rq, 0));
	jw_object_end(&rq->reply.jw);
	return reply_bare_close(rq);
}
