/* An account that is removed, a batch a transaction: no mail server is asked.
 * Whoever is killed at it leaves the rest to the next. */
#include "core/failpoint.h"
#include "domain/account-sql.h"
#include "domain/job-run.h"

#define ROWS_MOST 500 /* of a table, in a transaction */

enum rc
account_remove(struct job_run *r)
{
	int64_t n;

	do {
		if (job_run_stopped(r))
			return job_run_stop(r);
		TRY(job_run_beat(r));
		FAILPOINT("account-remove-before");
		TRY(account_remove_some(
		    r->db, r->account, r->lease->id, ROWS_MOST, &n));
		FAILPOINT("account-remove-after");
	} while (n > 0);
	TRY(account_remove_last(r->db, r->account, NULL));
	r->gone = true;
	FAILPOINT("account-remove-end");
	return RC_OK;
}
