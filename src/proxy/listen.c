#include "proxy/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "core/text.h"

#define BACKLOG   1024
#define CALL_WAIT 5 /* seconds */

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/* ---- addresses ---- */

static socklen_t
address_size(const union address *a)
{
	return a->any.sa_family == AF_INET ? sizeof a->v4 : sizeof a->v6;
}

static bool
address_of(const char *host, int port, union address *out)
{
	memset(out, 0, sizeof *out);
	if (inet_pton(AF_INET, host, &out->v4.sin_addr) == 1) {
		out->v4.sin_family = AF_INET;
		out->v4.sin_port = htons((uint16_t)port);
		return true;
	}
	if (inet_pton(AF_INET6, host, &out->v6.sin6_addr) != 1)
		return false;
	out->v6.sin6_family = AF_INET6;
	out->v6.sin6_port = htons((uint16_t)port);
	return true;
}

/* "127.0.0.1:25", "[::1]:25". */
static bool
word_read(struct str word, struct listener *out)
{
	const char *colon = memrchr(word.p, ':', word.n);
	struct str host, digits;
	uint64_t port;

	if (colon == NULL)
		return false;
	host = (struct str){ word.p, (size_t)(colon - word.p) };
	digits = (struct str){ colon + 1, word.n - host.n - 1 };
	if (host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
		host = (struct str){ host.p + 1, host.n - 2 };
	if (host.n == 0 || host.n >= sizeof out->address ||
	    !str_uint(digits, 65535, &port) || port == 0)
		return false;
	memcpy(out->address, host.p, host.n);
	out->address[host.n] = '\0';
	out->port = (int)port;
	return true;
}

/* ---- opening ---- */

static enum rc
broken(const struct listener *l, const char *why)
{
	return fail(RC_INVALID, "smtp_listen: %s port %d: %s", l->address,
	    l->port, why);
}

static enum rc
open_one(struct listener *l)
{
	union address at = { .any = { .sa_family = AF_UNSPEC } };
	int on = 1;

	if (!address_of(l->address, l->port, &at))
		return broken(l, "is no address");
	l->fd = socket(
	    at.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (l->fd < 0)
		return broken(l, strerror(errno));
	setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (at.any.sa_family == AF_INET6)
		setsockopt(l->fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
	if (bind(l->fd, &at.any, address_size(&at)) != 0 ||
	    listen(l->fd, BACKLOG) != 0)
		return broken(l, strerror(errno));
	return RC_OK;
}

static struct str
word_next(struct str *rest)
{
	struct str word = str_trim(*rest);
	size_t n = 0;

	while (n < word.n && word.p[n] != ' ')
		n++;
	*rest = (struct str){ word.p + n, word.n - n };
	return (struct str){ word.p, n };
}

enum rc
listeners_open(const char *text, struct listeners *ls)
{
	struct str rest = str_of(text), word;

	while ((word = word_next(&rest)).n > 0) {
		struct listener *l = &ls->v[ls->n];

		if (ls->n == LISTENERS_MOST || !word_read(word, l))
			return fail(RC_INVALID,
			    "smtp_listen: %.*s is no address with a port, or "
			    "one too many",
			    STR_FMT(word));
		l->fd = -1;
		ls->n++;
		TRY(open_one(l));
	}
	return ls->n > 0 ? RC_OK
			 : fail(RC_INVALID, "smtp_listen: there is none");
}

void
listeners_close(struct listeners *ls)
{
	for (int i = 0; i < ls->n; i++)
		if (ls->v[i].fd >= 0)
			close(ls->v[i].fd);
	ls->n = 0;
}

/* ---- who comes ---- */

static bool
is_loopback(const union address *a)
{
	if (a->any.sa_family == AF_INET)
		return ntohl(a->v4.sin_addr.s_addr) >> 24 == 127;
	return IN6_IS_ADDR_LOOPBACK(&a->v6.sin6_addr);
}

static void
peer_print(const union address *a, char peer[INET6_ADDRSTRLEN])
{
	const void *bytes = a->any.sa_family == AF_INET
	    ? (const void *)&a->v4.sin_addr
	    : (const void *)&a->v6.sin6_addr;

	if (inet_ntop(a->any.sa_family, bytes, peer, INET6_ADDRSTRLEN) == NULL)
		snprintf(peer, INET6_ADDRSTRLEN, "?");
}

int
listener_accept(const struct listener *l, char peer[INET6_ADDRSTRLEN],
    bool *loopback, bool *full)
{
	union address from = { .any = { .sa_family = AF_UNSPEC } };
	socklen_t n = sizeof from;
	int on = 1,
	    fd = accept4(l->fd, &from.any, &n, SOCK_CLOEXEC | SOCK_NONBLOCK);

	*full = fd < 0 &&
	    (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
		errno == ENOMEM);
	if (fd < 0)
		return -1;
	peer_print(&from, peer);
	*loopback = is_loopback(&from);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	return fd;
}

/* "All addresses" is not one that can be called. */
static const char *
callable(const struct listener *l)
{
	if (strcmp(l->address, "0.0.0.0") == 0)
		return "127.0.0.1";
	return strcmp(l->address, "::") == 0 ? "::1" : l->address;
}

int
listener_call(const struct listener *l)
{
	const struct timeval wait = { .tv_sec = CALL_WAIT };
	union address at = { .any = { .sa_family = AF_UNSPEC } };
	int fd;

	if (!address_of(callable(l), l->port, &at))
		return -1;
	fd = socket(at.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
	if (connect(fd, &at.any, address_size(&at)) == 0)
		return fd;
	close(fd);
	return -1;
}
