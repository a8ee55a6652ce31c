/* Query parameters and forms: the same rows as bodies, from text.
 *
 * A parameter that comes twice is an error, an unknown one is ignored.
 * Booleans are true, false, 1, 0. */
#ifndef WEB_PARAMS_H
#define WEB_PARAMS_H

#include "core/result.h"
#include "web/request.h"

#define PAIRS_MOST 100

struct pair {
	struct str name, value; /* decoded, UTF-8, NUL behind them */
};
struct pairs {
	struct pair v[PAIRS_MOST];
	size_t n;
};

/* application/x-www-form-urlencoded. RC_MALFORMED: a name that comes twice, a
 * broken escape, NUL, not UTF-8, too many. */
enum rc pairs_read(struct arena *, struct str, struct pairs *) MUST_CHECK;

/* By rows; faults are added to the request. */
void pairs_fill(struct request *, const struct pairs *,
    const struct field *rows, void *into, uint64_t *given);

/* Fills rq->params and params_given from rq->query. RC_MALFORMED, or
 * RC_INVALID with rq->faults. */
enum rc params_fill(struct request *) MUST_CHECK;

#endif
