/* Housekeeping: what nobody needs any more is deleted, a few times a day, by
 * one host at a time. */
#ifndef SYNC_HOUSEKEEPING_H
#define SYNC_HOUSEKEEPING_H

#include <signal.h>

#include "core/conf.h"
#include "db/db.h"

/* Does it where it is due; ends early where `*stop`, or where the database is
 * away. The rest is done the next time. */
enum rc housekeeping(struct db *, const struct conf *, const struct log *,
    const volatile sig_atomic_t *stop) MUST_CHECK;

#endif
