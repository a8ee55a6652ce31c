/* Plans: what an account may do, and how much of it. The limits are held by
 * triggers (0180-plans.sql), whoever makes a thing: RC_PLAN_LIMIT, whose detail
 * names the limit and the use. */
#ifndef DOMAIN_PLAN_H
#define DOMAIN_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "db/row.h"

/* A limit that a plan does not have. */
#define PLAN_NO_LIMIT (-1)

struct plan {
	const char *name;
	const char *title;
	struct texts features;
	int64_t credentials; /* PLAN_NO_LIMIT, as the rest */
	int64_t members;     /* with open invitations */
	int64_t watched;     /* mail accounts that are polled by themselves */
	int64_t sends_per_day;
	int64_t storage_bytes; /* of messages to be sent, or held */
	bool is_default;
};
extern const struct col plan_cols[];

struct plan_limit {
	const char *name;
	int64_t most; /* PLAN_NO_LIMIT */
	int64_t used; /* PLAN_NO_LIMIT: nobody keeps count */
};
extern const struct col plan_limit_cols[];

/* An account, for the operator. */
struct plan_account {
	int64_t account_id;
	const char *name;
	const char *plan;
	bool is_given;      /* by hand */
	const char *status; /* of its newest subscription; NULL: none */
	instant current_period_end;
};
extern const struct col plan_account_cols[];

#endif
