#include "sync/work.h"

#include "domain/job-sql.h"
#include "domain/outgoing-sql.h"
#include "sync/housekeeping.h"
#include "sync/progress.h"

#define SLEEP_MOST_MS 60000
#define AWAY_PAUSE_MS 2000
#define TIDY_ASK_MS   600000 /* between two looks whether it is due */
#define CLEAR_MOST    1000
#define AGAIN_MS      500 /* a dead worker's last statement */
#define LEASE_ARENA   ((size_t)8 * 1024 * 1024)

/* ---- jobs ---- */

static enum rc
run_job(struct program *p, const struct lease *lease)
{
	enum rc result;

	p->report = (struct sync_report){ 0 };
	TRY(job_run(&p->host, lease, &result));
	progress_end();
	p->ran++;
	if (result == RC_OK || result == RC_COUNT) {
		log_info(&p->host.log,
		    "job %s job=%lld account=%lld action=%s stored=%lld "
		    "flags=%lld expunged=%lld",
		    result == RC_OK ? "done" : "given back",
		    (long long)lease->id, (long long)lease->account_id,
		    lease->action, (long long)p->report.stored,
		    (long long)p->report.flags, (long long)p->report.expunged);
		return RC_OK;
	}
	log_warn(&p->host.log,
	    "job failed job=%lld account=%lld action=%s "
	    "code=%s",
	    (long long)lease->id, (long long)lease->account_id, lease->action,
	    result_code(result));
	if (!result_is_transient(result))
		p->failed++;
	return RC_OK;
}

/* Mail of the service that is due: between two jobs, since somebody waits for
 * the link that he has just asked for. Its own trouble ends no pass. */
static enum rc
hand_over(struct program *p)
{
	const char *unset = outgoing_unset(p->conf);
	instant at;
	enum rc rc;

	if (p->account != 0 || p->job != 0 || *p->host.stop != 0)
		return RC_OK;
	db_guard_none(p->host.db);
	TRY(outgoing_next_at(p->host.db, &at));
	if (at.us > clock_now().us)
		return RC_OK;
	if (unset != NULL) {
		if (!p->outgoing_told)
			log_warn(&p->host.log, "%s", unset);
		p->outgoing_told = true;
		return RC_OK;
	}
	rc = outgoing_run(&p->outgoing);
	p->outgoing_lost = rc != RC_OK;
	if (rc != RC_OK)
		log_warn(&p->host.log, "mail not handed over code=%s: %s",
		    result_code(rc), fail_detail());
	return RC_OK;
}

/* What cannot be finished is another worker's by now, or the database is
 * away: only that ends the pass. */
static enum rc
run_due(struct program *p)
{
	struct job_wanted wanted = { .worker = p->worker,
		.actions = job_runs,
		.account = p->account,
		.job = p->job,
		.after = p->served };
	struct arena *a = arena_new(LEASE_ARENA);
	enum rc rc = RC_OK;

	while (rc == RC_OK && *p->host.stop == 0) {
		struct lease *lease;

		arena_reset(a);
		rc = hand_over(p);
		if (rc == RC_OK)
			rc = job_claim_one(p->host.db, &wanted, a, &lease);
		if (rc != RC_OK || lease == NULL)
			break;
		p->served = wanted.after = lease->account_id;
		rc = run_job(p, lease);
		if (rc == RC_STALE) {
			log_warn(&p->host.log, "lease lost job=%lld",
			    (long long)lease->id);
			rc = RC_OK;
		}
	}
	db_guard_none(p->host.db);
	arena_free(&a);
	return rc;
}

/* Not where only some of the work is wanted. */
static enum rc
keep_house(struct program *p)
{
	int64_t now = clock_steady_ms(), cleared;

	if (p->account != 0 || p->job != 0 || *p->host.stop != 0 ||
	    now < p->tidy_ms)
		return RC_OK;
	p->tidy_ms = now + TIDY_ASK_MS;
	TRY(outgoing_clear(
	    p->outgoing.db, (int32_t)p->conf->log_keep, CLEAR_MOST, &cleared));
	return housekeeping(p->host.db, p->conf, &p->host.log, p->host.stop);
}

/* What nobody is at, though it is leased. */
static enum rc
take_back(struct program *p)
{
	int64_t back;

	TRY(job_give_back(p->host.db, p->worker, &back));
	if (back > 0)
		log_warn(&p->host.log, "claims whose answers were lost n=%lld",
		    (long long)back);
	if (p->outgoing_lost)
		TRY(outgoing_give_back(p->outgoing.db, p->worker, &back));
	p->outgoing_lost = false;
	return alive_release_dead(
	    &p->alive, p->host.db, &p->host.log, &p->again);
}

struct keeper
work_keeper(struct program *p)
{
	return (struct keeper){ .db = p->host.db,
		.conf = p->conf,
		.egress = p->egress,
		.log = &p->host.log,
		.stop = p->host.stop };
}

/* One that stays has a process for it. */
static void
keep(struct program *p)
{
	const struct keeper k = work_keeper(p);

	if (!p->stay && p->account == 0 && p->job == 0)
		keeper_round(&k);
}

enum rc
work_pass(struct program *p)
{
	int64_t made;

	db_guard_none(p->host.db);
	TRY(take_back(p));
	if (p->job == 0)
		TRY(job_enqueue_polls(p->host.db,
		    (int32_t)p->conf->poll_interval, p->account, &made));
	keep(p);
	TRY(run_due(p));
	keep(p);
	return keep_house(p);
}

/* ---- waiting ---- */

static int
sleep_ms(struct program *p)
{
	instant next, mail;
	int64_t ms;

	if (job_next_at(p->host.db, &next) != RC_OK ||
	    outgoing_next_at(p->host.db, &mail) != RC_OK)
		return AWAY_PAUSE_MS;
	if (mail.us < next.us && outgoing_unset(p->conf) == NULL)
		next = mail;
	ms = next.us == INT64_MAX ? SLEEP_MOST_MS
				  : (next.us - clock_now().us) / 1000;
	if (ms < 100)
		ms = 100; /* somebody else is at it */
	if (p->again && ms > AGAIN_MS)
		ms = AGAIN_MS;
	return ms < SLEEP_MOST_MS ? (int)ms : SLEEP_MOST_MS;
}

void
work_stay(struct program *p)
{
	enum db_event event;

	db_listen(p->host.db, "letterrack_job");
	while (*p->host.stop == 0) {
		enum rc rc;

		keeper_start(&p->keeper, p->config, &p->host.log);
		rc = work_pass(p);
		if (rc != RC_OK)
			log_warn(&p->host.log, "pass ended code=%s: %s",
			    result_code(rc), fail_detail());
		if (*p->host.stop == 0 &&
		    db_wait(p->host.db, sleep_ms(p), -1, &event) != RC_OK)
			log_debug(&p->host.log, "waiting for the database");
	}
	keeper_end(&p->keeper);
}
