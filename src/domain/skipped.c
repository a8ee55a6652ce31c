#include "domain/skipped.h"

const struct col skipped_cols[] = {
	COL(struct skipped, uid),
	COL_END,
};
