/* Jobs: the runs of tasks, watched and pushed. What they do is the sync's. */
#include "domain/job-sql.h"
#include "domain/job.h"
#include "web/doer.h"
#include "web/listing.h"
#include "web/reply.h"

static const char *const states[] = {
#define STATE_WORD(name, word) word,
	JOB_STATES(STATE_WORD)
#undef STATE_WORD
	    NULL
};

struct job_filter {
	int64_t task_id;
	int state;
	const char *action, *q;
	struct page page;
};
static const struct field job_filter_params[] = {
	F_ID(struct job_filter, task_id, ID_TASK, OPTIONAL),
	F_ENUM(struct job_filter, state, states, OPTIONAL),
	F_TEXT(struct job_filter, action, 1, 64, OPTIONAL),
	F_TEXT(struct job_filter, q, 0, 200, OPTIONAL | BLANK_OK,
	    .about = "Words of action, error or note."),
	F_PAGE(struct job_filter, 50), F_END
};

static enum rc
list(struct request *rq)
{
	const struct job_filter *in = rq->params;
	const char *state = in->state >= 0 ? states[in->state] : NULL;
	const char *q = listing_words(in->q);
	int64_t account = rq->actor.account, total;
	struct job_list rows;
	struct listing ask;
	struct list_end end;

	TRY(listing_ask(rq, &in->page, &ask));
	db_pipe_begin(rq->db);
	TRY(job_list(rq->db,
	    &(struct job_list_args){ account, in->task_id, state, in->action, q,
		listing_before(&ask), ask.skip, ask.most },
	    rq->arena, &rows));
	TRY(job_count(
	    rq->db, account, in->task_id, state, in->action, q, &total));
	TRY(db_pipe_end(rq->db));
	end = listing_end(
	    &in->page, &rows.n, total, LISTING_LAST(rows, &in->page));
	return reply_rows(rq, job_cols, rows.v, rows.n, sizeof rows.v[0], &end);
}

static enum rc
get(struct request *rq)
{
	struct job *j;

	TRY(job_get(rq->db, rq->actor.account, arg_id(rq, 0), rq->arena, &j));
	return reply_row(rq, 0, job_cols, j);
}

/* ---- pushing ---- */

typedef enum rc push_fn(struct db *, const struct doer *, int64_t id,
    struct arena *, struct job **);

struct push {
	push_fn *fn;
	struct doer who;
	int64_t id;
	struct arena *arena;
};

static enum rc
push_body(struct db *db, void *ctx)
{
	struct push *p = ctx;
	struct job *job;

	return p->fn(db, &p->who, p->id, p->arena, &job);
}

static enum rc
push(struct request *rq, push_fn *fn)
{
	struct push p = { fn, doer_of(rq), arg_id(rq, 0), rq->arena };

	TRY(db_tx(rq->db, push_body, &p));
	return get(rq);
}

static enum rc
retry(struct request *rq)
{
	return push(rq, job_retry);
}

static enum rc
trigger(struct request *rq)
{
	return push(rq, job_run_now);
}

#define ONE "/api/jobs/:job_id"

static const struct route routes[] = {
	{ GET, "/api/accounts/:account_id/jobs", list, NEED_READ,
	    PARAMS(job_filter), .row = job_cols, .many = true,
	    .summary = "List jobs, newest first" },
	{ GET, ONE, get, NEED_READ, .row = job_cols, .summary = "Show a job" },
	{ POST, ONE "/retry", retry, NEED_WRITE, .row = job_cols, .status = 202,
	    .fails = { RC_CONFLICT }, .summary = "Try a failed job again",
	    .about = "Its tries are counted from the beginning." },
	{ POST, ONE "/trigger", trigger, NEED_WRITE, .row = job_cols,
	    .status = 202, .fails = { RC_CONFLICT, RC_JOB_RUNNING },
	    .summary = "Run a waiting job now" },
};

FAMILY(jobs, QUIET);
