#include "web/bearer.h"

#include <stdlib.h>

#include "core/log.h"
#include "core/token.h"
#include "domain/session-sql.h"
#include "web/actor.h"
#include "web/verifier.h"

#define BEARERS_KEPT 256 /* a power of two */

struct known {
	/* by the token */
	size_t issuer; /* 0: free; our own has none here */
	char subject[129];
	int64_t application, account, user;
	/* by the database; client and scope are each token's own */
	struct actor actor;
};

struct bearers {
	struct known v[BEARERS_KEPT];
};

struct bearers *
bearers_new(void)
{
	struct bearers *b = calloc(1, sizeof *b);

	if (b == NULL)
		die("out of memory");
	return b;
}

void
bearers_free(struct bearers **b)
{
	free(*b);
	*b = NULL;
}

static struct known *
place(struct bearers *b, const struct claims *c)
{
	uint64_t h = (uint64_t)(c->account * 31 + c->user) * 31 + c->issuer;

	for (const char *p = c->subject; *p != '\0'; p++)
		h = h * 31 + (unsigned char)*p;
	return &b->v[(h ^ h >> 32) & (BEARERS_KEPT - 1)];
}

static bool
is_of(const struct known *k, const struct claims *c)
{
	return k->issuer == c->issuer && k->application == c->application &&
	    k->account == c->account && k->user == c->user &&
	    strcmp(k->subject, c->subject) == 0;
}

static void
remember(struct known *k, const struct claims *c, const struct actor *a)
{
	k->issuer = c->issuer;
	memcpy(k->subject, c->subject, sizeof k->subject);
	k->application = c->application;
	k->account = c->account;
	k->user = c->user;
	k->actor = *a;
}

/* `a`: who it has to be; user 0: whoever it is. */
static void
set_guard(struct request *rq, const struct claims *c, const struct actor *a,
    struct arena *arena, struct session **s)
{
	guard_external(rq->db,
	    &(struct guard_external_args){
		.issuer = verifier_issuer(rq->verifier, c),
		.subject = c->subject,
		.application = c->application,
		.account = c->account,
		.user = c->user,
		.as_account = a->account,
		.as_user = a->user,
		.as_version = a->version },
	    arena, s);
}

static enum rc
ask(struct request *rq, const struct claims *c, struct actor *a)
{
	static const struct actor whoever = { .user = 0 };
	struct session *s = NULL;

	set_guard(rq, c, &whoever, rq->arena, &s);
	TRY(actor_ask(rq, &s));
	actor_from_session(a, s, HOW_TOKEN);
	return RC_OK;
}

enum rc
bearer_guard(struct bearers *b, struct request *rq, const struct claims *c)
{
	struct known *k = place(b, c);

	rq->remembered = !rq->anew && is_of(k, c);
	if (rq->remembered) {
		rq->actor = k->actor;
	} else {
		TRY(ask(rq, c, &rq->actor));
		remember(k, c, &rq->actor);
	}
	rq->actor.client = str_of(c->client);
	rq->actor.scope = str_of(c->scope);
	set_guard(rq, c, &rq->actor, NULL, NULL);
	return RC_OK;
}
