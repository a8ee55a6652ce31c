/* Logs: what was done to the account's things, by whom, and how it ended. */
#include "domain/log-sql.h"
#include "domain/log.h"
#include "web/listing.h"
#include "web/reply.h"
#include "web/request.h"

static const char *const levels[] = { "info", "warning", "error", NULL };

struct log_filter {
	const char *subject, *q;
	int level;
	struct page page;
};
static const struct field log_filter_params[] = {
	F_TEXT(struct log_filter, subject, 1, 64, OPTIONAL,
	    .about = "provider_credential, job, email"),
	F_ENUM(struct log_filter, level, levels, OPTIONAL),
	F_TEXT(struct log_filter, q, 0, 200, OPTIONAL | BLANK_OK,
	    .about = "Words of subject, action, status or message."),
	F_PAGE(struct log_filter, 50), F_END
};

static enum rc
list(struct request *rq)
{
	const struct log_filter *in = rq->params;
	const char *level = in->level >= 0 ? levels[in->level] : NULL;
	const char *q = listing_words(in->q);
	int64_t account = rq->actor.account, total;
	struct log_row_list rows;
	struct listing ask;
	struct list_end end;

	TRY(listing_ask(rq, &in->page, &ask));
	db_pipe_begin(rq->db);
	TRY(log_list(rq->db,
	    &(struct log_list_args){ account, in->subject, level, q,
		listing_before(&ask), ask.skip, ask.most },
	    rq->arena, &rows));
	TRY(log_count(rq->db, account, in->subject, level, q, &total));
	TRY(db_pipe_end(rq->db));
	end = listing_end(
	    &in->page, &rows.n, total, LISTING_LAST(rows, &in->page));
	return reply_rows(
	    rq, log_row_cols, rows.v, rows.n, sizeof rows.v[0], &end);
}

static enum rc
get(struct request *rq)
{
	struct log_row *row;

	TRY(log_get(rq->db, rq->actor.account, arg_id(rq, 0), rq->arena, &row));
	return reply_row(rq, 0, log_row_cols, row);
}

static const struct route routes[] = {
	{ GET, "/api/accounts/:account_id/logs", list, NEED_READ,
	    PARAMS(log_filter), .row = log_row_cols, .many = true,
	    .summary = "List what happened, latest first" },
	{ GET, "/api/logs/:log_id", get, NEED_READ, .row = log_row_cols,
	    .summary = "Show a line of the log" },
};

FAMILY(logs, QUIET);
