/* New mail is held on the session that told of it: a hand has it as long as
 * that takes. Where that may not be, or no hand is free, a worker is told. */
#include "core/clock.h"
#include "domain/job-run.h"
#include "domain/sync/news.h"
#include "domain/watcher-sql.h"
#include "watch/watched.h"

#define LEASE_S    30 /* renewed at a third of it */
#define BEAT_MS    10000
#define ARENA_TAKE ((size_t)1 << 20)

/* ---- in a thread ---- */

static enum rc
run_job(struct watched *w, struct db *db, const struct lease *lease)
{
	const struct watch *x = w->watch;
	const struct job_host host = { .db = db,
		.conf = x->conf,
		.keks = &x->keks,
		.egress = x->egress,
		.log = w->log,
		.stop = x->stop,
		.beat_ms = BEAT_MS };
	struct sync_news news = { .watch = w->session };
	enum rc rc, result;

	rc = job_run_as(&host, lease, sync_news_run, &news, &result);
	w->taking.other = news.other;
	if (rc == RC_OK && result != RC_OK && result != RC_COUNT)
		log_warn(&w->log, "news not taken job=%lld code=%s",
		    (long long)lease->id, result_code(result));
	return rc;
}

static void
errand_take(struct errand *e, struct db *db)
{
	struct watched *w = watched_of(e);
	struct arena *a = arena_new(ARENA_TAKE);
	struct lease *lease = NULL;

	watcher_guard(
	    db, w->own.account_id, w->own.credential_id, w->watch->worker);
	w->rc = watcher_claim(db, w->own.account_id, w->own.credential_id,
	    w->watch->worker, LEASE_S, clock_steady_ms() - w->taking.told_ms, a,
	    &lease);
	w->taking.began = w->rc == RC_OK && lease != NULL;
	if (w->taking.began)
		w->rc = run_job(w, db, lease);
	arena_free(&a);
}

/* ---- in the loop ---- */

/* A job that could not be brought to its end may have to be done once more. */
static void
taken(struct errand *e)
{
	struct watched *w = watched_of(e);
	const struct taking *t = &w->taking;
	bool again = !t->began || w->rc != RC_OK;

	w->busy = false;
	w->phase = ON;
	w->left = again;
	w->report.other |= t->other;
	if (again && (!w->report.mail || w->report.mail_ms > t->told_ms))
		w->report.mail_ms = t->told_ms;
	w->report.mail |= again;
	if (!w->leaving)
		watched_turn(w);
	watched_step(w);
}

bool
news_take(struct watched *w)
{
	struct watch *x = w->watch;

	if (!hands_idle(x->holders))
		return false;
	w->taking = (struct taking){ .told_ms = w->report.mail_ms };
	w->report.mail = false;
	w->phase = LENT;
	loop_forget(&x->loop, imap_watch_fd(w->session));
	watched_errand(w, x->holders, errand_take, taken);
	return true;
}
