/* Who has signed in, and signing in and out: a user by name and password, a
 * program by the id and the secret of a machine client. Done by a hand of the
 * pool. */
#ifndef PROXY_CALLER_H
#define PROXY_CALLER_H

#include "core/secret.h"
#include "core/text.h"
#include "proxy/pool.h"

struct talk;

struct caller {
	int64_t application, account;
	int64_t user;                    /* -1: a machine client */
	int64_t session;                 /* 0: of none */
	const char *client;              /* NULL: a user */
	const char *role;                /* a client's */
	unsigned char hash[SHA256_SIZE]; /* what the session is known by */
	uint64_t group;                  /* of what they hand over (pool.h) */
	struct texts senders; /* whom they may send as, in lower case */
};

struct sign_on {
	struct work work;    /* first */
	struct talk *talk;   /* whose it is */
	struct arena *arena; /* owned: all that is in here */
	const char *peer;
	const char *name;
	struct secret password;
	enum rc rc;
	struct caller caller;
};

struct sign_on *sign_on_new(struct talk *, const char *peer);
void sign_on_free(struct sign_on **);
/* A hand's part. RC_BAD_LOGIN, RC_SECOND_FACTOR, RC_FACTOR_MISSING,
 * RC_FORBIDDEN, RC_RATE_LIMIT, RC_RETRY. */
void sign_on_run(struct work *, struct hand *);

/* Into the arena of the session. */
struct caller *caller_keep(const struct caller *, struct arena *);

/* The session that a caller has opened ends; needs nothing of what called. */
void caller_leave(struct pool *, const struct caller *, const char *peer);

struct session;
struct caller_right {
	struct session *s; /* NULL: of a machine client */
};

/* The database speaks for this caller from now on, as long as they may. `role`
 * is there behind the first transaction. */
void caller_guard(
    struct db *, const struct caller *, struct arena *, struct caller_right *);
/* The same person or program, acting for the same account? */
bool caller_alike(const struct caller *, const struct caller *);
/* In a transaction that another session of the same caller guards: is this one
 * good, too? RC_FORBIDDEN: it sends no more; another result has ended the
 * transaction. */
enum rc caller_also(struct db *, const struct caller *, const struct caller *,
    struct arena *) MUST_CHECK;
/* Do they still have a role that sends? In a transaction of that guard. */
bool caller_may_send(const struct caller *, const struct caller_right *);

#endif
