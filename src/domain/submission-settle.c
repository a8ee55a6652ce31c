/* What became of mail whose answer was lost, by a person's word. */
#include <string.h>

#include "domain/job-sql.h"
#include "domain/job.h"
#include "domain/submission-sql.h"
#include "domain/submission.h"
#include "domain/task-sql.h"
#include "domain/task.h"

/* The copy: of one that was sent it is written after all; of one that nobody
 * got there is none to look for. */
static enum rc
filing_follow(struct db *db, const struct doer *who,
    const struct submission_settled *m, bool sent, struct arena *a)
{
	struct task *task;
	struct job *job;

	if (m->file_job_id == 0)
		return RC_OK;
	TRY(job_lock(db, who->account, m->file_job_id, a, &job));
	if (strcmp(job->state, job_state_word(JOB_RUNNING)) == 0)
		return RC_JOB_RUNNING;
	if (strcmp(job->state, job_state_word(JOB_FAILED)) == 0)
		return sent
		    ? job_retry(db, who, job->id, a, &job)
		    : job_resolve(db, who, job->id, "It did not arrive.", a);
	if (sent || strcmp(job->state, job_state_word(JOB_QUEUED)) != 0)
		return RC_OK;
	TRY(task_get(db, who->account, job->task_id, a, &task));
	return task_call_off(db, who, task, a);
}

static enum rc
tell(struct db *db, const struct doer *who, const struct job *job,
    const struct submission_settled *m, bool sent)
{
	return submission_tell(db, sent,
	    &(struct submission_told){ .application = who->application,
		.account = who->account,
		.credential = m->credential_id,
		.email = m->email_id,
		.task = job->task_id,
		.message_id = m->message_id,
		.from = m->sender,
		.status = m->state,
		.recipients = m->recipients });
}

enum rc
submission_settle(struct db *db, const struct doer *who, int64_t id, bool sent,
    struct arena *a)
{
	const enum submission_state becomes =
	    sent ? SUBMISSION_ACCEPTED : SUBMISSION_FAILED;
	struct submission_settled *m;
	struct job *job;

	TRY(job_lock(db, who->account, id, a, &job));
	TRY(submission_settle_row(
	    db, who->account, job->task_id, submission_word(becomes), a, &m));
	if (m == NULL)
		return fail(RC_CONFLICT,
		    "what became of this message is known already");
	TRY(filing_follow(db, who, m, sent, a));
	return tell(db, who, job, m, sent);
}
