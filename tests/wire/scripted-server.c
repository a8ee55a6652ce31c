#include "scripted-server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "number.h"

#define PATIENCE_MS 10000
#define LINE_MOST   70000

struct scripted_server {
	const char *const *line;
	size_t lines;
	int listener, peer;
	int wake[2]; /* closed by stop: ends every wait */
	pthread_t thread;
	char fault[1000];
	char *out; /* not sent yet */
	size_t out_n;
	size_t out_cap;
};

static void
fault(struct scripted_server *s, const char *line, const char *came)
{
	if (s->fault[0] == '\0')
		snprintf(s->fault, sizeof(s->fault), "\"%.300s\": %.500s", line,
		    came);
}

/* True when `fd` has something to read; false on stop or after a while. */
static bool
readable(struct scripted_server *s, int fd, int ms)
{
	struct pollfd p[2] = { { fd, POLLIN, 0 }, { s->wake[0], POLLIN, 0 } };

	return poll(p, 2, ms) > 0 && p[0].revents != 0;
}

static bool
take_peer(struct scripted_server *s)
{
	if (s->peer >= 0)
		close(s->peer);
	s->peer = -1;
	if (!readable(s, s->listener, PATIENCE_MS))
		return false;
	s->peer = accept(s->listener, NULL, NULL);
	return s->peer >= 0;
}

static void
put(struct scripted_server *s, const char *p, size_t n)
{
	if (s->out_n + n > s->out_cap) {
		s->out_cap = (s->out_n + n) * 2;
		s->out = realloc(s->out, s->out_cap);
	}
	if (s->out == NULL)
		abort();
	memcpy(s->out + s->out_n, p, n);
	s->out_n += n;
}

static int
hex(char c)
{
	return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}

static void
put_escaped(struct scripted_server *s, const char *text)
{
	for (const char *p = text; *p != '\0'; p++) {
		char c = *p;

		if (c == '\\') {
			p++;
			c = *p;
			if (c == 'r')
				c = '\r';
			else if (c == 'n')
				c = '\n';
			else if (c == '0')
				c = '\0';
			else if (c == 'x') {
				c = (char)(hex(p[1]) << 4 | hex(p[2]));
				p += 2;
			}
		}
		put(s, &c, 1);
	}
}

static void
flush(struct scripted_server *s)
{
	size_t sent = 0;

	while (sent < s->out_n && s->peer >= 0) {
		ssize_t n =
		    send(s->peer, s->out + sent, s->out_n - sent, MSG_NOSIGNAL);

		if (n <= 0)
			break; /* the client has left; the script will tell */
		sent += (size_t)n;
	}
	s->out_n = 0;
}

static bool
expect(struct scripted_server *s, const char *line)
{
	char got[LINE_MOST];
	size_t n = 0;

	while (n < sizeof(got) - 1) {
		if (!readable(s, s->peer, PATIENCE_MS) ||
		    recv(s->peer, got + n, 1, 0) != 1) {
			got[n] = '\0';
			fault(s, line, n > 0 ? got : "nothing came");
			return false;
		}
		if (got[n] == '\n')
			break;
		n++;
	}
	got[n > 0 && got[n - 1] == '\r' ? n - 1 : n] = '\0';
	if (strcmp(got, line) == 0)
		return true;
	fault(s, line, got);
	return false;
}

/* Reads what the client still says, until it leaves. */
static void
wait_end(struct scripted_server *s)
{
	char byte[256];

	while (s->peer >= 0 && readable(s, s->peer, PATIENCE_MS) &&
	    recv(s->peer, byte, sizeof(byte), 0) > 0)
		;
}

static void
dribble(struct scripted_server *s, const char *rest)
{
	int ms = ms_of(rest);
	const char *text = strchr(rest, ' ');

	put_escaped(s, text != NULL ? text + 1 : "x");
	if (s->out_n == 0) {
		fault(s, rest, "nothing to send");
		return;
	}
	for (size_t i = 0;; i++) {
		char byte[256];

		if (send(s->peer, s->out + i % s->out_n, 1, MSG_NOSIGNAL) != 1)
			break;
		if (readable(s, s->peer, ms) &&
		    recv(s->peer, byte, sizeof(byte), 0) <= 0)
			break;
		if (readable(s, s->wake[0], 0))
			break;
	}
	s->out_n = 0;
}

static void
repeat(struct scripted_server *s, const char *rest)
{
	const char *text = strchr(rest, ' ');

	for (uint64_t i = number_of(rest, UINT32_MAX); i > 0 && text != NULL;
	     i--)
		put_escaped(s, text + 1);
}

static bool
step(struct scripted_server *s, char kind, const char *rest)
{
	if (strchr("SsR", kind) == NULL)
		flush(s);
	switch (kind) {
	case 'S':
		put(s, rest, strlen(rest));
		put(s, "\r\n", 2);
		return true;
	case 's': put_escaped(s, rest); return true;
	case 'R': repeat(s, rest); return true;
	case 'D': dribble(s, rest); return true;
	case 'C': return expect(s, rest);
	case 'W': wait_end(s); return true;
	case 'X':
		close(s->peer);
		s->peer = -1;
		return true;
	case 'A': return take_peer(s);
	default: return true;
	}
}

static void *
serve(void *arg)
{
	struct scripted_server *s = arg;

	if (!take_peer(s))
		return NULL;
	for (size_t i = 0; i < s->lines; i++) {
		const char *line = s->line[i];
		const char *rest;

		if (line[0] == '\0' || line[1] != ':')
			continue;
		rest = line[2] == ' ' ? line + 3 : line + 2;
		if (!step(s, line[0], rest))
			break;
	}
	flush(s);
	if (s->fault[0] == '\0')
		wait_end(s);
	if (s->peer >= 0)
		close(s->peer);
	return NULL;
}

struct scripted_server *
scripted_server_start(const char *const *line, size_t lines, unsigned *port)
{
	struct scripted_server *s = calloc(1, sizeof(*s));
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(at);

	if (s == NULL)
		abort();
	s->line = line;
	s->lines = lines;
	s->peer = -1;
	s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (s->listener < 0 || pipe(s->wake) != 0 ||
	    bind(s->listener, (struct sockaddr *)&at, sizeof(at)) != 0 ||
	    listen(s->listener, 5) != 0 ||
	    getsockname(s->listener, (struct sockaddr *)&at, &n) != 0 ||
	    pthread_create(&s->thread, NULL, serve, s) != 0)
		abort();
	*port = ntohs(at.sin_port);
	return s;
}

char *
scripted_server_stop(struct scripted_server **sp)
{
	struct scripted_server *s = *sp;
	char *said;

	close(s->wake[1]);
	pthread_join(s->thread, NULL);
	close(s->wake[0]);
	close(s->listener);
	said = strdup(s->fault);
	free(s->out);
	free(s);
	*sp = NULL;
	return said;
}
