#include "sync/keeper.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "core/log.h"
#include "domain/audit-sql.h"

#define ROUND_MS  1000
#define SEAL_MOST 500 /* a transaction */
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

void
keeper_round(const struct keeper *k)
{
	enum rc rc;

	db_guard_none(k->db);
	rc = seal(k);
	if (rc != RC_OK)
		log_debug(k->log, "audit log not sealed code=%s: %s",
		    result_code(rc), fail_detail());
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
