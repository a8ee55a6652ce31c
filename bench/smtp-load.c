/* smtp-load: hands messages to a server over a number of connections that stay
 * open, one step at a time, and prints one line of JSON: how many were taken in
 * how many microseconds, and how many were not.
 *
 *	smtp-load [--auth USER:PASSWORD] [--tag TEXT] FROM TO PORT CONNECTIONS
 *	    MESSAGES BYTES
 *
 * Each message has a Message-ID of its own, with the tag in it. */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define INPUT      ((size_t)4 << 10)
#define TEXT_SPARE ((size_t)1024) /* header and end of a message */
#define WAIT_MS    30000

enum step { GREET, HELLO, AUTH, SENDER, RECIPIENT, TEXT, TAKEN, OVER };

struct peer {
	int fd;
	enum step step; /* whose reply is waited for */
	char in[INPUT];
	size_t n;
};

static const char *from, *to, *tag = "x", *auth;
static long wanted, begun, taken, faults;
static size_t bytes;
static char *text;

static void __attribute__((noreturn, format(printf, 1, 2)))
quit(const char *fmt, ...)
{
	va_list ap;

	fputs("smtp-load: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

static int64_t
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* ---- what is said ---- */

static void
say(const struct peer *c, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t put = send(c->fd, p, n, MSG_NOSIGNAL);

		if (put < 0)
			quit("cannot send: %s", strerror(errno));
		p += put;
		n -= (size_t)put;
	}
}

static void __attribute__((format(printf, 2, 3)))
say_line(const struct peer *c, const char *fmt, ...)
{
	char line[1024];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof line)
		quit("too long a line");
	say(c, line, (size_t)n);
}

static void
say_text(const struct peer *c)
{
	static const char line[] =
	    "We have sent your order today, and so on and so forth.\r\n";
	size_t n = (size_t)snprintf(text, TEXT_SPARE,
	    "From: <%s>\r\nTo: <%s>\r\nSubject: About the order\r\n"
	    "Date: Sat, 28 Nov 2026 10:00:00 +0000\r\n"
	    "Message-ID: <%ld.%s@letterrack.test>\r\n\r\n",
	    from, to, begun, tag);

	for (; n + sizeof line <= bytes; n += sizeof line - 1)
		memcpy(text + n, line, sizeof line - 1);
	memcpy(text + n, ".\r\n", 3);
	say(c, text, n + 3);
}

static void
say_auth(const struct peer *c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";
	unsigned char plain[256] = { 0 };
	size_t n = strlen(auth) + 1;
	char out[512], *o = out;

	if (n >= sizeof plain - 3)
		quit("too long a name");
	memcpy(plain + 1, auth, n - 1);
	plain[1 + strcspn(auth, ":")] = '\0';
	for (size_t i = 0; i < n; i += 3) {
		unsigned v = (unsigned)plain[i] << 16 |
		    (unsigned)plain[i + 1] << 8 | plain[i + 2];

		*o++ = digits[v >> 18];
		*o++ = digits[v >> 12 & 63];
		*o++ = i + 1 < n ? digits[v >> 6 & 63] : '=';
		*o++ = i + 2 < n ? digits[v & 63] : '=';
	}
	*o = '\0';
	say_line(c, "AUTH PLAIN %s\r\n", out);
}

/* ---- one step after the other ---- */

static void
message_begin(struct peer *c)
{
	if (begun == wanted) {
		say_line(c, "QUIT\r\n");
		c->step = OVER;
		return;
	}
	begun++;
	say_line(c, "MAIL FROM:<%s>\r\n", from);
	c->step = SENDER;
}

/* What another code means is told by the figure: it is not taken. */
static void
refused(struct peer *c)
{
	if (c->step < SENDER)
		quit("refused: %.*s", (int)c->n, c->in);
	faults++;
	if (faults == 1)
		fprintf(stderr, "smtp-load: %.*s", (int)c->n, c->in);
	say_line(c, "RSET\r\n");
	c->step = AUTH;
}

static void
next(struct peer *c)
{
	switch (c->step) {
	case GREET:
		say_line(c, "EHLO bench\r\n");
		c->step = auth != NULL ? HELLO : AUTH;
		break;
	case HELLO:
		say_auth(c);
		c->step = AUTH;
		break;
	case SENDER:
		say_line(c, "RCPT TO:<%s>\r\n", to);
		c->step = RECIPIENT;
		break;
	case RECIPIENT:
		say_line(c, "DATA\r\n");
		c->step = TEXT;
		break;
	case TEXT:
		say_text(c);
		c->step = TAKEN;
		break;
	case TAKEN: taken++; /* fallthrough */
	case AUTH: message_begin(c); break;
	case OVER: break;
	}
}

/* A whole reply: its last line has a space behind the code. */
static bool
is_whole(const struct peer *c)
{
	const char *line = c->in, *end;

	while ((end = memchr(
		    line, '\n', c->n - (size_t)(line - c->in))) != NULL) {
		if (end - line >= 4 && line[3] == ' ')
			return true;
		line = end + 1;
	}
	return false;
}

static void
hear(struct peer *c)
{
	ssize_t got = recv(c->fd, c->in + c->n, sizeof c->in - c->n, 0);

	if (got <= 0 && c->step == OVER) {
		close(c->fd);
		return;
	}
	if (got <= 0)
		quit("the server has left");
	c->n += (size_t)got;
	if (!is_whole(c))
		return;
	if (c->in[0] == '2' || (c->in[0] == '3' && c->step == TEXT))
		next(c);
	else
		refused(c);
	c->n = 0;
}

/* ---- the run ---- */

static int
dial(unsigned port)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	if (fd < 0 || connect(fd, (struct sockaddr *)&at, sizeof at) != 0)
		quit("port %u: %s", port, strerror(errno));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	return fd;
}

static void
run(unsigned port, size_t connections)
{
	struct peer *peers = calloc(connections, sizeof *peers);
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event e[64];

	if (peers == NULL || epoll < 0)
		quit("out of memory");
	for (size_t i = 0; i < connections; i++) {
		struct epoll_event one = { .events = EPOLLIN,
			.data.ptr = &peers[i] };

		peers[i].fd = dial(port);
		epoll_ctl(epoll, EPOLL_CTL_ADD, peers[i].fd, &one);
	}
	while (taken + faults < wanted) {
		int n = epoll_wait(epoll, e, 64, WAIT_MS);

		if (n == 0)
			quit("no answer for %d ms", WAIT_MS);
		for (int i = 0; i < n; i++)
			hear(e[i].data.ptr);
	}
	free(peers);
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "auth", required_argument, NULL, 'a' },
		{ "tag", required_argument, NULL, 't' }, { NULL, 0, NULL, 0 }
	};
	int64_t began;
	int o;

	while ((o = getopt_long(argc, argv, "", options, NULL)) != -1)
		if (o == 'a')
			auth = optarg;
		else if (o == 't')
			tag = optarg;
		else
			quit("unknown option");
	if (argc - optind != 6)
		quit("FROM TO PORT CONNECTIONS MESSAGES BYTES");
	argv += optind;
	from = argv[0];
	to = argv[1];
	wanted = strtol(argv[4], NULL, 10);
	bytes = strtoul(argv[5], NULL, 10);
	if (bytes < TEXT_SPARE)
		bytes = TEXT_SPARE;
	text = malloc(bytes + TEXT_SPARE);
	if (text == NULL)
		quit("out of memory");
	began = now_us();
	run((unsigned)strtoul(argv[2], NULL, 10), strtoul(argv[3], NULL, 10));
	printf("{\"taken\":%ld,\"faults\":%ld,\"us\":%lld}\n", taken, faults,
	    (long long)(now_us() - began));
	free(text);
	return 0;
}
