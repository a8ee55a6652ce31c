#include "domain/task.h"

#include <string.h>

#include "domain/job-sql.h"
#include "domain/job.h"
#include "domain/task-sql.h"

const struct col task_cols[] = {
	COL_ID(struct task, id, ID_TASK),
	COL_ID(struct task, account_id, ID_ACCOUNT),
	COL(struct task, task_type),
	COL_ID(struct task, target_credential_id, ID_CREDENTIAL,
	    .zero_null = true),
	COL_JSON(struct task, payload, .content = true),
	COL(struct task, priority, .note = "0 to 9; higher runs first."),
	COL(struct task, state),
	COL(struct task, created_at),
	COL(struct task, started_at),
	COL(struct task, finished_at),
	COL_ID(struct task, last_job_id, ID_JOB, .zero_null = true),
	COL_END,
};

const struct col task_started_cols[] = {
	COL_ID(struct task_started, task_id, ID_TASK),
	COL_ID(struct task_started, job_id, ID_JOB),
	COL_END,
};

const char *const task_states[] = { "pending", "queued", "running", "succeeded",
	"failed", "cancelled", NULL };

static const struct task_kind kinds[] = {
	{ "imap_sync_mailboxes", .folder = false },
	{ "imap_sync_messages", .folder = true },
	{ "imap_store_flags", .folder = false },
	{ "imap_fetch_text", .folder = false },
	{ "imap_fetch_body", .email = true },
};
#define KINDS (sizeof kinds / sizeof *kinds)

const char *const task_types[] = { "imap_sync_mailboxes", "imap_sync_messages",
	"imap_store_flags", "imap_fetch_text", "imap_fetch_body", NULL };

const struct task_kind *
task_kind_find(const char *type)
{
	for (size_t i = 0; i < KINDS; i++)
		if (strcmp(kinds[i].type, type) == 0)
			return &kinds[i];
	return NULL;
}

/* ---- by programs ---- */

static const char *
exclusion_of(const char *action, int64_t credential, struct arena *a)
{
	const struct job_action *row = job_action_find(action);

	if (row == NULL || row->exclusion == NULL)
		return NULL;
	return arena_fmt(a, "%s:%lld", row->exclusion, (long long)credential);
}

static const char *
singleton_of(const struct task_new *t, struct arena *a)
{
	if (!t->once)
		return NULL;
	return arena_fmt(a, "%s:%lld", t->action, (long long)t->credential_id);
}

enum rc
task_start(struct db *db, int64_t account, const struct task_new *t,
    struct arena *a, struct task_started **out)
{
	if (job_action_find(t->action) == NULL)
		return fail(RC_INVALID, "no such action: %s", t->action);
	return task_start_row(db,
	    &(struct task_start_row_args){ .account = account,
		.application = t->application_id,
		.task_type = t->action,
		.credential = t->credential_id,
		.payload = t->payload.p != NULL ? t->payload : STR("{}"),
		.priority = t->priority,
		.action = t->action,
		.exclusion = exclusion_of(t->action, t->credential_id, a),
		.singleton = singleton_of(t, a),
		.run_at = t->run_at },
	    a, out);
}

/* The one that waits may begin to run between the two statements: then there
 * is room for another. */
enum rc
task_start_or_join(struct db *db, int64_t account, const struct task_new *t,
    struct arena *a, struct task_started **out)
{
	for (int tries = 0; tries < 3; tries++) {
		TRY(task_start(db, account, t, a, out));
		if (*out != NULL)
			return RC_OK;
		TRY(task_waiting(db, account, singleton_of(t, a), a, out));
		if (*out != NULL)
			return RC_OK;
	}
	return fail(RC_RETRY, "a job of its kind comes and goes");
}

/* ---- by people ---- */

static enum rc
task_note(struct db *db, const struct doer *who, const char *action, int64_t id,
    const char *message)
{
	const struct log_note n = { "task", action, RC_OK, message, "task_id",
		ID_TASK, id };

	return log_write(db, who, &n);
}

/* Its last job is locked first, as by workers. It may be another by then. */
static enum rc
lock_with_job(struct db *db, int64_t account, int64_t id, struct arena *a,
    struct task **task, struct job **job)
{
	for (int tries = 0; tries < 3; tries++) {
		int64_t last;

		TRY(task_get(db, account, id, a, task));
		last = (*task)->last_job_id;
		*job = NULL;
		if (last != 0 &&
		    job_lock(db, account, last, a, job) == RC_NOT_FOUND)
			continue;
		TRY(task_lock(db, account, id, a, task));
		if ((*task)->last_job_id == last)
			return RC_OK;
	}
	return fail(RC_RETRY, "the task's jobs come and go");
}

static bool
is_in(const struct job *job, enum job_state state)
{
	return job != NULL && strcmp(job->state, job_state_word(state)) == 0;
}

static enum rc
for_people(const struct task *t)
{
	return task_kind_find(t->task_type) != NULL
	    ? RC_OK
	    : fail(RC_CONFLICT,
		  "It goes with what it was made for; a failed job of it can "
		  "be tried again.");
}

enum rc
task_trigger(struct db *db, const struct doer *who, int64_t id, struct arena *a,
    struct task_started *out)
{
	struct task_started *made;
	struct job *job;
	struct task *t;

	TRY(lock_with_job(db, who->account, id, a, &t, &job));
	*out = (struct task_started){ id, t->last_job_id };
	if (is_in(job, JOB_RUNNING))
		return RC_JOB_RUNNING;
	if (is_in(job, JOB_QUEUED))
		return job_run_now(db, who, job->id, a, &job);
	TRY(for_people(t));
	TRY(task_run(db, who->account, id,
	    exclusion_of(t->task_type, t->target_credential_id, a), a, &made));
	*out = *made;
	return task_note(db, who, "trigger", id, "Task started");
}

static enum rc
open_with_job(struct db *db, int64_t account, int64_t id, struct arena *a,
    struct task **task, struct job **job)
{
	TRY(lock_with_job(db, account, id, a, task, job));
	TRY(for_people(*task));
	return is_in(*job, JOB_RUNNING) ? RC_JOB_RUNNING : RC_OK;
}

enum rc
task_open(struct db *db, int64_t account, int64_t id, struct arena *a,
    struct task **out)
{
	struct job *job;

	return open_with_job(db, account, id, a, out, &job);
}

enum rc
task_call_off(struct db *db, const struct doer *who, const struct task *t,
    struct arena *a)
{
	struct job *job;

	if (strcmp(t->state, "pending") != 0 && strcmp(t->state, "queued") != 0)
		return fail(RC_CONFLICT, "The task has ended.");
	if (t->last_job_id != 0 && strcmp(t->state, "queued") == 0)
		TRY(job_move(db,
		    &(struct job_move_args){ .account = who->account,
			.id = t->last_job_id,
			.was = job_state_word(JOB_QUEUED),
			.becomes = job_state_word(JOB_RESOLVED),
			.note = "The task was cancelled." },
		    a, &job));
	TRY(task_cancel(db, who->account, t->id));
	return task_note(db, who, "cancel", t->id, "Task cancelled");
}

/* What waits for its effect (a message, a delivery) keeps its task. */
enum rc
task_delete(struct db *db, const struct doer *who, int64_t id, struct arena *a)
{
	struct job *job;
	struct task *t;

	TRY(lock_with_job(db, who->account, id, a, &t, &job));
	if (is_in(job, JOB_RUNNING))
		return RC_JOB_RUNNING;
	if (is_in(job, JOB_QUEUED))
		TRY(for_people(t));
	TRY(task_note(db, who, "delete", id, "Task removed"));
	return task_remove(db, who->account, id);
}
