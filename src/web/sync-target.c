#include "web/sync-target.h"

#include <string.h>

#include "web/body.h"

enum rc
sync_target_check(
    struct request *rq, const char *field, const struct provider_credential *c)
{
	if (strcmp(c->provider_kind, "imap") != 0)
		return fault_add(rq, field, "not_imap",
		    "Only an IMAP credential has folders and messages.");
	if (!c->is_active)
		return fail(RC_CONFLICT, "The credential is switched off.");
	if (strcmp(c->sync_mode, "off") == 0)
		return fail(RC_CONFLICT, "The credential's sync_mode is off.");
	return RC_OK;
}
