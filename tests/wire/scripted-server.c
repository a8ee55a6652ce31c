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
#include <zlib.h>

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
	bool packs;
	z_stream pack, unpack;
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
put_plain(struct scripted_server *s, const char *p, size_t n)
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

static void
put_packed(struct scripted_server *s, const char *p, size_t n, int how)
{
	char piece[4096];

	s->pack.next_in = (unsigned char *)(uintptr_t)p;
	s->pack.avail_in = (unsigned)n;
	do {
		s->pack.next_out = (unsigned char *)piece;
		s->pack.avail_out = sizeof(piece);
		(void)deflate(&s->pack, how);
		put_plain(s, piece, sizeof(piece) - s->pack.avail_out);
	} while (s->pack.avail_out == 0);
}

static void
put(struct scripted_server *s, const char *p, size_t n)
{
	if (s->packs)
		put_packed(s, p, n, Z_NO_FLUSH);
	else
		put_plain(s, p, n);
}

static void
pack_begin(struct scripted_server *s)
{
	s->packs = true;
	if (deflateInit2(&s->pack, 6, Z_DEFLATED, -15, 8, 0) != Z_OK ||
	    inflateInit2(&s->unpack, -15) != Z_OK)
		abort();
}

static void
pack_end(struct scripted_server *s)
{
	if (!s->packs)
		return;
	(void)deflateEnd(&s->pack);
	(void)inflateEnd(&s->unpack);
	s->packs = false;
}

static int
hex(char c)
{
	return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}

/* Into `out`, which has as much room as the text; the number of bytes. */
static size_t
unescape(const char *text, char *out)
{
	char *at = out;

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
		*at++ = c;
	}
	return (size_t)(at - out);
}

static void
put_escaped(struct scripted_server *s, const char *text, uint64_t times)
{
	char *plain = malloc(strlen(text) + 1);
	size_t n;

	if (plain == NULL)
		abort();
	n = unescape(text, plain);
	while (times-- > 0)
		put(s, plain, n);
	free(plain);
}

static void
flush(struct scripted_server *s)
{
	size_t sent = 0;

	if (s->packs)
		put_packed(s, "", 0, Z_SYNC_FLUSH);
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
wire_byte(struct scripted_server *s, char *c)
{
	return readable(s, s->peer, PATIENCE_MS) && recv(s->peer, c, 1, 0) == 1;
}

static bool
next_byte(struct scripted_server *s, char *c)
{
	char packed;

	if (!s->packs)
		return wire_byte(s, c);
	s->unpack.next_out = (unsigned char *)c;
	s->unpack.avail_out = 1;
	/* zlib may hold bytes back that have come already. */
	(void)inflate(&s->unpack, Z_SYNC_FLUSH);
	while (s->unpack.avail_out == 1) {
		if (!wire_byte(s, &packed))
			return false;
		s->unpack.next_in = (unsigned char *)&packed;
		s->unpack.avail_in = 1;
		(void)inflate(&s->unpack, Z_SYNC_FLUSH);
	}
	return true;
}

static bool
expect(struct scripted_server *s, const char *line)
{
	char got[LINE_MOST];
	size_t n = 0;

	while (n < sizeof(got) - 1) {
		if (!next_byte(s, got + n)) {
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

	put_escaped(s, text != NULL ? text + 1 : "x", 1);
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

	if (text != NULL)
		put_escaped(s, text + 1, number_of(rest, UINT32_MAX));
}

static bool
step(struct scripted_server *s, char kind, const char *rest)
{
	if (strchr("SsRZ", kind) == NULL)
		flush(s);
	switch (kind) {
	case 'S':
		put(s, rest, strlen(rest));
		put(s, "\r\n", 2);
		return true;
	case 's': put_escaped(s, rest, 1); return true;
	case 'R': repeat(s, rest); return true;
	case 'D': dribble(s, rest); return true;
	case 'C': return expect(s, rest);
	case 'W': wait_end(s); return true;
	case 'X':
		close(s->peer);
		s->peer = -1;
		return true;
	case 'Z': pack_begin(s); return true;
	case 'A': pack_end(s); return take_peer(s);
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
	pack_end(s);
	said = strdup(s->fault);
	free(s->out);
	free(s);
	*sp = NULL;
	return said;
}
