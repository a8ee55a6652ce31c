#include "domain/idempotency.h"

const struct col idempotency_cols[] = {
	COL_BYTES(struct idempotency, request_hash),
	COL(struct idempotency, made),
	COL_END,
};
