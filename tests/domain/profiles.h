/* What a server can decides the way that a sync goes, so all cases of a suite
 * are run once for each way. */
#ifndef DOMAIN_PROFILES_H
#define DOMAIN_PROFILES_H

#include "domain/house.h"
#include "lib/unit.h"

/* Starts the house anew for each; the program's exit status. */
int profiles_run(
    const char *suite, struct house *, const struct unit_case *, size_t n);

#endif
