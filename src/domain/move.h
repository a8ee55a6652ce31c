/* Messages that were moved or copied: see sql/queries/move.sql. */
#ifndef DOMAIN_MOVE_H
#define DOMAIN_MOVE_H

#include <stdbool.h>
#include <stdint.h>

#include "db/row.h"

struct move_uid {
	int64_t uid;
};
extern const struct col move_uid_cols[];

/* A message by what its size tells: it may be mail with a hash, or (is_dated)
 * such without one, of the same time. */
struct move_sized {
	int64_t uid;
	bool is_dated;
};
extern const struct col move_sized_cols[];

/* A place where an email lies that a message is alike to. */
struct move_lying {
	int64_t email_id;
	int64_t size_bytes;
	int64_t mailbox_id;
	struct str wire_name; /* p == NULL: it cannot be looked at now */
	int64_t uidvalidity;
	int64_t uid;
};
extern const struct col move_lying_cols[];

/* A message, and whose it is. */
struct moved {
	int64_t uid;
	int64_t email_id;
};
extern const struct col moved_cols[];

#endif
