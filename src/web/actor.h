/* From what a token claims, or what the database tells, to an actor. */
#ifndef WEB_ACTOR_H
#define WEB_ACTOR_H

#include "domain/session.h"
#include "web/request.h"

struct claims;

void actor_from_claims(struct actor *, const struct claims *);
void actor_from_session(struct actor *, const struct session *, enum how);

/* Runs the guard that has been set, with `*s` for its row. RC_UNAUTHORIZED. */
enum rc actor_ask(struct request *, struct session **s) MUST_CHECK;

#endif
