#include "domain/job.h"

#include <assert.h>
#include <string.h>

#include "core/failpoint.h"
#include "core/secret.h"
#include "domain/job-sql.h"
#include "domain/task-sql.h"

#define TO(s) (1u << JOB_##s)
const unsigned job_may[JOB_STATE_COUNT] = {
	[JOB_QUEUED] = TO(RUNNING) | TO(RESOLVED),
	[JOB_RUNNING] = TO(SUCCEEDED) | TO(FAILED) | TO(QUEUED),
	[JOB_FAILED] = TO(QUEUED) | TO(RESOLVED),
};
#undef TO

const char *
job_state_word(enum job_state s)
{
	static const char *const words[] = {
#define JOB_STATE_WORD(name, word) word,
		JOB_STATES(JOB_STATE_WORD)
#undef JOB_STATE_WORD
	};

	return words[s];
}

const struct job_action job_actions[] = {
#define JOB_ACTION(name, exclusion, tries, first, most, run)                   \
	{ #name, exclusion, tries, first, most },
	JOB_ACTIONS(JOB_ACTION)
#undef JOB_ACTION
};
const size_t job_actions_count = sizeof job_actions / sizeof *job_actions;

const struct col job_cols[] = {
	COL_ID(struct job, id, ID_JOB),
	COL_ID(struct job, account_id, ID_ACCOUNT),
	COL_ID(struct job, task_id, ID_TASK),
	COL_ID(struct job, credential_id, ID_CREDENTIAL, .zero_null = true),
	COL(struct job, action),
	COL(struct job, state),
	COL(struct job, priority),
	COL(struct job, run_at),
	COL(struct job, attempt_count),
	COL(struct job, created_at),
	COL(struct job, started_at),
	COL(struct job, finished_at),
	COL(struct job, failed_at),
	COL(struct job, resolved_at),
	COL(struct job, note),
	COL(struct job, last_error_code),
	COL(struct job, last_error_detail, .content = true,
	    .note = "The server's words."),
	COL_END,
};

const struct col lease_cols[] = {
	COL(struct lease, id),
	COL(struct lease, application_id),
	COL(struct lease, account_id),
	COL(struct lease, task_id),
	COL(struct lease, credential_id),
	COL(struct lease, action),
	COL(struct lease, attempt_count),
	COL(struct lease, lease_token),
	COL_JSON(struct lease, payload),
	COL_END,
};

const struct col preview_cols[] = {
	COL(struct preview, application_id),
	COL(struct preview, account_id),
	COL(struct preview, credential_id),
	COL_END,
};

const struct col poll_job_cols[] = {
	COL(struct poll_job, account_id),
	COL(struct poll_job, job_id),
	COL_END,
};

const struct col poll_result_cols[] = {
	COL(struct poll_result, job_id),
	COL(struct poll_result, credential_id),
	COL(struct poll_result, state),
	COL(struct poll_result, code),
	COL(struct poll_result, is_over),
	COL(struct poll_result, emails),
	COL_END,
};

const struct col dead_jobs_cols[] = {
	COL(struct dead_jobs, released),
	COL(struct dead_jobs, held),
	COL_END,
};

const struct job_action *
job_action_find(const char *name)
{
	for (size_t i = 0; i < job_actions_count; i++)
		if (strcmp(job_actions[i].name, name) == 0)
			return &job_actions[i];
	return NULL;
}

int
job_pause(const struct job_action *action, int attempt)
{
	int64_t pause = action->first_s;
	uint16_t r;

	for (int i = 1; i < attempt && pause < action->most_s; i++)
		pause *= 2;
	if (pause > action->most_s)
		pause = action->most_s;
	random_bytes(&r, sizeof r);
	pause = pause * 3 / 4 + pause * r / 2 / UINT16_MAX;
	return pause > 0 ? (int)pause : 1;
}

/* ---- claiming ---- */

void
job_guard_set(struct db *db, const struct lease *l)
{
	job_guard(db, l->account_id, l->id, l->lease_token);
}

/* Tries that ended without a word: the program was killed each time. */
static bool
is_deadly(const struct lease *l)
{
	const struct job_action *action = job_action_find(l->action);

	return action != NULL && l->attempt_count > action->tries;
}

enum rc
job_claim_one(struct db *db, const struct job_wanted *w, struct arena *a,
    struct lease **out)
{
	for (;;) {
		db_guard_none(db);
		TRY(job_claim_next(db, w->worker, JOB_LEASE_S, w->actions,
		    w->account, w->job, w->after, a, out));
		if (*out == NULL || !is_deadly(*out))
			return RC_OK;
		job_guard_set(db, *out);
		TRY(job_finish(db, *out, RC_INTERNAL,
		    "the worker ended without an answer each time", STR("{}"),
		    NULL));
	}
}

enum rc
job_heartbeat(struct db *db, const struct lease *l)
{
	enum rc rc =
	    job_renew(db, l->account_id, l->id, l->lease_token, JOB_LEASE_S);

	return rc == RC_NOT_FOUND ? RC_STALE : rc;
}

/* ---- ending ---- */

#define RETRY_PAUSE_S 3

struct move {
	const struct lease *lease;
	enum job_state becomes;
	int32_t wait; /* seconds, where it is queued again */
	int32_t attempt_step;
	const char *code;
	const char *detail;
	const char *status; /* of the log row; NULL: none */
	struct str data;
};

static const char *
task_state(enum job_state s)
{
	return s == JOB_RESOLVED ? "failed" : job_state_word(s);
}

/* The database that was away is soon there again: nobody's mail server is at
 * fault. */
static int32_t
wait_after(const struct job_action *action, enum rc result, int attempt)
{
	int usual = job_pause(action, attempt);
	int brief = RETRY_PAUSE_S * attempt;

	return result == RC_RETRY && brief < usual ? brief : usual;
}

/* The job, its task and the log, into the pipeline that is open. */
static enum rc
move_queue(struct db *db, const struct move *m, struct arena *a)
{
	const struct lease *l = m->lease;
	struct job **job = ARENA_NEW(a, struct job *);
	enum rc rc;

	assert(job_may[JOB_RUNNING] & 1u << m->becomes);
	rc = job_move(db,
	    &(struct job_move_args){ .account = l->account_id,
		.id = l->id,
		.was = job_state_word(JOB_RUNNING),
		.becomes = job_state_word(m->becomes),
		.wait = m->wait,
		.attempt_step = m->attempt_step,
		.code = m->code,
		.detail = m->detail },
	    a, job);
	if (rc == RC_OK)
		rc = task_follow(db, l->account_id, l->task_id, l->id,
		    task_state(m->becomes), NULL);
	if (rc == RC_OK && m->status != NULL)
		rc = job_log(db,
		    &(struct job_log_args){ .account = l->account_id,
			.application = l->application_id,
			.action = l->action,
			.status = m->status,
			.level = m->code != NULL ? "error" : "info",
			.message = m->detail != NULL ? m->detail : "",
			.data = m->data,
			.credential = l->credential_id },
		    NULL);
	return rc;
}

static enum rc
move_write(struct db *db, const struct move *m, struct arena *a)
{
	enum rc rc, ended;

	db_pipe_begin(db);
	rc = move_queue(db, m, a);
	ended = db_pipe_end(db);
	return rc != RC_OK ? rc : ended;
}

static enum rc
move_commit(struct db *db, const struct move *m)
{
	struct arena *a = arena_new((size_t)256 * 1024);
	enum rc rc;

	FAILPOINT("job-finish-before");
	rc = move_write(db, m, a);
	FAILPOINT("job-finish-after");
	arena_free(&a);
	return rc;
}

#define NO_OTHER (-1)

/* `pause`: of which try. */
static struct move
move_of(const struct lease *l, enum rc result, const char *detail,
    struct str data, int pause)
{
	const struct job_action *action = job_action_find(l->action);
	struct move m = { .lease = l,
		.becomes = JOB_SUCCEEDED,
		.status = "succeeded",
		.data = data };

	if (result != RC_OK) {
		m.becomes = JOB_FAILED;
		m.status = "failed";
		m.code = result_code(result);
		m.detail = detail;
	}
	if (result != RC_OK && pause != NO_OTHER &&
	    result_is_transient(result) && action != NULL &&
	    l->attempt_count < action->tries) {
		m.becomes = JOB_QUEUED;
		m.status = "retry";
		m.wait = wait_after(action, result, pause);
	}
	return m;
}

static enum rc
finish(struct db *db, const struct lease *l, enum rc result, const char *detail,
    struct str data, int pause, enum job_state *state)
{
	const struct move m = move_of(l, result, detail, data, pause);

	if (state != NULL)
		*state = m.becomes;
	return move_commit(db, &m);
}

enum rc
job_finish(struct db *db, const struct lease *l, enum rc result,
    const char *detail, struct str data, enum job_state *state)
{
	return finish(db, l, result, detail, data, l->attempt_count, state);
}

enum rc
job_finish_partly(struct db *db, const struct lease *l, enum rc result,
    const char *detail, struct str data, enum job_state *state)
{
	return finish(db, l, result, detail, data, 1, state);
}

enum rc
job_finish_last(struct db *db, const struct lease *l, enum rc result,
    const char *detail, struct str data, enum job_state *state)
{
	return finish(db, l, result, detail, data, NO_OTHER, state);
}

enum rc
job_finish_queue(struct db *db, const struct lease *l, enum rc result,
    const char *detail, struct str data, bool last, struct arena *a)
{
	const struct move m = move_of(
	    l, result, detail, data, last ? NO_OTHER : l->attempt_count);

	return move_queue(db, &m, a);
}

enum rc
job_release(struct db *db, const struct lease *l)
{
	const struct move m = {
		.lease = l, .becomes = JOB_QUEUED, .attempt_step = -1
	};

	return move_commit(db, &m);
}

/* ---- people ---- */

const char *const job_ended_states[] = { "succeeded", "failed", "resolved",
	NULL };

static enum rc
job_note(struct db *db, const struct doer *who, const char *action, int64_t id,
    const char *message)
{
	const struct log_note n = { "job", action, RC_OK, message, "job_id",
		ID_JOB, id };

	return log_write(db, who, &n);
}

enum rc
job_retry(struct db *db, const struct doer *who, int64_t id, struct arena *a,
    struct job **out)
{
	struct job *job;

	TRY(job_lock(db, who->account, id, a, &job));
	if (strcmp(job->state, job_state_word(JOB_FAILED)) != 0)
		return fail(RC_CONFLICT, "Only a failed job is tried again.");
	assert(job_may[JOB_FAILED] & 1u << JOB_QUEUED);
	TRY(job_move(db,
	    &(struct job_move_args){ .account = who->account,
		.id = id,
		.was = job->state,
		.becomes = job_state_word(JOB_QUEUED),
		.attempt_step = -job->attempt_count },
	    a, out));
	TRY(task_follow(db, who->account, job->task_id, id,
	    job_state_word(JOB_QUEUED), NULL));
	return job_note(db, who, "retry", id, "Job queued again");
}

/* To be changed in this transaction; only one that waits is. */
static enum rc
lock_waiting(struct db *db, int64_t account, int64_t id, struct arena *a,
    struct job **job)
{
	TRY(job_lock(db, account, id, a, job));
	if (strcmp((*job)->state, job_state_word(JOB_RUNNING)) == 0)
		return RC_JOB_RUNNING;
	if (strcmp((*job)->state, job_state_word(JOB_QUEUED)) != 0)
		return fail(RC_CONFLICT, "The job has ended.");
	return RC_OK;
}

enum rc
job_run_now(struct db *db, const struct doer *who, int64_t id, struct arena *a,
    struct job **out)
{
	struct job *job;

	TRY(lock_waiting(db, who->account, id, a, &job));
	TRY(job_hurry(db, who->account, id));
	TRY(job_note(db, who, "trigger", id, "Job is to run now"));
	return job_get(db, who->account, id, a, out);
}

enum rc
job_resolve(struct db *db, const struct doer *who, int64_t id, const char *note,
    struct arena *a)
{
	struct job *job;

	TRY(job_lock(db, who->account, id, a, &job));
	if (strcmp(job->state, job_state_word(JOB_FAILED)) != 0)
		return fail(RC_CONFLICT, "Only a failed job is resolved.");
	TRY(job_move(db,
	    &(struct job_move_args){ .account = who->account,
		.id = id,
		.was = job->state,
		.becomes = job_state_word(JOB_RESOLVED),
		.note = note },
	    a, &job));
	return job_note(db, who, "resolve", id, "Job resolved");
}

enum rc
job_edit(struct db *db, const struct doer *who, int64_t id,
    const struct job_edit *e, struct arena *a)
{
	struct job *job;

	TRY(lock_waiting(db, who->account, id, a, &job));
	TRY(job_change(db, who->account, id, e->priority, e->run_at));
	return job_note(db, who, "update", id, "Job changed");
}

/* One that waits and is of something else's (a message, a delivery) would
 * leave that waiting for ever. */
enum rc
job_remove(struct db *db, const struct doer *who, int64_t id, struct arena *a)
{
	struct job *job;

	TRY(job_lock(db, who->account, id, a, &job));
	if (strcmp(job->state, job_state_word(JOB_RUNNING)) == 0)
		return RC_JOB_RUNNING;
	if (strcmp(job->state, job_state_word(JOB_QUEUED)) == 0 &&
	    task_kind_find(job->action) == NULL)
		return fail(RC_CONFLICT,
		    "It waits for what it was made for; that is called off "
		    "where it was asked for.");
	TRY(job_note(db, who, "delete", id, "Job removed"));
	TRY(task_forget_job(db, who->account, job->task_id, id, NULL));
	return job_delete(db, who->account, id);
}
