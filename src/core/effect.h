/* What is done once in the world outside, and can be done only once: a message
 * handed to a server, flags written back, a delivery.
 *
 *	intend   commits a row that says what is about to happen, with all that
 *	         is needed to do it, and the key the other side will know it by
 *	act      does it
 *	confirm  commits what became of it
 *
 * Killed before the intent is committed: nothing was done. Killed behind it:
 * the row says so, and whoever finds it looks at the other side before doing
 * anything again. At no time is something destroyed that nobody has written
 * down. A failpoint stands on both sides of each of the three. */
#ifndef CORE_EFFECT_H
#define CORE_EFFECT_H

#include "core/result.h"

struct effect {
	/* NULL: who wished for it has committed the intent with the wish. */
	enum rc (*intend)(void *);
	/* Leaves what it was answered in the context. Another result than RC_OK
	 * says that there is nothing to confirm: the row keeps the intent. */
	enum rc (*act)(void *);
	enum rc (*confirm)(void *);
	const char *points[4];
};

/* Its failpoints are NAME-intent-before, NAME-effect-before,
 * NAME-effect-after and NAME-confirm-after. */
#define EFFECT(name, intend_, act_, confirm_)                                  \
	{                                                                      \
		.intend = (intend_), .act = (act_), .confirm = (confirm_),     \
		.points = {                                                    \
			name "-intent-before",                                 \
			name "-effect-before",                                 \
			name "-effect-after",                                  \
			name "-confirm-after"                                  \
		}                                                              \
	}

/* All three; the first result that is not RC_OK. */
enum rc effect_run(const struct effect *, void *) MUST_CHECK;

/* For an effect with a point of no return in its middle, behind which alone it
 * may have happened: `act` asks for the intent there. */
enum rc effect_intend(const struct effect *, void *) MUST_CHECK;

/* A database that is away (RC_RETRY) is waited for, 20 seconds at most: what
 * the other side has answered is known nowhere else. */
enum rc effect_confirm(const struct effect *, void *) MUST_CHECK;

#endif
