/* Running jobs: what is alike in all of them, whatever each does.
 *
 * A kind of job is a row of JOB_ACTIONS and its function. That finds the lease
 * held and the guard set, so that all it writes is fenced; it answers how the
 * run ended, and the rest (success, another try, failure, log, task) follows
 * from that and from the row. What it does to the world outside it first
 * writes down and afterwards confirms, in transactions of its own: it may be
 * killed at any moment, and run again. */
#ifndef DOMAIN_JOB_RUN_H
#define DOMAIN_JOB_RUN_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/buffer.h"
#include "core/conf.h"
#include "core/envelope.h"
#include "core/log.h"
#include "db/db.h"
#include "domain/job.h"
#include "mail/egress.h"

struct smtp_kept;
struct sync_report;

/* What a program lends to its runs. */
struct job_host {
	struct db *db;
	const struct conf *conf;
	const struct envelope_keks *keks;
	const struct egress *egress;
	CURLM *multi; /* shares the authorities' certificates; may be NULL */
	struct smtp_kept *smtp; /* for who sends mail */
	struct log log;
	/* Ends the run behind the batch at hand; may be NULL. */
	const volatile sig_atomic_t *stop;
	int64_t deadline_ms; /* the same, by clock_steady_ms(); 0: none */
	/* Told now and then, for a person who watches; may be NULL. */
	void (*progress)(
	    void *arg, const char *folder, int64_t done, int64_t total);
	void *progress_arg;
	struct sync_report *report; /* filled by a sync; may be NULL */
	int64_t beat_ms; /* between renewals of the lease; 0: a third of it */
};

/* One run. */
struct job_run {
	const struct job_host *host;
	const struct lease *lease;
	struct db *db;
	int64_t account;
	struct log log;
	struct arena *arena; /* as long as the run */
	struct buf data;     /* of the log row: a JSON object, or empty */
	int64_t beat_ms;     /* when the lease was last renewed */
	int64_t until_ms;    /* then others have their turn */
	bool partly;   /* failed, but most is done: the rest waits not long */
	bool last;     /* if it fails, a person has to say "try again" */
	bool stopping; /* ends early, and is not at fault: given back */
	bool gone;     /* the job is no more: its account was removed */
	bool ended;    /* its last transaction has finished the job */
	void *arg;     /* of who runs it himself (job_run_as) */
};

/* RC_OK, or why it failed, with fail_detail(). */
#define JOB_FUNCTION(name, exclusion, tries, first, most, run) job_run_fn run;
typedef enum rc job_run_fn(struct job_run *);
JOB_ACTIONS(JOB_FUNCTION)
#undef JOB_FUNCTION

/* The actions that this can run: all. */
extern const struct texts job_runs;

/* Runs a claimed job to its end: does the work, then finishes the job or gives
 * it back. The guard of the lease is set from here on. RC_OK whatever became
 * of the work: `*result` says that (RC_COUNT: given back). Else the job could
 * not be finished: the lease or the database is gone. */
enum rc job_run(
    const struct job_host *, const struct lease *, enum rc *result) MUST_CHECK;

/* The same by a function of the caller's, for who has at hand what the work
 * needs. */
enum rc job_run_as(const struct job_host *, const struct lease *, job_run_fn *,
    void *arg, enum rc *result) MUST_CHECK;

/* ---- for the functions ---- */

/* Shall the run end here? Asked where it can be taken up again. */
bool job_run_stopped(const struct job_run *);
/* The same, but for a run whose time is up: where it cannot. */
bool job_run_interrupted(const struct job_run *);
/* Ends the run behind what is committed: RC_RETRY, and `stopping`. */
enum rc job_run_stop(struct job_run *) MUST_CHECK;
/* Is it time to renew the lease? */
bool job_run_beat_due(const struct job_run *);
/* Renews the lease when it is time; within no pipeline. RC_STALE: it is
 * gone. */
enum rc job_run_beat(struct job_run *) MUST_CHECK;

/* What the run comes to, into the pipeline of its last transaction, where that
 * is known already: who says so sets `ended` behind the commit. */
enum rc
job_run_finish_queue(struct job_run *, enum rc, const char *detail) MUST_CHECK;

/* For who looks and runs no job. */
void
job_run_begin(struct job_run *, const struct job_host *, const struct lease *);
void job_run_end(struct job_run *);

#endif
