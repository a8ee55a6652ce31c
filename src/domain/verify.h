/* Verifying: numbers that are kept in the transaction of each change, against a
 * recount of the rows. */
#ifndef DOMAIN_VERIFY_H
#define DOMAIN_VERIFY_H

#include "db/db.h"

struct verify_fault {
	int64_t account_id;
	const char *what; /* "thread 7", "total", "email 9" */
	const char *name; /* which of its numbers */
	const char *kept, *counted;
};
extern const struct col verify_fault_cols[];

#endif
