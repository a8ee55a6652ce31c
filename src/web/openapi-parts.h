/* What the files of openapi.h share; nobody else includes this. */
#ifndef WEB_OPENAPI_PARTS_H
#define WEB_OPENAPI_PARTS_H

#include "core/json.h"
#include "web/route.h"

/* The members of "responses". `twin`: the same operation at another door, whose
 * answer it may be as well; NULL: none. */
void
openapi_answers(struct jw *, const struct route *, const struct route *twin);
void openapi_errors(struct jw *, const struct route *);

/* "webhooks": what receivers are told, an entry an event. */
void openapi_webhooks(struct jw *);

/* "components" of the document. */
void openapi_components(struct jw *);

#endif
