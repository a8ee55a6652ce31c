/* Messages that could not be read whole. */
#ifndef DOMAIN_SKIPPED_H
#define DOMAIN_SKIPPED_H

#include <stdint.h>

#include "db/row.h"

struct skipped {
	int64_t uid;
};
extern const struct col skipped_cols[];

#endif
