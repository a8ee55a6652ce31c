/* Pages of other origins in browsers (the Fetch standard's CORS protocol).
 *
 * An answer may be read by pages of the origins that the operator lists
 * (cors_origins), and by those of a public OAuth client: of its application,
 * and of its account where it belongs to one. Nothing else, and no wildcard. A
 * page brings a token; cookies are never allowed, and what a cookie asked for
 * is told to no other origin. */
#ifndef WEB_CORS_H
#define WEB_CORS_H

#include "web/request.h"

/* Looks up whose the Origin is: in the database once in half a minute a
 * process. Where that is away it is nobody's. Before a guard is set. */
void cors_look(struct request *);

/* A browser's question before the request itself. */
bool cors_is_preflight(const struct request *);
/* The answer, for a path that has `rq->allow`. */
enum rc cors_preflight(struct request *) MUST_CHECK;

/* Behind the handler: may that page read the answer? */
void cors_settle(struct request *);
/* The lines of that. */
void cors_head(const struct request *, struct buf *);

#endif
