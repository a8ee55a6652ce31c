/* http-load: asks for paths one after another over a number of connections that
 * stay open, and prints one line of JSON: how many were answered in how many
 * microseconds, how many were not 200, and latencies in microseconds.
 *
 *	http-load [--header TEXT] PORT CONNECTIONS SECONDS <paths
 *
 * It shares the machine with what it measures, so it takes answers in large
 * pieces and looks at them only as far as it must to find their ends. */
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

#define INPUT        ((size_t)128 << 10)
#define HEAD_MOST    ((size_t)8 << 10)
#define LATENCY_MOST ((size_t)4 << 20)
#define WAIT_MS      5000

struct text {
	char *p;
	size_t n;
};

/* A connection, and how far its answer has come. */
struct peer {
	int fd;
	int64_t asked_us;
	char head[HEAD_MOST];
	size_t head_n;
	bool in_body, chunked, ok;
	uint64_t left; /* of the body, or of this chunk and its CRLF */
	bool last;     /* chunk */
	char line[32]; /* of a chunk's size */
	size_t line_n;
};

static struct text *requests;
static size_t requests_n, next;
static uint32_t *latency;
static uint64_t answered, faults;

static void __attribute__((noreturn, format(printf, 1, 2)))
quit(const char *fmt, ...)
{
	va_list ap;

	fputs("http-load: ", stderr);
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

/* ---- requests ---- */

static void
requests_read(const char *header)
{
	char line[4096];

	while (fgets(line, sizeof line, stdin) != NULL) {
		struct text *r;
		int n;

		line[strcspn(line, "\n")] = '\0';
		requests = realloc(requests, (requests_n + 1) * sizeof *r);
		if (requests == NULL)
			quit("out of memory");
		r = &requests[requests_n++];
		n = asprintf(&r->p,
		    "GET %s HTTP/1.1\r\nHost: localhost\r\n%s%s\r\n", line,
		    header, header[0] != '\0' ? "\r\n" : "");
		if (n < 0)
			quit("out of memory");
		r->n = (size_t)n;
	}
	if (requests_n == 0)
		quit("no paths");
}

static void
ask(struct peer *c)
{
	const struct text *r = &requests[next];

	next = (next + 1) % requests_n;
	c->head_n = c->line_n = 0;
	c->in_body = c->chunked = c->last = c->ok = false;
	c->left = 0;
	c->asked_us = now_us();
	/* It fits into an empty buffer. */
	if (send(c->fd, r->p, r->n, MSG_NOSIGNAL) != (ssize_t)r->n)
		quit("cannot send: %s", strerror(errno));
}

/* ---- answers ---- */

static const char *
field(const char *head, const char *name)
{
	const char *at = strcasestr(head, name);

	return at == NULL ? NULL : at + strlen(name) + strspn(at, " ");
}

static void
head_end(struct peer *c)
{
	const char *length;

	c->head[c->head_n] = '\0';
	c->ok = strncmp(c->head, "HTTP/1.1 200 ", 13) == 0;
	length = field(c->head, "\r\ncontent-length:");
	c->chunked = length == NULL;
	if (c->chunked && field(c->head, "\r\ntransfer-encoding:") == NULL)
		quit("an answer without an end");
	c->left = length != NULL ? strtoull(length, NULL, 10) : 0;
	c->in_body = true;
}

/* Up to the blank line; how many bytes of `p` were the head's. */
static size_t
head_take(struct peer *c, const char *p, size_t n)
{
	size_t had = c->head_n, room = HEAD_MOST - 1 - had;
	char *end;

	n = n < room ? n : room;
	memcpy(c->head + had, p, n);
	c->head_n += n;
	end = memmem(c->head, c->head_n, "\r\n\r\n", 4);
	if (end == NULL && c->head_n == HEAD_MOST - 1)
		quit("a head of more than %zu bytes", HEAD_MOST);
	if (end == NULL)
		return n;
	c->head_n = (size_t)(end - c->head) + 4;
	n = c->head_n - had;
	head_end(c);
	return n;
}

/* A byte of the line with a chunk's size. */
static void
size_take(struct peer *c, char byte)
{
	if (byte != '\n') {
		if (c->line_n < sizeof c->line - 1)
			c->line[c->line_n++] = byte;
		return;
	}
	c->line[c->line_n] = '\0';
	c->line_n = 0;
	c->left = strtoull(c->line, NULL, 16) + 2; /* CRLF behind it */
	c->last = c->left == 2;
}

static size_t
body_take(struct peer *c, const char *p, size_t n)
{
	if (c->left == 0) {
		size_take(c, *p);
		return 1;
	}
	n = c->left < n ? (size_t)c->left : n;
	c->left -= n;
	return n;
}

static bool
is_whole(const struct peer *c)
{
	return c->in_body && c->left == 0 && (!c->chunked || c->last);
}

static void
take(struct peer *c, const char *p, size_t n)
{
	while (n > 0) {
		size_t step = c->in_body ? body_take(c, p, n)
					 : head_take(c, p, n);

		if (is_whole(c) && step < n)
			quit("more than was announced");
		p += step;
		n -= step;
	}
}

static void
done(struct peer *c)
{
	if (answered < LATENCY_MOST)
		latency[answered] = (uint32_t)(now_us() - c->asked_us);
	answered++;
	faults += !c->ok;
	ask(c);
}

static int
by_size(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* ---- the run ---- */

static int
dial(unsigned port)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) != 0)
		quit("port %u: %s", port, strerror(errno));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	return fd;
}

static void
receive(struct peer *c)
{
	static char input[INPUT];
	ssize_t n = recv(c->fd, input, sizeof input, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0)
		quit("the server has closed a connection");
	take(c, input, (size_t)n);
	if (is_whole(c))
		done(c);
}

static int
peers_start(struct peer *peers, size_t n, unsigned port)
{
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	for (size_t i = 0; i < n; i++) {
		struct epoll_event ev = { .events = EPOLLIN,
			.data.ptr = &peers[i] };

		peers[i].fd = dial(port);
		if (epoll_ctl(epoll, EPOLL_CTL_ADD, peers[i].fd, &ev) != 0)
			quit("epoll: %s", strerror(errno));
		ask(&peers[i]);
	}
	return epoll;
}

static void
run(int epoll, int64_t until)
{
	while (now_us() < until) {
		struct epoll_event ev[64];
		int n = epoll_wait(epoll, ev, 64, WAIT_MS);

		if (n == 0)
			quit("no answer in %d s", WAIT_MS / 1000);
		for (int i = 0; i < n; i++)
			receive(ev[i].data.ptr);
	}
}

static void
report(int64_t us)
{
	size_t n = answered < LATENCY_MOST ? answered : LATENCY_MOST;

	qsort(latency, n, sizeof *latency, by_size);
	printf("{\"requests\":%llu,\"us\":%lld,\"errors\":%llu,\"p50\":%u,"
	       "\"p99\":%u}\n",
	    (unsigned long long)answered, (long long)us,
	    (unsigned long long)faults, n > 0 ? latency[n / 2] : 0,
	    n > 0 ? latency[n * 99 / 100] : 0);
}

int
main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "header", required_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	const char *header = "";
	struct peer *peers;
	size_t n;
	int64_t start;
	int c, epoll;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c != 'h')
			return 2;
		header = optarg;
	}
	if (argc - optind != 3)
		quit("usage: http-load [--header TEXT] PORT CONNECTIONS "
		     "SECONDS <paths");
	requests_read(header);
	n = strtoul(argv[optind + 1], NULL, 10);
	peers = calloc(n, sizeof *peers);
	latency = calloc(LATENCY_MOST, sizeof *latency);
	if (n == 0 || peers == NULL || latency == NULL)
		quit("no connections, or no memory");
	start = now_us();
	epoll = peers_start(
	    peers, n, (unsigned)strtoul(argv[optind], NULL, 10));
	run(epoll, start + (int64_t)(strtod(argv[optind + 2], NULL) * 1e6));
	report(now_us() - start);
	free(peers);
	free(latency);
	return 0;
}
