/* What the command line names: an account, a job. Who names what is not there
 * has mistyped, and would take silence for work that was done. */
#ifndef SYNC_NAMED_H
#define SYNC_NAMED_H

#include "db/db.h"

/* RC_NOT_FOUND, with a sentence. 0: not named. */
enum rc named_check(struct db *, int64_t account, int64_t job) MUST_CHECK;

/* Says of a job that was not run why: it has ended, another worker is at it. */
enum rc named_tell(
    struct db *, int64_t account, int64_t job, const struct log *) MUST_CHECK;

#endif
