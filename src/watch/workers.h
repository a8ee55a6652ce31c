/* Workers of this process: each a letterrack-sync that does nothing but fetch
 * and hold what was told of, so that no long sync of another mail account
 * stands before it. They end with this process, however that ends. */
#ifndef WATCH_WORKERS_H
#define WATCH_WORKERS_H

#include <stdint.h>
#include <sys/types.h>

#include "core/log.h"

#define WORKERS_MOST 32

struct workers {
	const char *config; /* NULL: the installed one */
	const struct log *log;
	int n;
	pid_t pid[WORKERS_MOST];
	int64_t
	    not_before_ms; /* one that ends at once is not started at once */
};

/* Starts those that do not run. */
void workers_keep(struct workers *);
void workers_end(struct workers *);

#endif
