/* OpenAPI 3.1, printed from the route rows: what the dispatcher enforces is
 * what the description shows. */
#ifndef WEB_OPENAPI_H
#define WEB_OPENAPI_H

#include "core/buffer.h"
#include "web/route.h"

/* The auth routes (/auth, /oauth2, /.well-known) have a document of their
 * own. */
enum openapi_part { OPENAPI_API, OPENAPI_AUTH };

/* `all` ends with NULL. */
void openapi_write(struct buf *, const struct family *const *all,
    enum openapi_part, const char *base_url);

#endif
