/* Jobs: the runs of tasks, watched and pushed. What they do is the sync's. */
#include "domain/job-sql.h"
#include "domain/job.h"
#include "web/doer.h"
#include "web/listing.h"
#include "web/purge.h"
#include "web/reply.h"

static const char *const states[] = {
#define STATE_WORD(name, word) word,
	JOB_STATES(STATE_WORD)
#undef STATE_WORD
	    NULL
};

/* Parameters of the list, body of the search. */
struct job_filter {
	int64_t task_id;
	int state;
	const char *action, *q;
	struct page page;
};
/* clang-format off */
#define F_WORDS(T, name_)                                                      \
	{ .kind = FIELD_TEXT, .name = (name_), .least = 0, .most = 200,        \
	  .offset = offsetof(T, q), .flags = BLANK_OK,                         \
	  .about = "Words of action, error or note." }
/* clang-format on */
#define F_FILTER                                                               \
	F_ID(struct job_filter, task_id, ID_TASK, OPTIONAL),                   \
	    F_ENUM(struct job_filter, state, states, OPTIONAL),                \
	    F_TEXT(struct job_filter, action, 1, 64, OPTIONAL),                \
	    F_PAGE(struct job_filter, 50)
static const struct field job_filter_params[] = {
	F_WORDS(struct job_filter, "q"), F_FILTER, F_END
};
static const struct field job_filter_body[] = {
	F_WORDS(struct job_filter, "query"), F_FILTER, F_END
};

static enum rc
jobs(struct request *rq, const struct job_filter *in)
{
	const char *state = in->state >= 0 ? states[in->state] : NULL;
	const char *q = listing_words(in->q);
	int64_t account = rq->actor.account, total;
	bool whole = sees_content(rq);
	struct job_list rows;
	struct listing ask;
	struct list_end end;

	TRY(listing_ask(rq, &in->page, &ask));
	db_pipe_begin(rq->db);
	TRY(job_list(rq->db,
	    &(struct job_list_args){ account, in->task_id, state, in->action, q,
		listing_before(&ask), ask.skip, ask.most, whole },
	    rq->arena, &rows));
	TRY(job_count(
	    rq->db, account, in->task_id, state, in->action, q, whole, &total));
	TRY(db_pipe_end(rq->db));
	end = listing_end(
	    &in->page, &rows.n, total, LISTING_LAST(rows, &in->page));
	return reply_rows(rq, job_cols, rows.v, rows.n, sizeof rows.v[0], &end);
}

static enum rc
list(struct request *rq)
{
	return jobs(rq, rq->params);
}

static enum rc
search(struct request *rq)
{
	return jobs(rq, rq->body);
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

/* ---- changing, resolving, removing ---- */

struct job_resolution {
	const char *note;
};
static const struct field job_resolution_body[] = {
	F_TEXT(struct job_resolution, note, 1, 2000, REQUIRED | LINES_OK,
	    .about = "What was done about it."),
	F_END
};

struct job_patch {
	int64_t priority;
	instant run_at;
};
static const struct field job_patch_body[] = {
	F_INT(struct job_patch, priority, 0, 9, OPTIONAL,
	    .about = "Higher runs first."),
	F_TIME(struct job_patch, run_at, OPTIONAL, .about = "Not before."),
	F_END
};

struct deed {
	struct request *rq;
	struct doer who;
};

static enum rc
resolve_body(struct db *db, void *ctx)
{
	const struct deed *d = ctx;
	const struct job_resolution *in = d->rq->body;

	return job_resolve(
	    db, &d->who, arg_id(d->rq, 0), in->note, d->rq->arena);
}

static enum rc
patch_body(struct db *db, void *ctx)
{
	const struct deed *d = ctx;
	const struct job_patch *in = d->rq->body;
	const struct job_edit edit = {
		.priority = GIVEN(d->rq, struct job_patch, priority)
		    ? &in->priority
		    : NULL,
		.run_at = in->run_at,
	};

	return job_edit(db, &d->who, arg_id(d->rq, 0), &edit, d->rq->arena);
}

static enum rc
delete_body(struct db *db, void *ctx)
{
	const struct deed *d = ctx;

	return job_remove(db, &d->who, arg_id(d->rq, 0), d->rq->arena);
}

static enum rc
resolve(struct request *rq)
{
	struct deed d = { rq, doer_of(rq) };

	TRY(db_tx(rq->db, resolve_body, &d));
	return get(rq);
}

static enum rc
patch(struct request *rq)
{
	struct deed d = { rq, doer_of(rq) };

	TRY(db_tx(rq->db, patch_body, &d));
	return get(rq);
}

static enum rc delete (struct request *rq) {
	struct deed d = { rq, doer_of(rq) };

	TRY(db_tx(rq->db, delete_body, &d));
	return reply_empty(rq, 0);
}

struct job_purge {
	const char *q, *action;
	int state;
	instant older_than;
	struct purge purge;
};
static const struct field job_purge_body[] = { F_WORDS(
						   struct job_purge, "query"),
	F_TEXT(struct job_purge, action, 1, 64, OPTIONAL),
	F_ENUM(struct job_purge, state, job_ended_states, OPTIONAL),
	F_TIME(
	    struct job_purge, older_than, NULLABLE, .about = "Ended before."),
	F_PURGE(struct job_purge), F_END };

static enum rc
search_delete(struct request *rq)
{
	const struct job_purge *in = rq->body;
	const char *state = in->state >= 0 ? job_ended_states[in->state] : NULL;
	int64_t n = 0;

	TRY((in->purge.dry_run ? job_search_delete_count : job_search_delete)(
	    rq->db, rq->actor.account, listing_words(in->q), state, in->action,
	    in->older_than, in->purge.limit, &n));
	return purge_reply(rq, &in->purge, n);
}

#define ALL "/api/accounts/:account_id/jobs"
#define ONE "/api/jobs/:job_id"

static const struct route routes[] = {
	{ GET, ALL, list, NEED_READ, PARAMS(job_filter), .row = job_cols,
	    .many = true, .summary = "List jobs, newest first" },
	{ POST, ALL "/search", search, NEED_READ, BODY(job_filter),
	    .row = job_cols, .many = true, .summary = "Search jobs" },
	{ POST, ALL "/search-delete", search_delete, NEED_WRITE,
	    BODY(job_purge), .answer = purge_answer,
	    .summary = "Remove many jobs that have ended",
	    .about = "Their tasks stay. What a failed one had left to do is "
		     "given up." },
	{ GET, ONE, get, NEED_READ, .row = job_cols, .summary = "Show a job" },
	{ PATCH, ONE, patch, NEED_WRITE, BODY(job_patch), .row = job_cols,
	    .fails = { RC_CONFLICT, RC_JOB_RUNNING },
	    .summary = "Change when a waiting job runs" },
	{ DELETE, ONE, delete, NEED_WRITE, .status = 204,
	    .fails = { RC_CONFLICT, RC_JOB_RUNNING },
	    .summary = "Remove a job that does not run",
	    .about = "Its task stays. One that waits to send or deliver "
		     "something is not removed." },
	{ POST, ONE "/retry", retry, NEED_WRITE, .row = job_cols, .status = 202,
	    .fails = { RC_CONFLICT }, .summary = "Try a failed job again",
	    .about = "Its tries are counted from the beginning." },
	{ POST, ONE "/trigger", trigger, NEED_WRITE, .row = job_cols,
	    .status = 202, .fails = { RC_CONFLICT, RC_JOB_RUNNING },
	    .summary = "Run a waiting job now" },
	{ POST, ONE "/resolve", resolve, NEED_WRITE, BODY(job_resolution),
	    .row = job_cols, .fails = { RC_CONFLICT },
	    .summary = "Close a failed job that was seen to" },
};

FAMILY(jobs, QUIET);
