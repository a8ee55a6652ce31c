/* The work that waits, as an operator sees it. */
#ifndef DOMAIN_WORK_H
#define DOMAIN_WORK_H

#include "domain/job.h"

struct work_depth {
	const char *state, *action;
	int64_t n;
	int64_t due_s; /* how long the oldest that is due has waited; 0: none */
};
extern const struct col work_depth_cols[];

struct work_worker {
	const char *name;
	int64_t jobs;
};
extern const struct col work_worker_cols[];

struct work_sync {
	int64_t credential_id, account_id;
	const char *status;
	instant last_checked;
	const char *last_error_code; /* NULL: none */
};
extern const struct col work_sync_cols[];

/* A sum, for monitors. */
struct work_metric {
	const char *what, *state;
	const char *kind; /* NULL: none */
	int64_t n;
	int64_t due_s; /* INT64_MIN: none is due */
};
extern const struct col work_metric_cols[];

#endif
