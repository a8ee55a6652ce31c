#include "sync/keeper.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/external.h"
#include "core/log.h"
#include "domain/audit-sql.h"
#include "mail/fetch.h"

#define ROUND_MS  1000
#define SEAL_MOST 500 /* a transaction */
#define KEYS_MOST ((size_t)64 * 1024)
#define KEYS_MS   5000 /* of sealing's time */
#define MEMORY    ((size_t)1024 * 1024)
#define SELF      "/proc/self/exe"

static enum rc
seal(const struct keeper *k)
{
	int64_t n = 0;

	do
		TRY(audit_seal(k->db, SEAL_MOST, &n));
	while (n == SEAL_MOST && *k->stop == 0);
	return RC_OK;
}

/* ---- keys ---- */

static void
keys_fetch(const struct keeper *k, const struct external_issuer *it,
    struct external_fetch *f, struct arena *a)
{
	const struct fetch what = {
		.url = it->keys_url, .most = KEYS_MOST, .ms = KEYS_MS
	};
	struct str text = { NULL, 0 };
	enum rc rc = fetch_text(k->egress, &what, a, &text), kept;

	if (rc != RC_OK)
		text.n = 0;
	kept = external_fetch_end(f, text);
	if (rc == RC_OK && kept == RC_OK)
		log_debug(k->log, "keys fetched issuer=%s", it->name);
	else
		log_warn(k->log, "keys not fetched issuer=%s url=%s: %s",
		    it->name, it->keys_url, fail_detail());
}

static void
keys(const struct keeper *k)
{
	struct arena *a = arena_new(MEMORY);
	struct external_issuers list;
	struct external_fetch f;

	if (external_issuers_read(k->conf->external_issuer, a, &list) != RC_OK)
		list.n = 0;
	for (size_t i = 0; i < list.n && *k->stop == 0; i++)
		if (external_fetch_begin(&f, k->conf->state_dir, &list.v[i],
			clock_now().us / 1000000))
			keys_fetch(k, &list.v[i], &f, a);
	arena_free(&a);
}

/* ---- rounds ---- */

void
keeper_round(const struct keeper *k)
{
	enum rc rc;

	db_guard_none(k->db);
	rc = seal(k);
	if (rc != RC_OK)
		log_debug(k->log, "audit log not sealed code=%s: %s",
		    result_code(rc), fail_detail());
	keys(k);
}

/* A signal ends the pause. */
static void
pause_ms(long ms)
{
	const struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&t, NULL);
}

void
keeper_stay(const struct keeper *k, pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	while (*k->stop == 0 && getppid() == parent) {
		keeper_round(k);
		pause_ms(ROUND_MS);
	}
}

/* In the child, between fork and exec. */
static _Noreturn void
become(const char *config, pid_t parent)
{
	char starter[24];

	snprintf(starter, sizeof starter, "%d", (int)parent);
	if (config != NULL)
		execl(SELF, "letterrack-sync", "--keeper", starter, "--config",
		    config, (char *)NULL);
	else
		execl(
		    SELF, "letterrack-sync", "--keeper", starter, (char *)NULL);
	_exit(EX_UNAVAILABLE);
}

static bool
lives(pid_t pid)
{
	return pid > 0 && waitpid(pid, NULL, WNOHANG) == 0;
}

void
keeper_start(pid_t *pid, const char *config, const struct log *log)
{
	pid_t parent = getpid();

	if (lives(*pid))
		return;
	if (*pid > 0)
		log_warn(log, "the keeper has ended; starting another");
	*pid = fork();
	if (*pid == 0)
		become(config, parent);
	if (*pid > 0)
		return;
	log_error(log, "cannot fork: %s", strerror(errno));
	*pid = 0;
}

void
keeper_end(pid_t *pid)
{
	if (*pid <= 0)
		return;
	kill(*pid, SIGTERM);
	while (waitpid(*pid, NULL, 0) < 0 && errno == EINTR)
		continue;
	*pid = 0;
}
