/* An account that is removed, a batch a transaction: no mail server is asked.
 * Whoever is killed at it leaves the rest to the next. */
#include "domain/sync/run.h"

#include "core/failpoint.h"
#include "domain/account-sql.h"

#define ROWS_MOST 500 /* of a table, in a transaction */

enum rc
sync_account_remove(struct sync *s)
{
	int64_t n;

	do {
		if (sync_stopped(s))
			return sync_stop(s);
		TRY(sync_beat(s));
		FAILPOINT("account-remove-before");
		TRY(account_remove_some(
		    s->db, s->account, s->lease->id, ROWS_MOST, &n));
		FAILPOINT("account-remove-after");
	} while (n > 0);
	TRY(account_remove_last(s->db, s->account, NULL));
	s->gone = true;
	FAILPOINT("account-remove-end");
	return RC_OK;
}
