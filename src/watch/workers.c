#include "watch/workers.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/places.h"

#define PROGRAM  BINDIR "/letterrack-sync"
#define PAUSE_MS 1000

/* In the child, between fork and exec. */
static _Noreturn void
become(const char *config, pid_t parent)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(EX_UNAVAILABLE);
	if (config != NULL)
		execl(PROGRAM, PROGRAM, "--stay", "--only", "watch", "--config",
		    config, (char *)NULL);
	else
		execl(PROGRAM, PROGRAM, "--stay", "--only", "watch",
		    (char *)NULL);
	_exit(EX_UNAVAILABLE);
}

static void
start(struct workers *w, pid_t *pid)
{
	pid_t parent = getpid();

	if (*pid > 0)
		log_warn(w->log, "a worker has ended; starting another");
	*pid = fork();
	if (*pid == 0)
		become(w->config, parent);
	if (*pid > 0)
		return;
	log_error(w->log, "cannot fork: %s", strerror(errno));
	*pid = 0;
}

static bool
lives(pid_t pid)
{
	return pid > 0 && waitpid(pid, NULL, WNOHANG) == 0;
}

void
workers_keep(struct workers *w)
{
	int64_t now = clock_steady_ms();

	if (now < w->not_before_ms)
		return;
	w->not_before_ms = now + PAUSE_MS;
	for (int i = 0; i < w->n; i++)
		if (!lives(w->pid[i]))
			start(w, &w->pid[i]);
}

void
workers_end(struct workers *w)
{
	for (int i = 0; i < w->n; i++)
		if (w->pid[i] > 0)
			kill(w->pid[i], SIGTERM);
	for (int i = 0; i < w->n; i++) {
		while (w->pid[i] > 0 && waitpid(w->pid[i], NULL, 0) < 0 &&
		    errno == EINTR)
			continue;
		w->pid[i] = 0;
	}
}
