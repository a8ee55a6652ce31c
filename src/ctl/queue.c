/* letterrackctl queue: what waits: jobs, and mail of the service that nobody
 * has taken yet. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "ctl/people.h"
#include "domain/audit-sql.h"
#include "domain/job.h"
#include "domain/outgoing-sql.h"
#include "domain/submission.h"
#include "domain/work-sql.h"

#define LIST_MOST 1000

struct queue_args {
	struct operation op;
	bool every;
	int64_t id;
	bool is_job;                           /* it names a job, not mail */
	const char *note;                      /* of --note */
	enum { AS_IT_IS, SENT, LOST } settled; /* mail that is unknown */
	struct outgoing_seen *seen;            /* NULL: not in that state */
	struct job *job;                       /* NULL: there is none */
};

#define DRAIN_LOOK_NS 200000000

enum { ALL = 256, APPLICATION, NOTE, IS_SENT, IS_LOST };

static const struct argp_option options[] = {
	{ "all", ALL, NULL, 0, "list what is done or resolved, too", 0 },
	{ "note", NOTE, "TEXT", 0, "what was done about a job", 0 },
	{ "sent", IS_SENT, NULL, 0, "resolve: the message of the job arrived",
	    0 },
	{ "lost", IS_LOST, NULL, 0,
	    "resolve, retry: it did not; retry sends it again", 0 },
	{ "application", APPLICATION, "ID", 0, "default: the oldest", 0 },
	{ NULL, 0, NULL, 0, NULL, 0 },
};

static void
id_named(struct argp_state *state, struct queue_args *in, const char *arg)
{
	in->is_job = strncmp(arg, "job_", 4) == 0;
	if (!in->is_job)
		in->id = ctl_id(state, arg);
	else if (!id_parse(ID_JOB, str_of(arg), &in->id))
		argp_error(state, "%s is no job", arg);
}

static error_t
parse(int key, char *arg, struct argp_state *state)
{
	struct queue_args *in = state->input;

	switch (key) {
	case ALL: in->every = true; return 0;
	case NOTE: in->note = arg; return 0;
	case IS_SENT: in->settled = SENT; return 0;
	case IS_LOST: in->settled = LOST; return 0;
	case APPLICATION: in->op.application = ctl_id(state, arg); return 0;
	case ARGP_KEY_ARG:
		if (in->op.n == 1)
			id_named(state, in, arg);
		return ctl_word(state, &in->op, arg);
	default: return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = { options, parse,
	"list\nshow ID\nretry ID\nresolve ID\npause\nresume\ndrain",
	"Jobs (job_7), and mail of the service itself (a number).\v"
	"While it is paused, no worker begins another job, mail or webhook; "
	"drain "
	"does that and waits until none is under way. Mail that is unknown "
	"left, and no answer came: "
	"the recipient may have it. "
	"It is sent once more by retry only; resolve lets it rest.",
	NULL, NULL, NULL };

static void
show(const struct outgoing_seen *s)
{
	char when[40];

	instant_print(s->created_at, TIME_Z, when);
	printf("%lld\t%s\t%s\t%s\t%s\ttries %d\t%s\n", (long long)s->id, when,
	    s->state, s->kind, s->recipient, s->attempt_count,
	    s->last_error_code != NULL ? s->last_error_code : "-");
}

static void
show_job(const struct job *j)
{
	char when[40];

	instant_print(j->created_at, TIME_Z, when);
	printf("job_%lld\t%s\t%s\t%s\tacc_%lld\ttries %d\t%s\n",
	    (long long)j->id, when, j->state, j->action,
	    (long long)j->account_id, j->attempt_count,
	    j->last_error_code != NULL ? j->last_error_code : "-");
}

static enum rc
list_jobs(struct queue_args *in)
{
	struct job_list l;

	TRY(work_list(in->op.db, in->op.application, in->every, LIST_MOST,
	    in->op.arena, &l));
	for (size_t i = 0; i < l.n; i++)
		show_job(&l.v[i]);
	return RC_OK;
}

static int
list(struct ctl *ctl, void *arg)
{
	struct queue_args *in = arg;
	struct outgoing_seen_list l;
	enum rc rc = outgoing_all(in->op.db, in->op.application, in->every,
	    LIST_MOST, in->op.arena, &l);

	for (size_t i = 0; rc == RC_OK && i < l.n; i++)
		show(&l.v[i]);
	if (rc == RC_OK)
		rc = list_jobs(in);
	return ctl_ended(ctl, rc);
}

/* ---- jobs ---- */

static enum rc
job_named(struct queue_args *in, struct db *db)
{
	if (!in->is_job)
		return fail(RC_INVALID, "say which job, as job_7");
	TRY(work_get(db, in->op.application, in->id, in->op.arena, &in->job));
	if (in->job == NULL)
		return fail(RC_NOT_FOUND, "there is no job job_%lld",
		    (long long)in->id);
	return RC_OK;
}

static void
line(const char *name, const char *text)
{
	if (text != NULL)
		printf("%-12s%s\n", name, text);
}

static void
line_time(const char *name, instant at)
{
	char when[40];

	if (at.us == INSTANT_NONE.us)
		return;
	instant_print(at, TIME_Z, when);
	line(name, when);
}

static int
look(struct ctl *ctl, void *arg)
{
	struct queue_args *in = arg;
	enum rc rc = job_named(in, in->op.db);
	const struct job *j = in->job;

	if (rc != RC_OK)
		return ctl_ended(ctl, rc);
	show_job(j);
	line_time("due", j->run_at);
	line_time("started", j->started_at);
	line_time("finished", j->finished_at);
	line_time("failed", j->failed_at);
	line_time("resolved", j->resolved_at);
	line("note", j->note);
	line("error", j->last_error_code);
	line("detail", j->last_error_detail);
	return ctl_ended(ctl, RC_OK);
}

static struct doer
operator_of(const struct queue_args *in)
{
	return (struct doer){ .application = in->op.application,
		.account = in->job->account_id,
		.user = -1,
		.client = "letterrackctl" };
}

static enum rc
job_note(struct db *db, const struct queue_args *in, const char *action)
{
	char subject[ID_PRINT_SIZE];

	id_print(ID_JOB, in->id, subject);
	return ctl_note(db, &in->op, in->job->account_id, action, subject);
}

/* Mail of which the operator knows better. */
static enum rc
settle(struct db *db, const struct queue_args *in, const struct doer *who)
{
	bool sent = in->settled == SENT;

	if (in->settled == AS_IT_IS)
		return RC_OK;
	TRY(submission_settle(db, who, in->id, sent, in->op.arena));
	return job_note(db, in, sent ? "message.sent" : "message.lost");
}

static enum rc
job_retry_body(struct db *db, void *arg)
{
	struct queue_args *in = arg;
	const struct doer who = operator_of(in);

	if (in->settled == SENT)
		return fail(RC_INVALID, "what was sent is not tried again");
	TRY(settle(db, in, &who));
	TRY(job_retry(db, &who, in->id, in->op.arena, &in->job));
	return job_note(db, in, "job.retry");
}

static enum rc
job_resolve_body(struct db *db, void *arg)
{
	struct queue_args *in = arg;
	const struct doer who = operator_of(in);

	TRY(settle(db, in, &who));
	TRY(job_resolve(db, &who, in->id,
	    in->note != NULL ? in->note : "Resolved by an operator.",
	    in->op.arena));
	return job_note(db, in, "job.resolve");
}

static int
job_change(struct ctl *ctl, struct queue_args *in,
    enum rc (*body)(struct db *, void *))
{
	enum rc rc = job_named(in, in->op.db);

	if (rc == RC_OK) {
		work_guard(in->op.db, in->op.application, in->job->account_id);
		rc = db_tx(in->op.db, body, in);
		db_guard_none(in->op.db);
	}
	if (rc == RC_OK)
		rc = job_named(in, in->op.db);
	if (rc == RC_OK)
		show_job(in->job);
	return ctl_ended(ctl, rc);
}

/* ---- all of them ---- */

static enum rc
pause_body(struct db *db, void *arg)
{
	TRY(work_pause_lock(db, NULL));
	TRY(work_pause(db, NULL));
	return ctl_note(db, arg, 0, "queue.pause", NULL);
}

static enum rc
resume_body(struct db *db, void *arg)
{
	TRY(work_resume(db, NULL));
	TRY(work_wake(db, NULL));
	return ctl_note(db, arg, 0, "queue.resume", NULL);
}

static int
pause_all(struct ctl *ctl, void *arg)
{
	struct queue_args *in = arg;

	return ctl_ended(ctl, db_tx(in->op.db, pause_body, &in->op));
}

static int
resume(struct ctl *ctl, void *arg)
{
	struct queue_args *in = arg;

	return ctl_ended(ctl, db_tx(in->op.db, resume_body, &in->op));
}

static int
drain(struct ctl *ctl, void *arg)
{
	const struct timespec pause = { .tv_nsec = DRAIN_LOOK_NS };
	struct queue_args *in = arg;
	int64_t n = 0;
	enum rc rc = db_tx(in->op.db, pause_body, &in->op);

	if (rc == RC_OK)
		rc = work_running(in->op.db, &n);
	while (rc == RC_OK && n > 0) {
		nanosleep(&pause, NULL);
		rc = work_running(in->op.db, &n);
	}
	return ctl_ended(ctl, rc);
}

/* ---- mail ---- */

/* In the transaction of what it tells. */
static enum rc
note(struct db *db, const struct queue_args *in, const char *action)
{
	char subject[32];
	const struct audit_add_args row = { .application = in->op.application,
		.client = "letterrackctl",
		.action = action,
		.subject = subject };

	snprintf(subject, sizeof subject, "outgoing_%lld", (long long)in->id);
	return in->seen != NULL ? audit_add(db, &row, NULL) : RC_OK;
}

static enum rc
retry_body(struct db *db, void *arg)
{
	struct queue_args *in = arg;

	TRY(outgoing_retry(
	    db, in->op.application, in->id, in->op.arena, &in->seen));
	return note(db, in, "outgoing.retry");
}

static enum rc
resolve_body(struct db *db, void *arg)
{
	struct queue_args *in = arg;

	TRY(outgoing_resolve(
	    db, in->op.application, in->id, in->op.arena, &in->seen));
	return note(db, in, "outgoing.resolve");
}

static int
change(struct ctl *ctl, struct queue_args *in,
    enum rc (*body)(struct db *, void *))
{
	enum rc rc = RC_OK;

	if (in->id == 0 || in->settled != AS_IT_IS)
		rc = fail(RC_INVALID,
		    in->id == 0 ? "say which, by its number"
				: "--sent and --lost are of a job's message");
	if (rc == RC_OK)
		rc = db_tx(in->op.db, body, in);
	if (rc == RC_OK && in->seen == NULL)
		rc = fail(RC_CONFLICT,
		    "there is no such mail that failed or is unknown");
	if (rc == RC_OK)
		show(in->seen);
	return ctl_ended(ctl, rc);
}

static int
retry(struct ctl *ctl, void *arg)
{
	struct queue_args *in = arg;

	if (in->is_job)
		return job_change(ctl, in, job_retry_body);
	return change(ctl, arg, retry_body);
}

static int
resolve(struct ctl *ctl, void *arg)
{
	struct queue_args *in = arg;

	if (in->is_job)
		return job_change(ctl, in, job_resolve_body);
	return change(ctl, arg, resolve_body);
}

int
ctl_queue(struct ctl *ctl)
{
	static const struct subverb verbs[] = { { "list", list },
		{ "show", look }, { "retry", retry }, { "resolve", resolve },
		{ "pause", pause_all }, { "resume", resume },
		{ "drain", drain }, { NULL, NULL } };
	struct queue_args in = { .every = false };

	return ctl_operate(ctl, &argp, verbs, &in.op);
}
