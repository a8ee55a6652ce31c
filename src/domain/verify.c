#include "domain/verify.h"

const struct col verify_fault_cols[] = {
	COL(struct verify_fault, account_id),
	COL(struct verify_fault, what),
	COL(struct verify_fault, name),
	COL(struct verify_fault, kept),
	COL(struct verify_fault, counted),
	COL_END,
};
