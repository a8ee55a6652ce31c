/* imap-raw: how fast a server gives what a sync asks for. Sends the commands
 * that it reads, lets a few FETCHes run at once, and throws the answers away;
 * it looks at them only as far as it must to find their ends.
 *
 *	imap-raw [--tls CA] --user NAME --password WORD PORT <commands
 *
 * Prints the seconds and bytes from connecting to the last answer. */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define DEPTH        2 /* FETCHes in flight, as the sync has it */
#define BUFFER       ((size_t)64 << 10)
#define HEAD         ((size_t)128)
#define TAIL         ((size_t)32)
#define TEXT_MOST    ((size_t)64 << 10)
#define WAIT_SECONDS 60

struct link {
	int fd;
	SSL *ssl; /* NULL: plain */
	char data[BUFFER];
	size_t at, n;
	unsigned long long bytes;
};

static void __attribute__((noreturn, format(printf, 1, 2)))
quit(const char *fmt, ...)
{
	va_list ap;

	fputs("imap-raw: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

/* ---- the connection ---- */

static int
dial(unsigned port)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct timeval wait = { .tv_sec = WAIT_SECONDS };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) != 0)
		quit("port %u: %s", port, strerror(errno));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
	return fd;
}

static SSL *
secure(int fd, const char *ca)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL *ssl;

	if (ctx == NULL || SSL_CTX_load_verify_file(ctx, ca) != 1)
		quit("cannot use %s", ca);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	ssl = SSL_new(ctx);
	if (ssl == NULL || SSL_set_fd(ssl, fd) != 1 || SSL_connect(ssl) != 1)
		quit("no TLS: %s", ERR_error_string(ERR_get_error(), NULL));
	SSL_CTX_free(ctx);
	return ssl;
}

static void
send_text(struct link *l, const char *p, size_t n)
{
	while (n > 0) {
		int did = l->ssl != NULL ? SSL_write(l->ssl, p, (int)n)
					 : (int)write(l->fd, p, n);

		if (did <= 0)
			quit("the server takes nothing more");
		p += did;
		n -= (size_t)did;
	}
}

static void
fill(struct link *l)
{
	int got = l->ssl != NULL ? SSL_read(l->ssl, l->data, sizeof l->data)
				 : (int)read(l->fd, l->data, sizeof l->data);

	if (got <= 0)
		quit("the server has gone");
	l->at = 0;
	l->n = (size_t)got;
	l->bytes += (unsigned long long)got;
}

/* ---- answers ---- */

/* What is looked at of a line. */
struct line {
	char head[HEAD], tail[TAIL];
	size_t n, head_n, tail_n;
};

static void
line_add(struct line *line, const char *p, size_t n)
{
	size_t head = n < HEAD - line->head_n ? n : HEAD - line->head_n;
	size_t tail = n < TAIL ? n : TAIL;
	size_t keep = line->tail_n < TAIL - tail ? line->tail_n : TAIL - tail;

	memcpy(line->head + line->head_n, p, head);
	line->head_n += head;
	memmove(line->tail, line->tail + line->tail_n - keep, keep);
	memcpy(line->tail + keep, p + n - tail, tail);
	line->tail_n = keep + tail;
}

/* The next line, its end included. */
static void
read_line(struct link *l, struct line *line)
{
	char *from, *end;
	size_t n;

	*line = (struct line){ .head_n = 0 };
	do {
		if (l->at == l->n)
			fill(l);
		from = l->data + l->at;
		end = memchr(from, '\n', l->n - l->at);
		n = end != NULL ? (size_t)(end - from) + 1 : l->n - l->at;
		line_add(line, from, n);
		l->at += n;
	} while (end == NULL);
}

/* RFC 9051 4.3: "{12}" at the end of a line. */
static size_t
literal_size(const struct line *line)
{
	size_t i = line->tail_n, size = 0, unit = 1;

	if (i < 5 || memcmp(line->tail + i - 3, "}\r\n", 3) != 0)
		return 0;
	for (i -= 3; i-- > 0 && line->tail[i] != '{'; unit *= 10) {
		if (line->tail[i] < '0' || line->tail[i] > '9')
			return 0;
		size += (size_t)(line->tail[i] - '0') * unit;
	}
	return size;
}

static void
skip(struct link *l, size_t n)
{
	while (n > 0) {
		size_t part;

		if (l->at == l->n)
			fill(l);
		part = l->n - l->at < n ? l->n - l->at : n;
		l->at += part;
		n -= part;
	}
}

/* Reads up to the tagged answer of command `number`. */
static void
await(struct link *l, unsigned number)
{
	struct line line;
	char tag[16];
	size_t n = (size_t)snprintf(tag, sizeof tag, "r%u ", number), literal;
	bool begins; /* no rest of a line that a literal was in */

	for (literal = 0;;) {
		begins = literal == 0;
		read_line(l, &line);
		literal = literal_size(&line);
		skip(l, literal);
		if (begins && line.head_n > n && memcmp(line.head, tag, n) == 0)
			break;
	}
	if (strncmp(line.head + n, "OK", 2) != 0)
		quit("refused: %.*s", (int)line.head_n, line.head);
}

/* ---- commands ---- */

static unsigned sent, answered;

static void
send_command(struct link *l, const char *text)
{
	char line[TEXT_MOST];
	int n = snprintf(line, sizeof line, "r%u %s\r\n", ++sent, text);

	if (n < 0 || (size_t)n >= sizeof line)
		quit("a command of more than %zu bytes", sizeof line);
	send_text(l, line, (size_t)n);
}

static void
await_all_but(struct link *l, unsigned running)
{
	while (sent - answered > running)
		await(l, ++answered);
}

static void
replay(struct link *l, FILE *commands)
{
	char text[TEXT_MOST];

	while (fgets(text, sizeof text, commands) != NULL) {
		text[strcspn(text, "\r\n")] = '\0';
		await_all_but(
		    l, strncmp(text, "UID FETCH ", 10) == 0 ? DEPTH - 1 : 0);
		send_command(l, text);
	}
	await_all_but(l, 0);
}

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

struct options {
	const char *ca, *user, *password;
	unsigned port;
};

static void
read_options(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
		{ "tls", required_argument, NULL, 't' },
		{ "user", required_argument, NULL, 'u' },
		{ "password", required_argument, NULL, 'p' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (c) {
		case 't': o->ca = optarg; break;
		case 'u': o->user = optarg; break;
		case 'p': o->password = optarg; break;
		default: exit(64);
		}
	}
	if (optind + 1 != argc || o->user == NULL || o->password == NULL)
		quit("a user, a password and a port, please");
	o->port = (unsigned)strtoul(argv[optind], NULL, 10);
}

int
main(int argc, char **argv)
{
	static struct link link;
	struct options o = { .ca = NULL };
	struct line greeting;
	char login[1024];
	double start;

	read_options(argc, argv, &o);
	start = now();
	link.fd = dial(o.port);
	if (o.ca != NULL)
		link.ssl = secure(link.fd, o.ca);
	read_line(&link, &greeting);
	snprintf(
	    login, sizeof login, "LOGIN \"%s\" \"%s\"", o.user, o.password);
	send_command(&link, login);
	replay(&link, stdin);
	printf(
	    "{\"seconds\":%.6f,\"bytes\":%llu}\n", now() - start, link.bytes);
	SSL_free(link.ssl);
	close(link.fd);
	return 0;
}
