#include "sync/named.h"

#include "domain/job-sql.h"

#define STATE_ARENA ((size_t)64 << 10)

static enum rc
no_job(int64_t account, int64_t job)
{
	if (account == 0)
		return fail(
		    RC_NOT_FOUND, "there is no job job_%lld", (long long)job);
	return fail(RC_NOT_FOUND,
	    "there is no job job_%lld of account acc_%lld", (long long)job,
	    (long long)account);
}

/* `log` NULL: nothing is said. */
static enum rc
job_look(struct db *db, int64_t account, int64_t job, const struct log *log)
{
	struct arena *a = arena_new(STATE_ARENA);
	const char *state;
	enum rc rc = job_known(db, account, job, a, &state);

	if (rc == RC_OK && *state == '\0')
		rc = no_job(account, job);
	if (rc == RC_OK && log != NULL)
		log_warn(
		    log, "not run job=%lld state=%s", (long long)job, state);
	arena_free(&a);
	return rc;
}

enum rc
named_check(struct db *db, int64_t account, int64_t job)
{
	bool known = true;

	db_guard_none(db);
	if (account != 0)
		TRY(job_account_known(db, account, &known));
	if (!known)
		return fail(RC_NOT_FOUND, "there is no account acc_%lld",
		    (long long)account);
	return job != 0 ? job_look(db, account, job, NULL) : RC_OK;
}

enum rc
named_tell(struct db *db, int64_t account, int64_t job, const struct log *log)
{
	db_guard_none(db);
	return job_look(db, account, job, log);
}
