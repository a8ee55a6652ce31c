/* Presence: who looks at a thread, or answers it, so that two do not answer
 * the same customer. A program says so again before it expires. */
#ifndef DOMAIN_PRESENCE_H
#define DOMAIN_PRESENCE_H

#include "db/db.h"

#define PRESENCE_SECONDS      60
#define PRESENCE_SECONDS_MOST 600
#define PRESENCE_CLEAR_MOST   20

struct presence {
	int64_t user_id;
	const char *name;
	const char *state; /* viewing, replying */
	instant since, expires_at;
};
extern const struct col presence_cols[];

#endif
