/* All statements of sql/queries, for the tests that look at each. */
#ifndef DOMAIN_STATEMENTS_H
#define DOMAIN_STATEMENTS_H

#include "db/stmt.h"

/* NULL at the end; statements.c is made by sql/typed.awk. */
extern const struct stmt *const statements[];

#endif
