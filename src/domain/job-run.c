#include "domain/job-run.h"

#include <string.h>
#include <time.h>

#include "core/clock.h"

#define ARENA_RUN ((size_t)64 * 1024 * 1024)
#define BEAT_MS   (JOB_LEASE_S * 1000 / 3)
#define DATA_MOST ((size_t)4096)

/* While the database is away: ten seconds. */
#define FINISH_TRIES    40
#define FINISH_PAUSE_NS 250000000

static const struct runner {
	const char *action;
	job_run_fn *run;
} runners[] = {
#define RUNNER(name, exclusion, tries, first, most, run) { #name, run },
	JOB_ACTIONS(RUNNER)
#undef RUNNER
};
#define RUNNERS (sizeof runners / sizeof *runners)

static const struct str names[] = {
#define NAME(name, exclusion, tries, first, most, run)                         \
	{ #name, sizeof #name - 1 },
	JOB_ACTIONS(NAME)
#undef NAME
};
const struct texts job_runs = { names, RUNNERS };

static job_run_fn *
runner_find(const char *action)
{
	for (size_t i = 0; i < RUNNERS; i++)
		if (strcmp(runners[i].action, action) == 0)
			return runners[i].run;
	return NULL;
}

/* ---- for the functions ---- */

static struct str
data_of(const struct job_run *r)
{
	const struct str data = { r->data.p, r->data.n };

	return data.n > 0 ? data : STR("{}");
}

bool
job_run_interrupted(const struct job_run *r)
{
	return (r->host->stop != NULL && *r->host->stop != 0) ||
	    (r->host->deadline_ms != 0 &&
		clock_steady_ms() >= r->host->deadline_ms);
}

bool
job_run_stopped(const struct job_run *r)
{
	return job_run_interrupted(r) || clock_steady_ms() >= r->until_ms;
}

enum rc
job_run_stop(struct job_run *r)
{
	r->stopping = true;
	return fail(RC_RETRY, "stopped");
}

bool
job_run_beat_due(const struct job_run *r)
{
	int64_t pause = r->host->beat_ms;

	return clock_steady_ms() - r->beat_ms >= (pause > 0 ? pause : BEAT_MS);
}

enum rc
job_run_beat(struct job_run *r)
{
	if (!job_run_beat_due(r))
		return RC_OK;
	TRY(job_heartbeat(r->db, r->lease));
	r->beat_ms = clock_steady_ms();
	return RC_OK;
}

enum rc
job_run_finish_queue(struct job_run *r, enum rc rc, const char *detail)
{
	return job_finish_queue(
	    r->db, r->lease, rc, detail, data_of(r), r->last, r->arena);
}

/* ---- from a claimed job to its end ---- */

void
job_run_begin(
    struct job_run *r, const struct job_host *host, const struct lease *lease)
{
	*r = (struct job_run){ .host = host,
		.lease = lease,
		.db = host->db,
		.account = lease->account_id,
		.log = host->log,
		.arena = arena_new(ARENA_RUN),
		.beat_ms = clock_steady_ms(),
		.until_ms =
		    clock_steady_ms() + host->conf->sync_budget * 1000 };
	r->log.account = lease->account_id;
	r->log.object = lease->id;
	buf_init(&r->data, DATA_MOST);
}

void
job_run_end(struct job_run *r)
{
	buf_clear(&r->data);
	arena_free(&r->arena);
}

static enum rc
finish_once(struct job_run *r, enum rc rc, const char *detail)
{
	if (r->stopping)
		return job_release(r->db, r->lease);
	/* One part that is ill keeps the others waiting for no longer. */
	return (r->last ? job_finish_last
		: r->partly
		? job_finish_partly
		: job_finish)(r->db, r->lease, rc, detail, data_of(r), NULL);
}

/* A database that restarts is back in seconds; its lease would keep what it
 * excludes from everybody for minutes. Said twice it does no harm: the job no
 * longer runs then (RC_STALE). */
static enum rc
finish(struct job_run *r, enum rc rc)
{
	const char *detail =
	    rc != RC_OK ? arena_str(r->arena, fail_detail()) : NULL;
	struct timespec pause = { .tv_nsec = FINISH_PAUSE_NS };
	enum rc ended = finish_once(r, rc, detail);

	for (int i = 0;
	     i < FINISH_TRIES && ended == RC_RETRY && !job_run_interrupted(r);
	     i++) {
		nanosleep(&pause, NULL);
		ended = finish_once(r, rc, detail);
	}
	return ended;
}

enum rc
job_run(const struct job_host *host, const struct lease *lease, enum rc *result)
{
	return job_run_as(
	    host, lease, runner_find(lease->action), NULL, result);
}

enum rc
job_run_as(const struct job_host *host, const struct lease *lease,
    job_run_fn *run, void *arg, enum rc *result)
{
	enum rc rc, ended = RC_OK;
	struct job_run r;

	job_run_begin(&r, host, lease);
	r.arg = arg;
	job_guard_set(r.db, lease);
	rc = run != NULL
	    ? run(&r)
	    : fail(RC_INVALID, "no such action: %s", lease->action);
	*result = r.stopping ? RC_COUNT : rc;
	if (!r.gone && !r.ended)
		ended = finish(&r, rc);
	job_run_end(&r);
	return ended;
}
