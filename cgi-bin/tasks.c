/* Tasks: what was asked for; jobs.c shows the runs of each. */
#include "domain/task-sql.h"
#include "domain/task.h"
#include "web/listing.h"
#include "web/reply.h"
#include "web/request.h"

struct task_filter {
	int64_t target_credential_id;
	int state;
	const char *task_type;
	struct page page;
};
static const struct field task_filter_params[] = {
	F_ID(struct task_filter, target_credential_id, ID_CREDENTIAL, OPTIONAL),
	F_ENUM(struct task_filter, state, task_states, OPTIONAL),
	F_TEXT(struct task_filter, task_type, 1, 64, OPTIONAL),
	F_PAGE(struct task_filter, 50), F_END
};

static enum rc
list(struct request *rq)
{
	const struct task_filter *in = rq->params;
	const char *state = in->state >= 0 ? task_states[in->state] : NULL;
	int64_t account = rq->actor.account, total;
	struct task_list rows;
	struct listing ask;
	struct list_end end;

	TRY(listing_ask(rq, &in->page, &ask));
	db_pipe_begin(rq->db);
	TRY(task_list(rq->db,
	    &(struct task_list_args){ account, in->target_credential_id, state,
		in->task_type, listing_before(&ask), ask.skip, ask.most },
	    rq->arena, &rows));
	TRY(task_count(rq->db, account, in->target_credential_id, state,
	    in->task_type, &total));
	TRY(db_pipe_end(rq->db));
	end = listing_end(
	    &in->page, &rows.n, total, LISTING_LAST(rows, &in->page));
	return reply_rows(
	    rq, task_cols, rows.v, rows.n, sizeof rows.v[0], &end);
}

static enum rc
get(struct request *rq)
{
	struct task *t;

	TRY(task_get(rq->db, rq->actor.account, arg_id(rq, 0), rq->arena, &t));
	return reply_row(rq, 0, task_cols, t);
}

static const struct route routes[] = {
	{ GET, "/api/accounts/:account_id/tasks", list, NEED_READ,
	    PARAMS(task_filter), .row = task_cols, .many = true,
	    .summary = "List tasks, newest first" },
	{ GET, "/api/tasks/:task_id", get, NEED_READ, .row = task_cols,
	    .summary = "Show a task" },
};

FAMILY(tasks, QUIET);
