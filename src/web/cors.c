#include "web/cors.h"

#include <string.h>

#include "core/clock.h"
#include "db/db.h"
#include "domain/client-sql.h"
#include "web/reply.h"

#define ORIGIN_MOST  255
#define KNOWN_MOST   32
#define PAIRS_MOST   16
#define KNOWN_MS     30000 /* a client that is removed is gone then */
#define ASKED_MEMORY 4096

/* Requests come one after the other; what was looked up longest ago goes. */
static struct cors_known {
	char origin[ORIGIN_MOST + 1];
	int64_t until_ms;
	bool listed; /* by the operator */
	size_t n;
	struct {
		int64_t application, account; /* 0: any */
	} of[PAIRS_MOST];
} known[KNOWN_MOST];

/* As a browser writes one; "null" is none. */
static bool
is_origin(const char *s)
{
	size_t n = s != NULL ? strlen(s) : 0;

	if (n > ORIGIN_MOST ||
	    (n < 8 ||
		(memcmp(s, "http://", 7) != 0 &&
		    memcmp(s, "https://", 8) != 0)))
		return false;
	s += s[4] == 's' ? 8 : 7;
	return *s != '\0' &&
	    s[strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789.:-_[]")] == '\0';
}

static bool
is_listed(const struct conf *conf, const char *origin)
{
	size_t n = strlen(origin);

	for (const char *p = conf->cors_origins; *p != '\0';) {
		size_t len = strcspn(p, " \t");

		if (len == n && memcmp(p, origin, n) == 0)
			return true;
		p += len;
		p += strspn(p, " \t");
	}
	return false;
}

static enum rc
ask(struct request *rq, struct cors_known *k)
{
	struct ids ids = { NULL, 0 };

	if (rq->db == NULL)
		return RC_OK;
	TRY(client_origin(rq->db, k->origin, rq->arena, &ids));
	for (size_t i = 0; i + 1 < ids.n && k->n < PAIRS_MOST; i += 2) {
		k->of[k->n].application = ids.v[i];
		k->of[k->n++].account = ids.v[i + 1];
	}
	return RC_OK;
}

static const struct cors_known *
find(struct request *rq, const char *origin)
{
	int64_t now = clock_steady_ms();
	struct cors_known *k = known;

	for (size_t i = 0; i < KNOWN_MOST; i++) {
		if (now < known[i].until_ms &&
		    strcmp(known[i].origin, origin) == 0)
			return &known[i];
		if (known[i].until_ms < k->until_ms)
			k = &known[i];
	}
	*k = (struct cors_known){ .listed = is_listed(rq->conf, origin) };
	memcpy(k->origin, origin, strlen(origin) + 1);
	if (ask(rq, k) == RC_OK) {
		k->until_ms = now + KNOWN_MS;
		return k;
	}
	fail_clear();
	k->until_ms = 0;
	return k->listed ? k : NULL;
}

void
cors_look(struct request *rq)
{
	const char *origin = request_var(rq, "HTTP_ORIGIN");

	if (is_origin(origin))
		rq->cors = find(rq, origin);
}

bool
cors_is_preflight(const struct request *rq)
{
	return str_eq(
		   str_of(request_var(rq, "REQUEST_METHOD")), STR("OPTIONS")) &&
	    request_var(rq, "HTTP_ORIGIN") != NULL &&
	    request_var(rq, "HTTP_ACCESS_CONTROL_REQUEST_METHOD") != NULL;
}

static bool
is_theirs(const struct cors_known *k, const struct actor *a)
{
	for (size_t i = 0; i < k->n; i++)
		if (a->application == 0 ||
		    (k->of[i].application == a->application &&
			(k->of[i].account == 0 ||
			    k->of[i].account == a->account)))
			return true;
	return k->listed;
}

enum rc
cors_preflight(struct request *rq)
{
	if (rq->cors == NULL || !is_theirs(rq->cors, &rq->actor))
		return fail(
		    RC_FORBIDDEN, "No page of this origin is known here.");
	reply_header(rq, "Access-Control-Allow-Methods", rq->allow);
	reply_header(rq, "Access-Control-Allow-Headers",
	    "Authorization, Content-Type, Idempotency-Key, If-Match, "
	    "If-None-Match, Last-Event-ID, X-Request-Id");
	reply_header(rq, "Access-Control-Max-Age", "600");
	return reply_empty(rq, 204);
}

/* Pages of ours are for people, and where one is led to is for browsers. */
void
cors_settle(struct request *rq)
{
	const struct reply *r = &rq->reply;

	rq->cors_allowed = rq->cors != NULL && rq->actor.how != HOW_COOKIE &&
	    (r->status < 300 || r->status >= 400 || r->status == 304) &&
	    (r->type == NULL || strncmp(r->type, "text/html", 9) != 0) &&
	    is_theirs(rq->cors, &rq->actor);
}

void
cors_head(const struct request *rq, struct buf *out)
{
	BUF_LIT(out, "Vary: Origin\r\n");
	if (!rq->cors_allowed)
		return;
	BUF_LIT(out, "Access-Control-Allow-Origin: ");
	buf_puts(out, rq->cors->origin);
	BUF_LIT(out,
	    "\r\nAccess-Control-Expose-Headers: ETag, Idempotency-Replayed, "
	    "Link, Retry-After, WWW-Authenticate, X-RateLimit-Limit, "
	    "X-RateLimit-Remaining, X-RateLimit-Reset, X-Request-Id\r\n");
}
