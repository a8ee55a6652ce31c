#include "core/effect.h"

#include <time.h>

#include "core/failpoint.h"

#define CONFIRM_TRIES 40 /* half a second apart */

enum { INTENT_BEFORE, EFFECT_BEFORE, EFFECT_AFTER, CONFIRM_AFTER };

enum rc
effect_intend(const struct effect *e, void *ctx)
{
	FAILPOINT(e->points[INTENT_BEFORE]);
	if (e->intend != NULL)
		TRY(e->intend(ctx));
	FAILPOINT(e->points[EFFECT_BEFORE]);
	return RC_OK;
}

enum rc
effect_confirm(const struct effect *e, void *ctx)
{
	const struct timespec pause = { .tv_nsec = 500000000 };
	enum rc rc;

	FAILPOINT(e->points[EFFECT_AFTER]);
	rc = e->confirm(ctx);
	for (int i = 1; i < CONFIRM_TRIES && rc == RC_RETRY; i++) {
		nanosleep(&pause, NULL);
		rc = e->confirm(ctx);
	}
	if (rc == RC_OK)
		FAILPOINT(e->points[CONFIRM_AFTER]);
	return rc;
}

enum rc
effect_run(const struct effect *e, void *ctx)
{
	TRY(effect_intend(e, ctx));
	TRY(e->act(ctx));
	return effect_confirm(e, ctx);
}
