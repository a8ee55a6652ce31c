#include "web/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "core/places.h"

#define PROGRAM BINDIR "/letterrack-sync"
#define KEPT_FD 3 /* the pipe's, in the worker */

struct start {
	const char *config;
	char account[24], job[24];
	int end;
};

/* In the grandchild, between fork and exec. Nothing of the request's, nor of
 * the responder's, is held on to. */
static _Noreturn void
become(const struct start *s)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	(void)setsid();
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_PID");
	if (s->end != KEPT_FD && dup2(s->end, KEPT_FD) < 0)
		_exit(EX_OSERR);
	if (s->end == KEPT_FD)
		(void)fcntl(KEPT_FD, F_SETFD, 0);
	if (close_range(KEPT_FD + 1, ~0U, 0) < 0)
		_exit(EX_OSERR);
	if (s->config != NULL)
		execl(PROGRAM, PROGRAM, "--quiet", "--account", s->account,
		    "--job", s->job, "--config", s->config, (char *)NULL);
	else
		execl(PROGRAM, PROGRAM, "--quiet", "--account", s->account,
		    "--job", s->job, (char *)NULL);
	_exit(EX_UNAVAILABLE);
}

/* Twice, so that nobody has to wait for the one that works. */
static bool
fork_twice(const struct start *s)
{
	pid_t child = fork();
	int status = 0;

	if (child == 0) {
		pid_t worker = fork();

		if (worker == 0)
			become(s);
		_exit(worker > 0 ? EX_OK : EX_OSERR);
	}
	while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
		continue;
	return child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == EX_OK;
}

enum rc
worker_start(const struct conf *conf, int64_t account, int64_t job, int *end)
{
	struct start s = { .config = conf->file };
	int pipes[2];
	bool started;

	*end = -1;
	snprintf(s.account, sizeof s.account, "%lld", (long long)account);
	snprintf(s.job, sizeof s.job, "%lld", (long long)job);
	if (pipe2(pipes, O_CLOEXEC) < 0)
		return fail(RC_RETRY, "no pipe: %s", strerror(errno));
	s.end = pipes[1];
	started = fork_twice(&s);
	close(pipes[1]);
	if (!started) {
		close(pipes[0]);
		return fail(RC_RETRY, "cannot fork");
	}
	*end = pipes[0];
	return RC_OK;
}

void
worker_wait(int end, int ms)
{
	struct pollfd p = { .fd = end, .events = POLLIN };

	(void)poll(&p, 1, ms);
}

bool
worker_ended(int end)
{
	struct pollfd p = { .fd = end, .events = POLLIN };

	return poll(&p, 1, 0) > 0;
}
