/* Idempotency: a POST under an Idempotency-Key makes its thing once.
 *
 * The key is kept with the actor, the route, a hash of path and body and the
 * ids of what was made, in the transaction that makes it. A second request
 * with it finds those ids and renders the answer again, with
 * `Idempotency-Replayed: true`; a key lasts a day.
 *
 *	static enum rc make(struct db *, void *ctx, int64_t made[ONCE_MADE]);
 *
 *	TRY(once(rq, make, &ctx, made));
 *	… read what made[0] names, and answer …
 *
 * Routes that call it carry IDEMPOTENT. Without the header it is db_tx. */
#ifndef WEB_IDEMPOTENCY_H
#define WEB_IDEMPOTENCY_H

#include "web/request.h"

#define ONCE_MADE     2
#define ONCE_KEY_MOST 255

/* Makes it, in the transaction at hand; may be called again (db_tx). */
typedef enum rc once_make(struct db *, void *ctx, int64_t made[ONCE_MADE]);

/* RC_KEY_REUSED: another request came under the key. RC_KEY_RUNNING: the first
 * has not ended. RC_INVALID: no key; else what `make` and db_tx return. */
enum rc once(struct request *, once_make *, void *ctx,
    int64_t made[ONCE_MADE]) MUST_CHECK;

#endif
