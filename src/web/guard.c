#include "web/guard.h"

#include <stdlib.h>

#include "core/clock.h"
#include "core/rate.h"
#include "core/secret.h"
#include "core/token.h"
#include "domain/actor-sql.h"
#include "domain/factor-sql.h"
#include "domain/session-sql.h"
#include "web/actor.h"
#include "web/bearer.h"
#include "web/held.h"
#include "web/reply.h"
#include "web/verifier.h"

#define SESSIONS_KEPT   256 /* a power of two */
#define SESSION_KEEP_MS 1000
#define RIGHTS_KEPT     256 /* a power of two */
/* For requests that begin, rights that were taken away are gone within a
 * second. */
#define RIGHTS_KEEP_MS 900

struct seen {
	unsigned char hash[SHA256_SIZE];
	struct actor actor;
	int64_t until_ms; /* steady; 0: free */
};

/* What a token claims, as far as the database has to confirm it. Compared as
 * bytes, so it has no padding, and what is behind a text is zero. */
struct rights {
	int64_t application, account, user, session, version;
	char client[72];
	char role[8];
};
_Static_assert(
    sizeof(struct rights) == 5 * sizeof(int64_t) + 72 + 8, "it has padding");

struct confirmed {
	struct rights rights;
	int64_t until_ms; /* steady; 0: free */
};

struct guard {
	const struct conf *conf;
	struct verifier *verifier; /* owned */
	struct bearers *bearers;   /* owned */
	struct rate_table *rates;  /* NULL: no limits */
	struct seen sessions[SESSIONS_KEPT];
	struct confirmed confirmed[RIGHTS_KEPT];
};

struct guard *
guard_new(const struct conf *conf)
{
	struct guard *g = calloc(1, sizeof *g);

	if (g == NULL)
		die("out of memory");
	g->conf = conf;
	g->verifier = verifier_new(conf);
	g->bearers = bearers_new();
	if (rate_open(conf->run_dir, &g->rates) != RC_OK) {
		log_error(NULL, "no rate limits: %s", fail_detail());
		g->rates = NULL;
	}
	return g;
}

void
guard_free(struct guard **pg)
{
	struct guard *g = *pg;

	if (g == NULL)
		return;
	verifier_free(&g->verifier);
	bearers_free(&g->bearers);
	rate_close(&g->rates);
	free(g);
	*pg = NULL;
}

struct verifier *
guard_verifier(struct guard *g)
{
	return g == NULL ? NULL : g->verifier;
}

/* ---- rates ---- */

static void
show(struct request *rq, const struct rate *rate)
{
	rq->rate.limit = rate->limit;
	rq->rate.remaining = rate->remaining;
	rq->rate.reset = rate->reset;
}

enum rc
guard_rated(struct request *rq, const struct rate *rate, int64_t now)
{
	show(rq, rate);
	if (rate->allowed)
		return RC_OK;
	rq->retry_after = (int)(rate->reset - now);
	error_int(rq, "retry_after_seconds", rq->retry_after);
	return RC_RATE_LIMIT;
}

/* What has no limit is still told how much is left of the caller's. */
static bool
is_free(const struct request *rq)
{
	return held_again(rq) ||
	    (rq->route != NULL && (rq->route->flags & NO_LIMIT) != 0);
}

static enum rc
count(struct guard *g, struct request *rq, enum rate_kind kind, struct str key,
    int64_t limit)
{
	int64_t now = clock_now().us / 1000000;
	struct rate rate;

	if (g->rates == NULL)
		return RC_OK;
	if (is_free(rq)) {
		rate = rate_look(g->rates, kind, key, limit, now);
		show(rq, &rate);
		return RC_OK;
	}
	rate = rate_take(g->rates, kind, key, limit, now);
	return guard_rated(rq, &rate, now);
}

static enum rc
count_address(struct guard *g, struct request *rq)
{
	return count(g, rq, RATE_ADDRESS,
	    rate_address(rq->arena, str_of(rq->peer)), g->conf->token_rate);
}

/* Has the address had its share of refusals? Then nobody is asked. */
static enum rc
look_at_address(struct guard *g, struct request *rq)
{
	int64_t now = clock_now().us / 1000000;
	struct rate rate;

	if (g->rates == NULL || is_free(rq))
		return RC_OK;
	rate = rate_look(g->rates, RATE_ADDRESS,
	    rate_address(rq->arena, str_of(rq->peer)), g->conf->token_rate,
	    now);
	return rate.allowed ? RC_OK : guard_rated(rq, &rate, now);
}

/* One that is refused counts for its address. */
static enum rc
refuse(struct guard *g, struct request *rq)
{
	rq->credential_refused = true;
	TRY(count_address(g, rq));
	return RC_UNAUTHORIZED;
}

/* ---- tokens ---- */

static void
ask_by_claims(struct request *rq, const struct claims *c)
{
	if (c->user == 0)
		guard_client(
		    rq->db, c->application, c->account, c->client, c->role);
	else
		guard_token(rq->db, c->application, c->account, c->user,
		    c->session, c->member_version);
}

static struct rights *
rights_of_claims(struct arena *a, const struct claims *c)
{
	struct rights *r = ARENA_NEW(a, struct rights);

	r->application = c->application;
	r->account = c->account;
	r->user = c->user;
	r->session = c->session;
	r->version = c->member_version;
	memcpy(r->client, c->client, strlen(c->client));
	memcpy(r->role, c->role, strlen(c->role));
	return r;
}

static struct confirmed *
confirmed_place(struct guard *g, const struct rights *r)
{
	uint64_t h = (uint64_t)(r->session * 31 + r->account);

	for (const char *p = r->client; *p != '\0'; p++)
		h = h * 31 + (unsigned char)*p;
	return &g->confirmed[h & (RIGHTS_KEPT - 1)];
}

static bool
is_confirmed(struct guard *g, const struct rights *r)
{
	const struct confirmed *c = confirmed_place(g, r);

	return c->until_ms > clock_steady_ms() &&
	    memcmp(&c->rights, r, sizeof *r) == 0;
}

/* A read of an account's rows asks the database for the rights at most once in
 * a moment; a write, and whoever asks who he is, asks each time. */
static void
guard_by_claims(struct guard *g, struct request *rq, const struct claims *c)
{
	struct rights *r = rights_of_claims(rq->arena, c);

	if (rq->method == GET && rq->route->need == NEED_READ &&
	    is_confirmed(g, r)) {
		/* user -1: a machine, as guard_client has it */
		guard_scope(rq->db, c->application, c->account,
		    c->user == 0 ? -1 : c->user, c->user == 0 ? c->client : "");
		return;
	}
	rq->rights = r;
	ask_by_claims(rq, c);
}

void
guard_confirm(struct guard *g, struct request *rq)
{
	struct confirmed *c;

	if (rq->rights == NULL || !db_guard_passed(rq->db))
		return;
	c = confirmed_place(g, rq->rights);
	c->rights = *rq->rights;
	c->until_ms = rq->started_ms + RIGHTS_KEEP_MS;
}

enum rc
guard_prove(struct request *rq)
{
	const struct actor *a = &rq->actor;

	/* a cookie that is not remembered has been asked for just now */
	if (a->how == HOW_NOBODY || db_guard_passed(rq->db) ||
	    (a->how == HOW_COOKIE && !rq->remembered))
		return RC_OK;
	return db_guard_run(rq->db);
}

static enum rc
by_token(struct guard *g, struct request *rq, struct str token)
{
	struct claims *c = ARENA_NEW(rq->arena, struct claims);
	enum rc rc = verifier_check(g->verifier, token, c);

	if (rc == RC_RETRY)
		return rc;
	if (rc != RC_OK)
		return refuse(g, rq);
	TRY(count(g, rq, RATE_TOKEN, token, g->conf->token_rate));
	if (c->external) {
		rc = bearer_guard(g->bearers, rq, c);
		return rc == RC_UNAUTHORIZED ? refuse(g, rq) : rc;
	}
	actor_from_claims(&rq->actor, c);
	guard_by_claims(g, rq, c);
	return RC_OK;
}

/* ---- cookies ---- */

static struct seen *
seen_place(struct guard *g, const unsigned char *hash)
{
	return &g->sessions[hash[0] & (SESSIONS_KEPT - 1)];
}

/* It was right once, in this process, however long ago. */
static bool
was_seen(struct guard *g, const unsigned char *hash)
{
	const struct seen *s = seen_place(g, hash);

	return s->until_ms != 0 && memcmp(s->hash, hash, SHA256_SIZE) == 0;
}

static bool
remembered(struct guard *g, struct request *rq, const unsigned char *hash)
{
	const struct seen *s = seen_place(g, hash);

	rq->remembered = rq->method == GET && !rq->anew && was_seen(g, hash) &&
	    s->until_ms > clock_steady_ms();
	if (rq->remembered)
		rq->actor = s->actor;
	return rq->remembered;
}

bool
guard_anew(struct request *rq)
{
	rq->anew =
	    rq->remembered && (rq->method == GET || !db_guard_passed(rq->db));
	return rq->anew;
}

static void
remember(struct guard *g, const struct actor *a, const unsigned char *hash)
{
	struct seen *s = seen_place(g, hash);

	memcpy(s->hash, hash, SHA256_SIZE);
	s->actor = *a;
	s->until_ms = clock_steady_ms() + SESSION_KEEP_MS;
}

static enum rc
ask_cookie(struct request *rq, struct str key)
{
	struct session *s = NULL;

	guard_session(rq->db, key, 0, rq->arena, &s);
	TRY(actor_ask(rq, &s));
	actor_from_session(&rq->actor, s, HOW_COOKIE);
	return RC_OK;
}

static enum rc
by_cookie(struct guard *g, struct request *rq, struct str cookie)
{
	unsigned char *hash = arena_alloc(rq->arena, SHA256_SIZE);
	struct str key = { (char *)hash, SHA256_SIZE };
	enum rc rc;

	if (!session_hash(cookie, hash))
		return refuse(g, rq);
	/* Guesses never reach the database once their address has had its
	 * share, while those who are signed in beside them go on. */
	if (!was_seen(g, hash))
		TRY(look_at_address(g, rq));
	TRY(count(g, rq, RATE_SESSION, cookie, g->conf->session_rate));
	if (!remembered(g, rq, hash)) {
		rc = ask_cookie(rq, key);
		if (rc == RC_UNAUTHORIZED)
			return refuse(g, rq);
		TRY(rc);
		remember(g, &rq->actor, hash);
	}
	guard_session(rq->db, key, rq->actor.account, NULL, NULL);
	return RC_OK;
}

/* ---- who ---- */

static struct str
bearer(const struct request *rq)
{
	struct str s = str_of(request_var(rq, "HTTP_AUTHORIZATION"));

	if (s.n < 7 || strncasecmp(s.p, "Bearer ", 7) != 0)
		return (struct str){ NULL, 0 };
	return str_trim((struct str){ s.p + 7, s.n - 7 });
}

/* A token does not say who is an admin of the application: rights taken away
 * would live on in it. A machine client that is one acts as owner, too. */
static enum rc
ask_admin(struct request *rq)
{
	enum need need = rq->route->need;
	struct actor *a = &rq->actor;
	enum rc rc;

	if (a->how != HOW_TOKEN ||
	    (need != NEED_ADMIN && need != NEED_SELF &&
		need != NEED_APP_ADMIN && !(need == NEED_OWNER && a->machine) &&
		(rq->route->flags & ASK_ADMIN) == 0))
		return RC_OK;
	rc = a->machine ? actor_is_app_admin(rq->db, a->client.p, &a->app_admin)
			: actor_is_admin(rq->db, a->user, &a->admin);
	return rc == RC_NOT_FOUND ? RC_UNAUTHORIZED : rc;
}

/* Those who have to have a second factor can do nothing but set one up. Asked
 * each time: a token does not say, and it is for whom the operator wants it.
 * What external issuers vouch for has no session; a second factor is theirs. */
static enum rc
ask_factor(struct request *rq)
{
	const char *whom = rq->conf->second_factor;
	const struct actor *a = &rq->actor;
	bool lacks;

	if (strcmp(whom, "optional") == 0 || a->user == 0 || a->session == 0 ||
	    (rq->route->flags & FACTOR_TOO) != 0 ||
	    (strcmp(whom, "everybody") != 0 && a->role != ROLE_OWNER))
		return RC_OK;
	TRY(scope_lacks_factor(rq->db, a->session, whom, &lacks));
	return lacks ? RC_FACTOR_MISSING : RC_OK;
}

static enum rc
identify(struct guard *g, struct request *rq)
{
	struct str token = bearer(rq);
	struct str cookie = request_cookie(rq, "session");

	if (g == NULL || rq->db == NULL)
		return RC_UNAUTHORIZED;
	if (token.p != NULL)
		return by_token(g, rq, token);
	if (cookie.p != NULL)
		return by_cookie(g, rq, cookie);
	TRY(count_address(g, rq));
	return RC_UNAUTHORIZED;
}

/* Nobody is asked who calls what does not exist. */
enum rc
guard_stray(struct guard *g, struct request *rq)
{
	return g == NULL ? RC_OK : count_address(g, rq);
}

static enum rc
find_actor(struct guard *g, struct request *rq)
{
	TRY(identify(g, rq));
	TRY(ask_admin(rq));
	return ask_factor(rq);
}

enum rc
guard_request(struct guard *g, struct request *rq)
{
	enum need need = rq->route->need;
	enum rc rc;

	if (need == NEED_PUBLIC || need == NEED_OWN)
		return g == NULL ? RC_OK : count_address(g, rq);
	rc = find_actor(g, rq);
	if (rc == RC_UNAUTHORIZED && guard_anew(rq))
		rc = find_actor(g, rq);
	if (rc == RC_UNAUTHORIZED && need == NEED_MAYBE) {
		rq->actor = (struct actor){ .how = HOW_NOBODY };
		if (rq->db != NULL)
			db_guard_none(rq->db);
		return RC_OK;
	}
	return rc;
}

/* ---- what it may ---- */

static bool
role_least(const struct actor *a, enum role role)
{
	return a->account != 0 && (a->admin || a->app_admin || a->role >= role);
}

bool
guard_allows(const struct actor *a, enum need need, int64_t self)
{
	switch (need) {
	case NEED_PUBLIC:
	case NEED_MAYBE:
	case NEED_OWN: return true;
	case NEED_ANY: return a->how != HOW_NOBODY;
	case NEED_READ: return role_least(a, ROLE_VIEWER);
	case NEED_WRITE: return role_least(a, ROLE_MEMBER);
	case NEED_OWNER: return role_least(a, ROLE_OWNER);
	case NEED_USER: return a->user != 0;
	case NEED_SELF: return a->admin || (a->user != 0 && a->user == self);
	case NEED_ADMIN: return a->admin;
	case NEED_APP_ADMIN: return a->admin || a->app_admin;
	case NEED_COUNT: break;
	}
	return false;
}

void
guard_csrf_token(struct str cookie, char out[65])
{
	unsigned char hash[SHA256_SIZE];
	struct buf b;

	buf_init(&b, 512);
	BUF_LIT(&b, "csrf:");
	buf_add(&b, cookie.p, cookie.n);
	sha256(b.p, b.n, hash);
	hex_encode(hash, sizeof hash, out);
	buf_clear(&b);
}

const char *
guard_csrf_cookie(const struct request *rq)
{
	return rq->secure ? "__Host-csrf" : "csrf";
}

static bool
token_of_cookie(struct str cookie, const char *token)
{
	char right[65];
	struct secret s = { (unsigned char *)right, 64 };

	if (cookie.p == NULL)
		return false;
	guard_csrf_token(cookie, right);
	return secret_eq(&s, token, strlen(token));
}

bool
guard_csrf_right(const struct request *rq, const char *token)
{
	return token != NULL &&
	    (token_of_cookie(request_cookie(rq, "session"), token) ||
		token_of_cookie(
		    request_cookie(rq, guard_csrf_cookie(rq)), token));
}

/* "https://host:port" against the Host that was asked, or the one that the
 * operator names. */
static bool
origin_own(const struct request *rq, const char *origin)
{
	struct str base = str_of(rq->conf->base_url);
	const char *host = request_var(rq, "HTTP_HOST");
	const char *want = rq->secure ? "https://" : "http://";
	size_t n = strlen(want);

	while (base.n > 0 && base.p[base.n - 1] == '/')
		base.n--;
	if (str_eq(base, str_of(origin)))
		return true;
	return host != NULL && strncmp(origin, want, n) == 0 &&
	    str_ieq(str_of(origin + n), str_of(host));
}

enum rc
guard_csrf(struct request *rq)
{
	const char *sent = request_var(rq, "HTTP_X_CSRF_TOKEN");
	const char *site = request_var(rq, "HTTP_SEC_FETCH_SITE");
	const char *origin = request_var(rq, "HTTP_ORIGIN");

	if (guard_csrf_right(rq, sent))
		return RC_OK;
	if (sent != NULL)
		return RC_CSRF;
	if (site != NULL && strcmp(site, "same-origin") != 0 &&
	    strcmp(site, "none") != 0)
		return RC_CSRF;
	if (origin != NULL && !origin_own(rq, origin))
		return RC_CSRF;
	return RC_OK;
}

enum rc
guard_check(struct request *rq)
{
	const struct route *r = rq->route;
	const struct actor *a = &rq->actor;

	if (r->need == NEED_PUBLIC || r->need == NEED_OWN)
		return RC_OK;
	if (a->how == HOW_COOKIE && r->method != GET &&
	    (r->flags & NO_CSRF) == 0)
		TRY(guard_csrf(rq));
	if (rq->account != 0 && rq->account != a->account &&
	    (r->flags & ANY_ACCOUNT) == 0)
		return RC_ACCOUNT_MISMATCH;
	if (!guard_allows(a, r->need, rq->args[0].id))
		return RC_FORBIDDEN;
	return RC_OK;
}
