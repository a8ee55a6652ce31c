#include "sync/housekeeping.h"

#include <stddef.h>

#include "core/clock.h"
#include "domain/audit-sql.h"
#include "domain/event-sql.h"
#include "domain/housekeeping-sql.h"
#include "domain/raw-store.h"

#define EVERY_S      (6 * 3600)
#define ROWS_MOST    500   /* a transaction */
#define TIME_MOST_MS 30000 /* a chore; mail waits meanwhile */
#define DAY_S        (24 * 3600)
#define KEEP(option) offsetof(struct conf, option)
#define KEEP_A_DAY   SIZE_MAX
#define KEEP_NOTHING (SIZE_MAX - 1)

/* How long which rows outlive their end. */
typedef enum rc
clear_fn(struct db *, const char *what, int32_t keep, int32_t most, int64_t *n);

/* Jobs that clear away, where no poll comes by. */
static enum rc
senders_look(
    struct db *db, const char *what, int32_t keep, int32_t most, int64_t *n)
{
	(void)what;
	return hold_senders_due(db, keep, most, n);
}

static const struct chore {
	const char *what;
	size_t keep; /* a number of seconds in struct conf */
	clear_fn *clear;
} chores[] = {
	{ "idempotency", KEEP_A_DAY,
	    housekeep }, /* as long as one is looked for */
	{ "oauth_code", KEEP_A_DAY,
	    housekeep }, /* one that comes again was stolen */
	{ "oauth_device", KEEP_A_DAY, housekeep },
	{ "refresh_family", KEEP(session_keep), housekeep },
	{ "one_time", KEEP(session_keep), housekeep },
	{ "half_sign_in", KEEP_NOTHING, half_sign_in_clear },
	{ "session", KEEP(session_keep), housekeep },
	{ "task", KEEP(job_keep), housekeep },
	{ "failed_task", KEEP(log_keep), housekeep },
	{ "log", KEEP(log_keep), housekeep },
	{ "billing_event", KEEP(log_keep), billing_clear },
	{ "billing_intent", KEEP(log_keep), billing_clear },
	{ "event", KEEP(event_keep), event_clear },
	{ "delivery_late", KEEP_NOTHING, event_clear },
	{ "delivery", KEEP(event_keep), event_clear },
	{ "event_order", KEEP_NOTHING, event_clear },
	{ "hold_sender", KEEP(hold_keep), senders_look },
	{ "deleted_thread", KEEP(deleted_keep), thread_clear },
};

static int32_t
seconds(const struct conf *conf, const struct chore *c)
{
	if (c->keep == KEEP_A_DAY)
		return DAY_S;
	if (c->keep == KEEP_NOTHING)
		return 0;
	return (int32_t) * (const int64_t *)((const char *)conf + c->keep);
}

static enum rc
chore_do(struct db *db, const struct conf *conf, const struct chore *c,
    const struct log *log, const volatile sig_atomic_t *stop)
{
	int64_t n = 0, all = 0, end = clock_steady_ms() + TIME_MOST_MS;

	do {
		TRY(c->clear(db, c->what, seconds(conf, c), ROWS_MOST, &n));
		all += n;
	} while (n == ROWS_MOST && *stop == 0 && clock_steady_ms() < end);
	if (all > 0)
		log_info(log, "cleared away what=%s rows=%lld", c->what,
		    (long long)all);
	return RC_OK;
}

/* The audit log is a chain: from its front, and only if that is asked for. */
static enum rc
audit_chore(struct db *db, const struct conf *conf, const struct log *log,
    const volatile sig_atomic_t *stop)
{
	int64_t n = 0, all = 0, end = clock_steady_ms() + TIME_MOST_MS;

	if (conf->audit_keep == 0)
		return RC_OK;
	do {
		TRY(audit_clear(db, (int32_t)conf->audit_keep, ROWS_MOST, &n));
		all += n;
	} while (n == ROWS_MOST && *stop == 0 && clock_steady_ms() < end);
	if (all > 0)
		log_info(
		    log, "cleared away what=audit rows=%lld", (long long)all);
	return RC_OK;
}

static enum rc
raws_unused(void *db, int64_t account, struct texts names, struct arena *a,
    struct texts *out)
{
	return raw_unused(db, account, names, a, out);
}

static enum rc
raws_chore(struct db *db, const struct conf *conf, const struct log *log)
{
	int64_t n;
	enum rc rc = raw_store_sweep(conf, raws_unused, db, &n);

	if (n > 0)
		log_info(log, "cleared away what=raw files=%lld", (long long)n);
	return rc;
}

enum rc
housekeeping(struct db *db, const struct conf *conf, const struct log *log,
    const volatile sig_atomic_t *stop)
{
	bool due = false;

	TRY(housekeeping_begin(db, EVERY_S, &due));
	for (size_t i = 0; due && i < sizeof chores / sizeof *chores; i++)
		TRY(chore_do(db, conf, &chores[i], log, stop));
	if (!due)
		return RC_OK;
	TRY(raws_chore(db, conf, log));
	return audit_chore(db, conf, log, stop);
}
