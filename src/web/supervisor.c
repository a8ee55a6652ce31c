#include "web/supervisor.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/log.h"
#include "core/text.h"
#include "web/listen.h"

#define SETTLE_MS   300   /* a new process that lives so long stays */
#define STEADY_MS   10000 /* from then on a death is no crash loop */
#define PAUSE_FIRST 50    /* ms before a process that fell starts again */
#define PAUSE_MOST  5000
#define DRAIN_MS    75000 /* nginx gives up by then */
#define LISTEN_FD   3

/* One process of a family, and the one that it takes over from. */
struct slot {
	const struct family *family;
	struct listener *listener; /* borrowed: the family's */
	pid_t pid;                 /* 0: not running, starts at due_ms */
	pid_t leaving;             /* 0: none */
	int64_t started_ms, due_ms;
	unsigned falls; /* early deaths in a row */
	bool stale;     /* waits for its turn to be replaced */
};

struct supervisor {
	const struct conf *conf;
	struct log log;
	struct slot *slots;         /* owned; a family's stand together */
	struct listener *listeners; /* owned; one a family */
	size_t n, families;
	struct slot *turn; /* being replaced now; NULL: none */
	bool told;         /* turn's old process has its signal */
	bool ending;
	int64_t kill_ms; /* when patience ends */
	int lock;        /* held to the end; -1: not had */
	pid_t former;    /* who had it before; 0: nobody */
};

/* ---- processes ---- */

/* In the child, between fork and exec. */
static _Noreturn void
become(const struct supervisor *s, const struct slot *slot, pid_t parent)
{
	char path[512], pid[24];
	sigset_t none;

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent) /* it died before the line above */
		_exit(EX_OK);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	snprintf(pid, sizeof pid, "%d", (int)getpid());
	setenv("LISTEN_FDS", "1", 1);
	setenv("LISTEN_PID", pid, 1);
	unsetenv("NOTIFY_SOCKET");
	if (slot->family->door && *s->conf->database_auth != '\0')
		setenv("LETTERRACK_DATABASE", s->conf->database_auth, 1);
	if (dup2(slot->listener->fd, LISTEN_FD) < 0)
		_exit(EX_OSERR);
	if (slot->listener->fd == LISTEN_FD)
		(void)fcntl(LISTEN_FD, F_SETFD, 0);
	snprintf(path, sizeof path, "%s/%s", s->conf->responder_dir,
	    slot->family->name);
	if (s->conf->file != NULL)
		execl(path, path, "--config", s->conf->file, (char *)NULL);
	else
		execl(path, path, (char *)NULL);
	log_error(
	    &s->log, "cannot start program=%s: %s", path, strerror(errno));
	_exit(EX_UNAVAILABLE);
}

static void
start(struct supervisor *s, struct slot *slot)
{
	pid_t parent = getpid();
	pid_t pid = fork();

	if (pid == 0)
		become(s, slot, parent);
	slot->started_ms = clock_steady_ms();
	slot->pid = pid > 0 ? pid : 0;
	if (pid > 0)
		return;
	log_error(&s->log, "cannot fork: %s", strerror(errno));
	slot->due_ms = slot->started_ms + PAUSE_MOST;
}

static int64_t
pause_of(unsigned falls)
{
	int64_t ms = (int64_t)PAUSE_FIRST << (falls < 8 ? falls : 8);

	return ms < PAUSE_MOST ? ms : PAUSE_MOST;
}

/* A process of its own accord, or by a signal of somebody else. */
static void
fell(struct supervisor *s, struct slot *slot, int status)
{
	int64_t now = clock_steady_ms();

	slot->pid = 0;
	if (s->ending)
		return;
	slot->falls = now - slot->started_ms < STEADY_MS ? slot->falls + 1 : 0;
	slot->due_ms = now + (slot->falls > 0 ? pause_of(slot->falls - 1) : 0);
	log_warn(&s->log,
	    "responder ended family=%s status=%d signal=%d "
	    "again_in_ms=%lld",
	    slot->family->name, WIFEXITED(status) ? WEXITSTATUS(status) : 0,
	    WIFSIGNALED(status) ? WTERMSIG(status) : 0,
	    (long long)(slot->due_ms - now));
}

static void
reap(struct supervisor *s)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (size_t i = 0; i < s->n; i++) {
			if (s->slots[i].leaving == pid)
				s->slots[i].leaving = 0;
			else if (s->slots[i].pid == pid)
				fell(s, &s->slots[i], status);
		}
	}
}

static void
start_due(struct supervisor *s)
{
	int64_t now = clock_steady_ms();

	for (size_t i = 0; i < s->n; i++)
		if (s->slots[i].pid == 0 && s->slots[i].due_ms <= now)
			start(s, &s->slots[i]);
}

/* ---- sockets whose file was removed or taken ---- */

/* A process of a socket that nobody finds any more: the next one need not wait
 * for its turn. One that is being replaced already goes with its successor,
 * which has that socket too. */
static void
succeed(struct supervisor *s, struct slot *slot)
{
	slot->stale = false;
	if (slot->pid == 0)
		return;
	if (slot->leaving != 0) {
		kill(slot->pid, SIGTERM);
		s->told |= s->turn == slot;
	} else {
		slot->leaving = slot->pid;
		start(s, slot);
	}
	kill(slot->leaving, SIGTERM);
}

static void
socket_mend(struct supervisor *s, struct listener *l, const char *family)
{
	struct listener new;

	if (listen_retake(s->conf, family, &new) != RC_OK) {
		log_error(&s->log, "cannot mend the socket family=%s: %s",
		    family, fail_detail());
		return;
	}
	log_warn(&s->log, "the socket's file was not ours; made anew family=%s",
	    family);
	listen_end(l);
	*l = new;
	for (size_t i = 0; i < s->n; i++)
		if (s->slots[i].listener == l)
			succeed(s, &s->slots[i]);
}

static void
sockets_mend(struct supervisor *s)
{
	struct listener *seen = NULL;

	for (size_t i = 0; i < s->n; i++) {
		struct slot *slot = &s->slots[i];
		const char *family = slot->family->name;

		if (slot->listener == seen)
			continue;
		seen = slot->listener;
		if (!listen_stands(s->conf, family, seen))
			socket_mend(s, seen, family);
	}
}

/* ---- replacing in turn ---- */

static void
roll_begin(struct supervisor *s)
{
	log_info(&s->log, "replacing processes=%zu", s->n);
	for (size_t i = 0; i < s->n; i++)
		s->slots[i].stale = true;
	sockets_mend(s);
}

static void
roll_give_up(struct supervisor *s)
{
	log_error(&s->log, "the new %s does not stay alive; the old ones go on",
	    s->turn->family->name);
	s->turn->pid = s->turn->leaving;
	s->turn->leaving = 0;
	s->turn->falls = 0;
	s->turn = NULL;
	for (size_t i = 0; i < s->n; i++)
		s->slots[i].stale = false;
}

static void
roll_next(struct supervisor *s)
{
	for (size_t i = 0; i < s->n; i++) {
		struct slot *slot = &s->slots[i];

		if (!slot->stale || slot->leaving != 0)
			continue;
		slot->stale = false;
		if (slot->pid == 0) /* starts as a new one anyway */
			continue;
		s->turn = slot;
		s->told = false;
		slot->leaving = slot->pid;
		start(s, slot);
		return;
	}
}

static void
roll_step(struct supervisor *s)
{
	struct slot *t = s->turn;

	if (t == NULL) {
		roll_next(s);
	} else if (!s->told && t->pid == 0 && t->leaving != 0) {
		roll_give_up(s);
	} else if (!s->told && clock_steady_ms() - t->started_ms >= SETTLE_MS) {
		s->told = true;
		if (t->leaving != 0)
			kill(t->leaving, SIGTERM);
	}
	if (s->turn != NULL && s->turn->leaving == 0) {
		s->turn = NULL;
		roll_step(s);
	}
}

/* ---- the end ---- */

static size_t
alive(const struct supervisor *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++)
		n += (size_t)(s->slots[i].pid != 0) +
		    (size_t)(s->slots[i].leaving != 0);
	return n;
}

static void
signal_all(const struct supervisor *s, int signal)
{
	for (size_t i = 0; i < s->n; i++) {
		if (s->slots[i].pid != 0)
			kill(s->slots[i].pid, signal);
		if (s->slots[i].leaving != 0)
			kill(s->slots[i].leaving, signal);
	}
}

static void
end_begin(struct supervisor *s)
{
	if (s->ending)
		return;
	log_info(&s->log, "ending processes=%zu", alive(s));
	s->ending = true;
	s->kill_ms = clock_steady_ms() + DRAIN_MS;
	signal_all(s, SIGTERM);
}

/* ---- readiness ---- */

/* sd_notify(3): one datagram; nothing where systemd did not start us. */
static void
notify(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	size_t n = path != NULL ? strlen(path) : 0;
	int fd;

	if (n == 0 || n >= sizeof to.sun_path)
		return;
	memcpy(to.sun_path, path, n);
	if (to.sun_path[0] == '@')
		to.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	(void)sendto(fd, state, strlen(state), MSG_NOSIGNAL,
	    (struct sockaddr *)&to,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n));
	close(fd);
}

/* ---- one a run_dir ---- */

static pid_t
number_read(int fd)
{
	char text[24] = "";
	uint64_t n = 0;

	if (pread(fd, text, sizeof text - 1, 0) <= 0 ||
	    !str_uint(str_of(text), INT32_MAX, &n))
		return 0;
	return (pid_t)n;
}

static enum rc
number_write(int fd, const char *path)
{
	char text[24];

	snprintf(text, sizeof text, "%d", (int)getpid());
	if (ftruncate(fd, 0) != 0 || pwrite(fd, text, strlen(text), 0) < 0)
		return fail(RC_CONFIG_HOST, "%s: %s", path, strerror(errno));
	return RC_OK;
}

/* Ends with the process. Whoever had it before us has ended, then, and what
 * listens in its name is what it has left behind. */
static enum rc
lock(struct supervisor *s)
{
	char path[256];
	bool had;

	snprintf(path, sizeof path, "%s/serve.pid", s->conf->run_dir);
	s->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (s->lock < 0)
		return fail(RC_CONFIG_HOST, "%s: %s", path, strerror(errno));
	had = flock(s->lock, LOCK_EX | LOCK_NB) == 0;
	s->former = number_read(s->lock);
	if (!had)
		return fail(RC_CONFLICT, "it runs already, as process %d",
		    (int)s->former);
	return number_write(s->lock, path);
}

/* ---- the loop ---- */

static void *
table(size_t n, size_t size)
{
	void *all = calloc(n, size);

	if (all == NULL)
		die("out of memory");
	return all;
}

static enum rc
slots_make(struct supervisor *s, const struct family *const *all)
{
	size_t most = 0, n = 0, scale = (size_t)s->conf->workers_scale;

	for (; all[n] != NULL; n++)
		most += (size_t)all[n]->pool * scale;
	assert(most > 0); /* no program without a family, none without a pool */
	s->slots = table(most, sizeof *s->slots);
	s->listeners = table(n, sizeof *s->listeners);
	for (; s->families < n; s->families++) {
		const struct family *f = all[s->families];
		struct listener *l = &s->listeners[s->families];

		TRY(listen_make(s->conf, f->name, s->former, l));
		for (size_t i = 0; i < (size_t)f->pool * scale; i++)
			s->slots[s->n++] =
			    (struct slot){ .family = f, .listener = l };
	}
	return RC_OK;
}

static void
handle(struct supervisor *s, int signal)
{
	switch (signal) {
	case SIGTERM:
	case SIGINT: end_begin(s); break;
	case SIGHUP:
	case SIGUSR1: roll_begin(s); break;
	default: break; /* SIGCHLD, or nothing within the time */
	}
}

static void
loop(struct supervisor *s, const sigset_t *set)
{
	const struct timespec tick = { .tv_nsec = 50 * 1000 * 1000 };
	const struct timespec rest = { .tv_sec = 5 };
	bool busy = false;

	while (!s->ending || alive(s) > 0) {
		handle(s, sigtimedwait(set, NULL, busy ? &tick : &rest));
		reap(s);
		busy = s->ending;
		if (s->ending) {
			if (clock_steady_ms() > s->kill_ms)
				signal_all(s, SIGKILL);
			continue;
		}
		roll_step(s);
		start_due(s);
		busy = s->turn != NULL;
		for (size_t i = 0; i < s->n; i++)
			busy |= s->slots[i].pid == 0;
	}
}

static void
clear(struct supervisor *s)
{
	for (size_t i = 0; i < s->families; i++)
		listen_end(&s->listeners[i]);
	free(s->listeners);
	free(s->slots);
	if (s->lock >= 0)
		close(s->lock);
}

static void
signals_block(sigset_t *set)
{
	static const int wanted[] = { SIGTERM, SIGINT, SIGHUP, SIGUSR1,
		SIGCHLD };

	sigemptyset(set);
	for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
		sigaddset(set, wanted[i]);
	sigprocmask(SIG_BLOCK, set, NULL);
}

int
supervise(const struct conf *conf, const struct family *const *all)
{
	struct supervisor s = {
		.conf = conf, .log = { .who = "serve" }, .lock = -1
	};
	sigset_t set;

	signals_block(&set);
	if (lock(&s) != RC_OK || slots_make(&s, all) != RC_OK) {
		log_error(&s.log, "cannot serve: %s", fail_detail());
		clear(&s);
		return EX_UNAVAILABLE;
	}
	start_due(&s);
	log_info(&s.log, "serving processes=%zu", s.n);
	notify("READY=1");
	loop(&s, &set);
	notify("STOPPING=1");
	log_info(&s.log, "ended");
	clear(&s);
	return EX_OK;
}
