/* Mail accounts that something on the server is asked of. */
#ifndef WEB_SYNC_TARGET_H
#define WEB_SYNC_TARGET_H

#include "domain/provider-credential.h"
#include "web/request.h"

/* An IMAP account, switched on; else RC_INVALID, a fault of the field, or
 * RC_CONFLICT. */
enum rc sync_target_check(struct request *, const char *field,
    const struct provider_credential *) MUST_CHECK;

#endif
