#include "crash/cable.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/log.h"

#define CLIENTS 16

struct line {
	int client, server; /* -1: free */
	long said;          /* bytes from the server */
	bool faulty;
	int64_t next_ms; /* slow: when the next byte may go */
};

static struct sockaddr_in
loopback(unsigned port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

static void
line_end(struct line *l)
{
	/* The way a cut looks: no farewell. */
	const struct linger abort = { .l_onoff = 1, .l_linger = 0 };

	setsockopt(l->client, SOL_SOCKET, SO_LINGER, &abort, sizeof abort);
	close(l->client);
	close(l->server);
	l->client = l->server = -1;
}

static void
line_begin(struct line *l, int client, unsigned to, struct cable_fault *f)
{
	struct sockaddr_in a = loopback(to);

	*l = (struct line){ .client = client,
		.server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0),
		.faulty = f->times < 0 || f->connections < f->times };
	f->connections++;
	if (connect(l->server, (struct sockaddr *)&a, sizeof a) != 0)
		line_end(l);
}

static bool
is_slow(const struct line *l, const struct cable_fault *f)
{
	return l->faulty && f->slow_at >= 0 && l->said >= f->slow_at;
}

/* How much of the server's answer may go now. */
static size_t
share(const struct line *l, const struct cable_fault *f, size_t most)
{
	if (is_slow(l, f))
		return clock_steady_ms() >= l->next_ms ? 1 : 0;
	if (l->faulty && f->slow_at >= 0 && f->slow_at - l->said < (long)most)
		most = (size_t)(f->slow_at - l->said);
	if (l->faulty && f->cut_at >= 0 && f->cut_at - l->said < (long)most)
		most = (size_t)(f->cut_at - l->said);
	return most;
}

static bool
write_whole(int fd, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t w = send(fd, p, n, MSG_NOSIGNAL);

		if (w <= 0)
			return false;
		p += w;
		n -= (size_t)w;
	}
	return true;
}

static bool
from_server(struct line *l, struct cable_fault *f)
{
	char chunk[4096];
	size_t most = share(l, f, sizeof chunk);
	ssize_t n;

	if (most == 0)
		return !(l->faulty && f->cut_at >= 0 && l->said >= f->cut_at);
	n = recv(l->server, chunk, most, 0);
	if (n <= 0 || !write_whole(l->client, chunk, (size_t)n))
		return false;
	l->said += n;
	if (l->said > f->most)
		f->most = l->said;
	l->next_ms = clock_steady_ms() + 1000;
	return !(l->faulty && f->cut_at >= 0 && l->said >= f->cut_at);
}

static bool
from_client(struct line *l)
{
	char chunk[4096];
	ssize_t n = recv(l->client, chunk, sizeof chunk, 0);

	return n > 0 && write_whole(l->server, chunk, (size_t)n);
}

static void
take(int listener, struct line *line, unsigned to, struct cable_fault *f)
{
	int client = accept(listener, NULL, NULL);

	if (client < 0)
		return;
	for (int i = 0; i < CLIENTS; i++) {
		if (line[i].client >= 0)
			continue;
		line_begin(&line[i], client, to, f);
		return;
	}
	close(client);
}

/* A slow line's server is not listened to until its time has come. */
static int
poll_fill(struct pollfd *p, int listener, const struct line *line,
    const struct cable_fault *f)
{
	int wait = -1;

	p[0] = (struct pollfd){ listener, POLLIN, 0 };
	for (int i = 0; i < CLIENTS; i++) {
		const struct line *l = &line[i];
		bool waits = l->server >= 0 && is_slow(l, f) &&
		    clock_steady_ms() < l->next_ms;

		p[1 + 2 * i] = (struct pollfd){ l->client, POLLIN, 0 };
		p[2 + 2 * i] =
		    (struct pollfd){ waits ? -1 : l->server, POLLIN, 0 };
		if (waits)
			wait = 50;
	}
	return wait;
}

static void
run(int listener, unsigned to, struct cable_fault *f)
{
	struct pollfd p[1 + 2 * CLIENTS];
	struct line line[CLIENTS];

	for (int i = 0; i < CLIENTS; i++)
		line[i].client = line[i].server = -1;
	for (;;) {
		int wait = poll_fill(p, listener, line, f);

		if (poll(p, 1 + 2 * CLIENTS, wait) < 0 && errno != EINTR)
			_exit(1);
		for (int i = 0; i < CLIENTS; i++) {
			struct line *l = &line[i];

			if (l->client >= 0 && p[2 + 2 * i].revents != 0 &&
			    !from_server(l, f))
				line_end(l);
			if (l->client >= 0 && p[1 + 2 * i].revents != 0 &&
			    !from_client(l))
				line_end(l);
		}
		if (p[0].revents != 0)
			take(listener, line, to, f);
	}
}

void
cable_start(struct cable *c, unsigned to)
{
	struct sockaddr_in a = loopback(0);
	socklen_t n = sizeof a;
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	c->fault = mmap(NULL, sizeof *c->fault, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (c->fault == MAP_FAILED || listener < 0 ||
	    bind(listener, (struct sockaddr *)&a, n) != 0 ||
	    listen(listener, 16) != 0 ||
	    getsockname(listener, (struct sockaddr *)&a, &n) != 0)
		die("no cable: %m");
	c->port = ntohs(a.sin_port);
	cable_heal(c);
	c->pid = fork();
	if (c->pid < 0)
		die("fork: %m");
	if (c->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		run(listener, to, c->fault);
	}
	close(listener);
}

void
cable_stop(struct cable *c)
{
	kill(c->pid, SIGKILL);
	waitpid(c->pid, NULL, 0);
	munmap(c->fault, sizeof *c->fault);
}

void
cable_heal(struct cable *c)
{
	*c->fault =
	    (struct cable_fault){ .cut_at = -1, .slow_at = -1, .times = -1 };
}
