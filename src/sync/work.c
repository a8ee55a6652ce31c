#include "sync/work.h"

#include "domain/credential-sql.h"
#include "domain/delivery-sql.h"
#include "domain/job-sql.h"
#include "domain/outgoing-sql.h"
#include "mail/smtp-kept.h"
#include "sync/housekeeping.h"
#include "sync/progress.h"

#define SLEEP_MOST_MS 60000
#define AWAY_PAUSE_MS 2000
#define TIDY_ASK_MS   600000 /* between two looks whether it is due */
#define CLEAR_MOST    1000
#define AGAIN_MS      500 /* a dead worker's last statement */
#define LEASE_ARENA   ((size_t)8 * 1024 * 1024)
#define DELIVER_MS    2000 /* then other work has its turn */
#define ACTIONS_MOST  64
#define ASK_MS        1000 /* for jobs of some classes, whose time comes */
#define ASIDE_MS      50   /* between two looks for other work than jobs */

/* ---- what is wanted ---- */

bool
work_wants(const struct program *p, enum work_class c)
{
	return p->only == 0 || (p->only >> c & 1) != 0;
}

/* Nothing but one account's jobs, or one job. */
static bool
is_narrow(const struct program *p)
{
	return p->account != 0 || p->job != 0;
}

static enum work_class
class_of(struct str action)
{
	if (str_eq(action, STR("imap_watch")))
		return WORK_watch;
	if (str_starts(action, STR("imap_")))
		return WORK_imap;
	return str_starts(action, STR("smtp_")) ? WORK_send : WORK_house;
}

/* Of the actions that there are, those of the classes that are wanted. */
static struct texts
actions_wanted(const struct program *p, struct str room[ACTIONS_MOST])
{
	size_t n = 0;

	for (size_t i = 0; i < job_runs.n && n < ACTIONS_MOST; i++)
		if (work_wants(p, class_of(job_runs.v[i])))
			room[n++] = job_runs.v[i];
	return (struct texts){ room, n };
}

/* Each pass anew: the connection may be another by now. */
static enum rc
attend(struct program *p, struct db *db)
{
	db_guard_none(db);
	return job_attend(db, p->worker, NULL);
}

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
	int64_t ms;
	enum rc rc;

	if (is_narrow(p) || !work_wants(p, WORK_send) || *p->host.stop != 0)
		return RC_OK;
	db_guard_none(p->host.db);
	TRY(outgoing_due_in(p->host.db, &ms));
	if (ms > 0)
		return RC_OK;
	if (unset != NULL) {
		if (!p->outgoing_told)
			log_warn(&p->host.log, "%s", unset);
		p->outgoing_told = true;
		return RC_OK;
	}
	rc = attend(p, p->outgoing.db);
	if (rc == RC_OK)
		rc = outgoing_run(&p->outgoing);
	p->outgoing_lost = rc != RC_OK;
	if (rc != RC_OK)
		log_warn(&p->host.log, "mail not handed over code=%s: %s",
		    result_code(rc), fail_detail());
	return RC_OK;
}

/* Webhooks are told, also between two jobs; where there is nothing else to do,
 * as long as there is something to tell. */
static enum rc
deliver(struct program *p)
{
	bool alone = p->only == 1u << WORK_deliver;
	int64_t done, ms;
	enum rc rc;

	if (is_narrow(p) || !work_wants(p, WORK_deliver) || *p->host.stop != 0)
		return RC_OK;
	db_guard_none(p->host.db);
	TRY(delivery_due_in(p->host.db, &ms));
	if (ms > 0)
		return RC_OK;
	rc = delivery_run(&p->delivery, alone ? 0 : DELIVER_MS, &done);
	p->delivery_lost |= rc != RC_OK;
	if (done > 0)
		log_info(&p->host.log, "webhooks told n=%lld", (long long)done);
	return rc;
}

/* Between two jobs, but not for each of many that are short. */
static enum rc
aside(struct program *p)
{
	int64_t now = clock_steady_ms();

	p->aside_left = now - p->aside_ms < ASIDE_MS;
	if (p->aside_left)
		return RC_OK;
	TRY(hand_over(p));
	TRY(deliver(p));
	p->aside_ms = clock_steady_ms();
	return RC_OK;
}

/* What cannot be finished is another worker's by now, or the database is
 * away: only that ends the pass. */
static enum rc
run_due(struct program *p)
{
	struct str room[ACTIONS_MOST];
	struct job_wanted wanted = { .worker = p->worker,
		.actions = actions_wanted(p, room),
		.account = p->account,
		.job = p->job,
		.after = p->served };
	struct arena *a = arena_new(LEASE_ARENA);
	enum rc rc = RC_OK;

	p->aside_ms = -ASIDE_MS;
	while (rc == RC_OK && *p->host.stop == 0) {
		struct lease *lease;

		arena_reset(a);
		rc = aside(p);
		if (rc != RC_OK || wanted.actions.n == 0)
			break;
		rc = job_claim_one(p->host.db, &wanted, a, &lease);
		if (rc != RC_OK)
			break;
		if (lease == NULL && !p->aside_left)
			break;
		if (lease == NULL) {
			p->aside_ms = -ASIDE_MS;
			continue;
		}
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

	if (is_narrow(p) || !work_wants(p, WORK_house) || *p->host.stop != 0 ||
	    now < p->tidy_ms)
		return RC_OK;
	p->tidy_ms = now + TIDY_ASK_MS;
	TRY(credential_renew_enqueue(p->host.db, &cleared));
	TRY(outgoing_clear(
	    p->outgoing.db, (int32_t)p->conf->log_keep, CLEAR_MOST, &cleared));
	return housekeeping(p->host.db, p->conf, &p->host.log, p->host.stop);
}

/* What nobody is at, though it is leased. */
static enum rc
take_back(struct program *p)
{
	int64_t back;

	TRY(attend(p, p->host.db));
	TRY(job_give_back(p->host.db, p->worker, &back));
	if (back > 0)
		log_warn(&p->host.log, "claims whose answers were lost n=%lld",
		    (long long)back);
	if (p->outgoing_lost)
		TRY(outgoing_give_back(p->outgoing.db, p->worker, &back));
	p->outgoing_lost = false;
	if (p->delivery_lost)
		TRY(delivery_give_back(p->host.db, p->worker, &back));
	p->delivery_lost = false;
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

	if (!p->stay && !is_narrow(p) && work_wants(p, WORK_house))
		keeper_round(&k);
}

enum rc
work_pass(struct program *p)
{
	int64_t made;

	db_guard_none(p->host.db);
	TRY(take_back(p));
	if (p->job == 0 && work_wants(p, WORK_imap))
		TRY(job_enqueue_polls(p->host.db,
		    (int32_t)p->conf->poll_interval, p->account, &made));
	keep(p);
	TRY(run_due(p));
	keep(p);
	return keep_house(p);
}

/* ---- waiting ---- */

static void
earlier(int64_t *ms, int64_t other)
{
	if (other < *ms)
		*ms = other;
}

/* A worker of some classes would take others' jobs for its own. */
static enum rc
jobs_due_in(struct program *p, int64_t *ms)
{
	if (work_wants(p, WORK_imap))
		return job_due_in(p->host.db, ms);
	if (p->only != 1u << WORK_deliver)
		*ms = ASK_MS;
	return RC_OK;
}

/* Until something is due, as far as anybody can tell now; by the database's
 * clock, since this machine's may be wrong. */
static enum rc
due_in(struct program *p, int64_t *ms)
{
	int64_t other;

	*ms = SLEEP_MOST_MS;
	TRY(jobs_due_in(p, ms));
	if (work_wants(p, WORK_send) && outgoing_unset(p->conf) == NULL) {
		TRY(outgoing_due_in(p->host.db, &other));
		earlier(ms, other);
	}
	if (work_wants(p, WORK_deliver)) {
		TRY(delivery_due_in(p->host.db, &other));
		earlier(ms, other);
	}
	return RC_OK;
}

static int
sleep_ms(struct program *p)
{
	int64_t ms;

	if (due_in(p, &ms) != RC_OK)
		return AWAY_PAUSE_MS;
	earlier(&ms, smtp_kept_tidy(p->host.smtp));
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

	if (p->only != 1u << WORK_deliver)
		db_listen(p->host.db, "letterrack_job");
	if (work_wants(p, WORK_deliver))
		db_listen(p->host.db, "letterrack_delivery");
	while (*p->host.stop == 0) {
		enum rc rc;

		if (work_wants(p, WORK_house))
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
