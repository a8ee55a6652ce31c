/* What an Idempotency-Key has made: see web/idempotency.h. */
#ifndef DOMAIN_IDEMPOTENCY_H
#define DOMAIN_IDEMPOTENCY_H

#include "db/row.h"

struct idempotency {
	struct str request_hash;
	struct ids made; /* ids, in the order they were kept */
};
extern const struct col idempotency_cols[];

#endif
