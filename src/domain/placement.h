/* Placements: where emails lie, one row a folder, UIDVALIDITY and UID.
 *
 * Only the sync writes them; an email without one has vanished. */
#ifndef DOMAIN_PLACEMENT_H
#define DOMAIN_PLACEMENT_H

#include <stdint.h>

#include "db/row.h"

struct uid_range {
	int64_t first;
	int64_t last;
};
extern const struct col uid_range_cols[];

/* What became of a batch. */
struct ingested {
	int64_t stored;
	int64_t skipped;
	struct ids joined; /* emails that were known already */
	struct ids news;   /* that came when the folder was known */
};
extern const struct col ingested_cols[];

struct placed {
	int64_t email_id;
};
extern const struct col placed_cols[];

#endif
