#include "proxy/caller.h"

#include <stdlib.h>
#include <string.h>

#include "core/log.h"
#include "domain/audit-sql.h"
#include "domain/audit.h"
#include "domain/factor-sql.h"
#include "domain/given-sql.h"
#include "domain/oauth-sql.h"
#include "domain/oauth.h"
#include "domain/session-sql.h"
#include "domain/session.h"

#define MEMORY      ((size_t)4 << 20)
#define CLIENT_NAME "cid_"

static const struct log us = { .who = "smtpd" };

/* ---- memory ---- */

struct sign_on *
sign_on_new(struct talk *talk, const char *peer)
{
	struct arena *a = arena_new(MEMORY);
	struct sign_on *x = ARENA_NEW(a, struct sign_on);

	*x = (struct sign_on){ .work.run = sign_on_run,
		.talk = talk,
		.arena = a,
		.peer = arena_str(a, peer) };
	return x;
}

void
sign_on_free(struct sign_on **px)
{
	struct sign_on *x = *px;
	struct arena *a;

	*px = NULL;
	if (x == NULL)
		return;
	a = x->arena;
	arena_free(&a);
}

static struct texts
texts_keep(struct texts t, struct arena *a)
{
	struct str *v = ARENA_ARRAY(a, struct str, t.n + 1);

	for (size_t i = 0; i < t.n; i++)
		v[i] =
		    (struct str){ arena_dup(a, t.v[i].p, t.v[i].n), t.v[i].n };
	return (struct texts){ v, t.n };
}

struct caller *
caller_keep(const struct caller *c, struct arena *a)
{
	struct caller *kept = ARENA_NEW(a, struct caller);

	*kept = *c;
	kept->client = arena_str(a, c->client);
	kept->role = arena_str(a, c->role);
	kept->senders = texts_keep(c->senders, a);
	return kept;
}

/* ---- who may ---- */

void
caller_guard(struct db *db, const struct caller *c, struct arena *a,
    struct caller_right *row)
{
	row->s = NULL;
	if (c->client != NULL)
		guard_client(
		    db, c->application, c->account, c->client, c->role);
	else
		guard_session(db,
		    (struct str){ (const char *)c->hash, SHA256_SIZE },
		    c->account, a, &row->s);
}

bool
caller_may_send(const struct caller *c, const struct caller_right *row)
{
	const char *role = c->client != NULL ? c->role
	    : row->s != NULL                 ? row->s->role
					     : "viewer";

	return strcmp(role, "viewer") != 0;
}

bool
caller_alike(const struct caller *a, const struct caller *b)
{
	return a->application == b->application && a->account == b->account &&
	    a->user == b->user && (a->client == NULL) == (b->client == NULL) &&
	    (a->client == NULL ||
		(strcmp(a->client, b->client) == 0 &&
		    strcmp(a->role, b->role) == 0));
}

enum rc
caller_also(struct db *db, const struct caller *c, const struct caller *guard,
    struct arena *a)
{
	struct session *s;

	if (c->client != NULL || memcmp(c->hash, guard->hash, SHA256_SIZE) == 0)
		return RC_OK;
	TRY(session_beside(db,
	    (struct str){ (const char *)c->hash, SHA256_SIZE }, c->account, a,
	    &s));
	return strcmp(s->role, "viewer") != 0
	    ? RC_OK
	    : fail(RC_FORBIDDEN, "Your role does not allow this.");
}

static uint64_t
group_of(const struct caller *c)
{
	const int64_t ids[] = { c->application, c->account, c->user };
	unsigned char hash[SHA256_SIZE];
	struct sha256 *sum = sha256_new();
	uint64_t group;

	sha256_add(sum, ids, sizeof ids);
	if (c->client != NULL)
		sha256_add(sum, c->client, strlen(c->client));
	sha256_end(&sum, hash);
	memcpy(&group, hash, sizeof group);
	return group | 1;
}

/* ---- a user ---- */

static enum rc
note(struct db *db, const struct sign_in *in, const struct login *user,
    enum sign_in_end end)
{
	const struct audit_note n = {
		.action = end == SIGN_IN_HALF ? "login.half" : "login.ok",
		.kind = ID_USER,
		.id = user != NULL ? user->user_id : 0,
		.detail = "smtp"
	};
	struct doer who = { .address = in->address };

	if (end == SIGN_IN_REFUSED || user == NULL)
		return audit_login_refused(db, in->client,
		    user != NULL ? user->user_id : 0, in->address, NULL, NULL);
	who.application = user->application_id;
	who.user = user->user_id;
	return audit_write(db, &who, &n);
}

/* As the API's guard has it (web/guard.c). */
static enum rc
factor_check(struct hand *h, const struct session *s)
{
	const char *whom = h->conf->second_factor;
	bool lacks;

	if (strcmp(whom, "optional") == 0 ||
	    (strcmp(whom, "everybody") != 0 && strcmp(s->role, "owner") != 0))
		return RC_OK;
	TRY(scope_lacks_factor(h->door, s->session_id, whom, &lacks));
	return lacks ? RC_FACTOR_MISSING : RC_OK;
}

static enum rc
user_enter(struct sign_on *x, struct hand *h)
{
	const struct conf *conf = h->conf;
	const struct sign_in in = { .name = x->name,
		.password = x->password,
		.address = x->peer,
		.idle = conf->session_idle,
		.life = conf->session_life,
		.cost = conf->password_cost,
		.note = note };
	struct caller *c = &x->caller;
	struct session *s = NULL;
	struct secret cookie;

	if (!h->gated)
		return fail(RC_RETRY, "passwords cannot be checked");
	TRY(session_sign_in(h->door, &h->gate, &in, x->arena, &cookie, &s));
	sha256(cookie.p, cookie.n, c->hash);
	secret_wipe(&cookie);
	c->application = s->application_id;
	c->account = s->account_id;
	c->user = s->user_id;
	c->session = s->session_id;
	c->role = s->role;
	return factor_check(h, s);
}

/* ---- a program ---- */

static bool
secret_right(const struct oauth_client *c, const struct secret *sent)
{
	unsigned char hash[SHA256_SIZE];
	struct secret have = { hash, sizeof hash };

	sha256(sent->p, sent->n, hash);
	return c->secret_hash.p != NULL && c->account_id != 0 &&
	    secret_eq(&have, c->secret_hash.p, c->secret_hash.n);
}

static enum rc
client_enter(struct sign_on *x, struct hand *h)
{
	struct caller *c = &x->caller;
	struct oauth_client *client;

	db_guard_none(h->door);
	TRY(oauth_client_find(h->door, x->name, x->arena, &client));
	if (client == NULL || !secret_right(client, &x->password))
		return fail(RC_BAD_LOGIN, "no such client, or not its secret");
	c->application = client->application_id;
	c->account = client->account_id;
	c->user = -1;
	c->client = client->id;
	c->role = client->role;
	return RC_OK;
}

/* ---- both ---- */

/* Only what is refused counts: programs sign in for each message. */
static enum rc
throttle(const struct sign_on *x, const struct hand *h, bool refused)
{
	int64_t now = clock_now().us / 1000000;
	struct str key = rate_address(x->arena, str_of(x->peer));

	if (h->rates == NULL)
		return RC_OK;
	return (refused ? rate_take : rate_look)(
		   h->rates, RATE_LOGIN, key, h->conf->login_rate, now)
		   .allowed
	    ? RC_OK
	    : fail(RC_RATE_LIMIT, "too many failures from there");
}

static enum rc
senders_read(struct sign_on *x, struct hand *h)
{
	struct caller *c = &x->caller;
	struct caller_right row;

	c->group = group_of(c);
	caller_guard(h->db, c, x->arena, &row);
	TRY(given_senders(h->db, c->account, c->user, x->arena, &c->senders));
	return caller_may_send(c, &row)
	    ? RC_OK
	    : fail(RC_FORBIDDEN, "a viewer sends nothing");
}

static enum rc
enter(struct sign_on *x, struct hand *h)
{
	bool program =
	    strncmp(x->name, CLIENT_NAME, sizeof CLIENT_NAME - 1) == 0;

	TRY(throttle(x, h, false));
	TRY(program ? client_enter(x, h) : user_enter(x, h));
	return senders_read(x, h);
}

static void
session_close(struct hand *, const struct caller *, const char *peer);

/* A name is not logged; people type passwords there. */
void
sign_on_run(struct work *w, struct hand *h)
{
	struct sign_on *x = (struct sign_on *)w;

	x->rc = enter(x, h);
	secret_wipe(&x->password);
	if (x->rc == RC_OK) {
		log_info(&us, "signed in address=%s account=%lld user=%lld",
		    x->peer, (long long)x->caller.account,
		    (long long)x->caller.user);
	} else {
		log_warn(&us, "sign-in refused address=%s code=%s", x->peer,
		    result_code(x->rc));
		if (x->rc == RC_BAD_LOGIN && throttle(x, h, true) != RC_OK)
			fail_clear();
		if (x->caller.session != 0)
			session_close(h, &x->caller, x->peer);
	}
	db_guard_none(h->db);
	db_guard_none(h->door);
}

/* ---- leaving ---- */

struct leaving {
	struct work work; /* first */
	struct caller caller;
	char peer[64];
};

static void
session_close(struct hand *h, const struct caller *c, const char *peer)
{
	const struct audit_note n = { "session.end", ID_USER, c->user, "smtp" };
	const struct doer who = { .application = c->application,
		.account = c->account,
		.user = c->user,
		.address = peer };
	enum rc rc;

	guard_session(h->door,
	    (struct str){ (const char *)c->hash, SHA256_SIZE }, 0, NULL, NULL);
	db_pipe_begin(h->door);
	rc = session_end(h->door, c->session, NULL);
	if (rc == RC_OK)
		rc = audit_write(h->door, &who, &n);
	if (rc == RC_OK)
		rc = db_pipe_end(h->door);
	if (rc != RC_OK && rc != RC_UNAUTHORIZED)
		log_warn(&us, "session is left to its end: %s", fail_detail());
	db_guard_none(h->door);
}

static void
leave_run(struct work *w, struct hand *h)
{
	struct leaving *l = (struct leaving *)w;

	session_close(h, &l->caller, l->peer);
}

static void
leave_done(struct work *w)
{
	free(w);
}

void
caller_leave(struct pool *pool, const struct caller *c, const char *peer)
{
	struct leaving *l;

	if (c->session == 0)
		return;
	l = calloc(1, sizeof *l);
	if (l == NULL)
		die("out of memory");
	l->work.run = leave_run;
	l->work.done = leave_done;
	l->caller = *c;
	l->caller.senders = (struct texts){ NULL, 0 };
	l->caller.client = l->caller.role = NULL;
	memcpy(l->peer, peer, strnlen(peer, sizeof l->peer - 1));
	pool_put(pool, LANE_DOOR, &l->work);
}
