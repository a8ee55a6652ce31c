#include "domain/task.h"

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
	const struct job_action *action = job_action_find(t->action);
	const char *exclusion = NULL;

	if (action == NULL)
		return fail(RC_INVALID, "no such action: %s", t->action);
	if (action->exclusion != NULL)
		exclusion = arena_fmt(a, "%s:%lld", action->exclusion,
		    (long long)t->credential_id);
	return task_start_row(db,
	    &(struct task_start_row_args){ .account = account,
		.application = t->application_id,
		.task_type = t->action,
		.credential = t->credential_id,
		.payload = t->payload.p != NULL ? t->payload : STR("{}"),
		.priority = t->priority,
		.action = t->action,
		.exclusion = exclusion,
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
