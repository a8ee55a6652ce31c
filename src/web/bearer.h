/* Bearers of an external issuer's tokens, by what the database told last.
 *
 * Such a token does not say what its bearer may: the membership does, each
 * time. Who that is has to be known before the handler runs, and asking costs a
 * round trip; so what was told once is taken for true, and the guard in front
 * of the request's own statements refuses where it is not so any more. Then the
 * dispatcher begins anew, and the database is asked. */
#ifndef WEB_BEARER_H
#define WEB_BEARER_H

#include "web/request.h"

struct claims;

struct bearers;
struct bearers *bearers_new(void);
void bearers_free(struct bearers **);

/* Fills rq->actor and sets the guard. RC_UNAUTHORIZED: the token speaks for
 * nobody who may come in. */
enum rc bearer_guard(
    struct bearers *, struct request *, const struct claims *) MUST_CHECK;

#endif
