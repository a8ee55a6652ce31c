/* Query parameters: the same rows as bodies, from text.
 *
 * A parameter that comes twice is an error, an unknown one is ignored.
 * Booleans are true, false, 1, 0. */
#ifndef WEB_PARAMS_H
#define WEB_PARAMS_H

#include "core/result.h"
#include "web/request.h"

#define PARAMS_MOST 100

/* Fills rq->params and params_given. RC_MALFORMED: repeated or not decodable;
 * RC_INVALID: rq->faults. */
enum rc params_fill(struct request *) MUST_CHECK;

/* One row from text, for forms: used by body.c too. False: fault added. */
bool
field_from_text(struct request *, const struct field *, struct str, void *into);

#endif
