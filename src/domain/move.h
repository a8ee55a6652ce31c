/* Messages that were moved or copied: see sql/queries/move.sql. */
#ifndef DOMAIN_MOVE_H
#define DOMAIN_MOVE_H

#include <stdint.h>

#include "db/row.h"

struct move_uid {
	int64_t uid;
};
extern const struct col move_uid_cols[];

/* A message, and whose it is. */
struct moved {
	int64_t uid;
	int64_t email_id;
};
extern const struct col moved_cols[];

#endif
