#include "domain/placement.h"

const struct col uid_range_cols[] = {
	COL(struct uid_range, first),
	COL(struct uid_range, last),
	COL_END,
};

const struct col ingested_cols[] = {
	COL(struct ingested, stored),
	COL(struct ingested, skipped),
	COL(struct ingested, joined),
	COL(struct ingested, news),
	COL_END,
};

const struct col placed_cols[] = {
	COL(struct placed, email_id),
	COL_END,
};
