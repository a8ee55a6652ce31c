/* A worker of its own for a job whose end a caller waits for: letterrack-sync
 * with that one job, so that it runs though no other worker is there or free.
 * It outlives the request, and whoever is killed leaves the other in peace. */
#ifndef WEB_WORKER_H
#define WEB_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/conf.h"
#include "core/result.h"

/* *end: a pipe that is closed when the worker has ended; the caller's to
 * close. RC_RETRY: none can be started; the job waits for another. */
enum rc worker_start(
    const struct conf *, int64_t account, int64_t job, int *end) MUST_CHECK;

/* Waits for that, `ms` at most; -1: there is no pipe, it only waits. */
void worker_wait(int end, int ms);
bool worker_ended(int end);

#endif
