/* The mail accounts, as the review door lists them. */
#include "accounts.h"

#include "domain/interception-sql.h"
#include "web/reply.h"

#define REVIEW_MOST 1000

enum rc
review_accounts(struct request *rq)
{
	const struct row_style style = reply_style(rq);
	struct review_account_list l;

	TRY(review_account_list(rq->db, rq->actor.account, rq->actor.user,
	    REVIEW_MOST, rq->arena, &l));
	rows_write(reply_bare(rq, 0), review_account_cols, l.v, l.n,
	    sizeof l.v[0], &style);
	return reply_bare_close(rq);
}
