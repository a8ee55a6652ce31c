/* Shares: one account holds at most half of the processes of a family that
 * waits for foreign servers, so that the others always find one.
 *
 * A share is a byte of a lock file of run_dir, at a place of the account's:
 * the kernel counts, for all processes of the host, and forgets with the
 * process that dies. */
#ifndef WEB_SHARE_H
#define WEB_SHARE_H

#include "web/request.h"

/* Takes one until the request ends, if it has none. RC_RETRY: the account has
 * its half. */
enum rc share_take(struct request *) MUST_CHECK;

#endif
