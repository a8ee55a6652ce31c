/* Logs: what was done to the account's things, by whom, and how it ended; and
 * the audit log, which owners read. */
#include "domain/audit-sql.h"
#include "domain/audit.h"
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

/* ---- the audit log ---- */

struct audit_filter {
	const char *action;
	int64_t user_id;
	instant from, to;
	struct page page;
};
static const struct field audit_filter_params[] = {
	F_TEXT(struct audit_filter, action, 1, 64, OPTIONAL,
	    .about = "login.ok, credential.rotate, content.read"),
	F_ID(struct audit_filter, user_id, ID_USER, OPTIONAL,
	    .about = "Who did it."),
	F_TIME(struct audit_filter, from, OPTIONAL, .about = "Not before."),
	F_TIME(struct audit_filter, to, OPTIONAL, .about = "Before."),
	F_PAGE(struct audit_filter, 50), F_END
};

static enum rc
audit_log(struct request *rq)
{
	const struct audit_filter *in = rq->params;
	int64_t account = rq->actor.account, total;
	struct audit_row_list rows;
	struct listing ask;
	struct list_end end;

	TRY(listing_ask(rq, &in->page, &ask));
	db_pipe_begin(rq->db);
	TRY(audit_list(rq->db,
	    &(struct audit_list_args){ account, in->action, in->user_id,
		in->from, in->to, listing_before(&ask), ask.skip, ask.most },
	    rq->arena, &rows));
	TRY(audit_count(rq->db, account, in->action, in->user_id, in->from,
	    in->to, &total));
	TRY(db_pipe_end(rq->db));
	end = listing_end(
	    &in->page, &rows.n, total, LISTING_LAST(rows, &in->page));
	return reply_rows(
	    rq, audit_row_cols, rows.v, rows.n, sizeof rows.v[0], &end);
}

static const struct route routes[] = {
	{ GET, "/api/accounts/:account_id/logs", list, NEED_READ,
	    PARAMS(log_filter), .row = log_row_cols, .many = true,
	    .summary = "List what happened, latest first" },
	{ GET, "/api/logs/:log_id", get, NEED_READ, .row = log_row_cols,
	    .summary = "Show a line of the log" },
	{ GET, "/api/audit", audit_log, NEED_OWNER, PARAMS(audit_filter),
	    .row = audit_row_cols, .many = true,
	    .summary = "List who did what in the account, latest first",
	    .about = "Sign-ins, rights, credentials, content that was read. An "
		     "admin also sees what belongs to no account." },
};

FAMILY(logs, QUIET);
