/* mailgen: made-up mail for the demo and the benchmarks.
 *
 * The same --seed and --count give the same bytes on every machine. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "letter.h"

/* 1 January 2026, and a letter each 97 minutes before it at most. */
enum { NEWEST = 1767225600, PAUSE = 97 * 60, SPAN = 2 * 365 * 86400 };

static const char usage[] =
    "usage: mailgen [options] --maildir DIR | --lmtp PORT | --mbox\n"
    "  --count N        letters (100)\n"
    "  --seed TEXT      another seed, other letters (1)\n"
    "  --for ADDRESS    whom they are to (anna@letterrack.test)\n"
    "  --newest EPOCH   time of the last one (1 January 2026)\n"
    "  --maildir DIR    into DIR/cur, which is made\n"
    "  --lmtp PORT      to the LMTP server on 127.0.0.1\n"
    "  --mbox           to standard output\n";

static void __attribute__((noreturn)) quit(const char *what)
{
	fprintf(stderr, "mailgen: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void
write_all(int fd, const char *data, size_t n, const char *what)
{
	ssize_t did;

	for (; n > 0; data += did, n -= (size_t)did) {
		did = write(fd, data, n);
		if (did < 0 && errno == EINTR)
			did = 0;
		if (did < 0)
			quit(what);
	}
}

static size_t
count_lines(const struct sheet *s)
{
	const char *p = s->data, *end = s->data + s->size;
	size_t n = 0;

	while ((p = memchr(p, '\n', (size_t)(end - p))) != NULL) {
		p++;
		n++;
	}
	return n;
}

/* --- Maildir: nobody reads it yet, so a file gets its last name at once --- */

static int
maildir_open(const char *dir)
{
	static const char *const parts[] = { "", "/tmp", "/new", "/cur" };
	char path[4096];
	size_t i;
	int fd;

	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		snprintf(path, sizeof(path), "%s%s", dir, parts[i]);
		if (mkdir(path, 0700) < 0 && errno != EEXIST)
			quit(path);
	}
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		quit(path);
	return fd;
}

static void
maildir_put(int dir, const struct correspondence *c, uint32_t number,
    const struct letter *l)
{
	struct timespec times[2] = { { .tv_sec = l->date },
		{ .tv_sec = l->date } };
	char name[160];
	int fd;

	/* S and W spare Dovecot opening each file: size, size with CRLF. */
	snprintf(name, sizeof(name), "%lld.M%uQ%llx.mailgen,S=%zu,W=%zu:2,%s",
	    (long long)l->date, number, (unsigned long long)c->seed,
	    l->raw.size, l->raw.size + count_lines(&l->raw), l->flags);
	fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		quit(name);
	write_all(fd, l->raw.data, l->raw.size, name);
	if (futimens(fd, times) < 0 || close(fd) < 0)
		quit(name);
}

/* --- mbox --- */

static void
mbox_put(const struct letter *l, struct sheet *out)
{
	const char *line = l->raw.data, *end = line + l->raw.size, *next;

	out->size = 0;
	sheet_print(out, "From mailgen %lld\n", (long long)l->date);
	for (; line < end; line = next) {
		const char *p = line;

		next = memchr(line, '\n', (size_t)(end - line));
		next = next ? next + 1 : end;
		while (p < next && *p == '>')
			p++;
		if (next - p >= 5 && memcmp(p, "From ", 5) == 0)
			sheet_text(out, ">");
		sheet_add(out, line, (size_t)(next - line));
	}
	sheet_text(out, "\n");
	write_all(STDOUT_FILENO, out->data, out->size, "standard output");
}

/* --- LMTP (RFC 2033) --- */

static FILE *
lmtp_open(const char *port)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	long number = strtol(port, NULL, 10);
	FILE *stream;
	int fd;

	to.sin_port = htons((uint16_t)number);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		quit("LMTP");
	stream = fdopen(fd, "r+");
	if (stream == NULL)
		quit("LMTP");
	return stream;
}

/* Reads one whole answer, which must begin with `wanted`. */
static void
lmtp_expect(FILE *lmtp, char wanted)
{
	char line[1024];

	do {
		if (fgets(line, sizeof(line), lmtp) == NULL) {
			errno = EPIPE;
			quit("LMTP");
		}
	} while (strlen(line) > 3 && line[3] == '-');
	if (line[0] == wanted)
		return;
	fprintf(stderr, "mailgen: LMTP said %s", line);
	exit(1);
}

static void
lmtp_say(FILE *lmtp, const char *text, size_t n, char wanted)
{
	/* Between reading and writing a stream wants to be positioned. */
	fseek(lmtp, 0, SEEK_CUR);
	if (fwrite(text, 1, n, lmtp) != n || fflush(lmtp) != 0)
		quit("LMTP");
	lmtp_expect(lmtp, wanted);
}

static void
lmtp_put(FILE *lmtp, const struct correspondence *c, const struct letter *l,
    struct sheet *out)
{
	size_t i;
	int start = 1;

	out->size = 0;
	sheet_text(out, "MAIL FROM:<mailgen@example.com>\r\n");
	lmtp_say(lmtp, out->data, out->size, '2');
	out->size = 0;
	sheet_print(out, "RCPT TO:<%s>\r\n", c->to);
	lmtp_say(lmtp, out->data, out->size, '2');
	lmtp_say(lmtp, "DATA\r\n", 6, '3');
	out->size = 0;
	for (i = 0; i < l->raw.size; i++) {
		char byte = l->raw.data[i];

		if (start && byte == '.')
			sheet_text(out, ".");
		if (byte == '\n')
			sheet_text(out, "\r");
		sheet_add(out, &byte, 1);
		start = byte == '\n';
	}
	sheet_text(out, start ? ".\r\n" : "\r\n.\r\n");
	lmtp_say(lmtp, out->data, out->size, '2');
}

/* --- all together --- */

struct order {
	struct correspondence c;
	const char *maildir, *lmtp;
	int mbox;
};

static uint64_t
seed_of(const char *text)
{
	uint64_t h = 0xcbf29ce484222325;

	for (; *text != '\0'; text++)
		h = (h ^ (unsigned char)*text) * 0x100000001b3;
	return h;
}

static int64_t
number_of(const char *text, int64_t least, int64_t most)
{
	char *end;
	long long n;

	errno = 0;
	n = strtoll(text, &end, 10);
	if (errno != 0 || *end != '\0' || end == text || n < least ||
	    n > most) {
		fprintf(stderr,
		    "mailgen: '%s' is not a number from %lld to "
		    "%lld\n",
		    text, (long long)least, (long long)most);
		exit(2);
	}
	return n;
}

static void
order_read(int argc, char **argv, struct order *o)
{
	static const struct option options[] = {
		{ "count", required_argument, NULL, 'c' },
		{ "seed", required_argument, NULL, 's' },
		{ "for", required_argument, NULL, 'f' },
		{ "newest", required_argument, NULL, 'n' },
		{ "maildir", required_argument, NULL, 'm' },
		{ "lmtp", required_argument, NULL, 'l' },
		{ "mbox", no_argument, NULL, 'b' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1)
		switch (option) {
		case 'c':
			o->c.count = (uint32_t)number_of(optarg, 0, 100000000);
			break;
		case 's': o->c.seed = seed_of(optarg); break;
		case 'f': o->c.to = optarg; break;
		case 'n': o->c.newest = number_of(optarg, 0, 1LL << 40); break;
		case 'm': o->maildir = optarg; break;
		case 'l': o->lmtp = optarg; break;
		case 'b': o->mbox = 1; break;
		case 'h': fputs(usage, stdout); exit(0);
		default: fputs(usage, stderr); exit(2);
		}
	if (optind != argc || !o->maildir + !o->lmtp + !o->mbox != 2) {
		fputs(usage, stderr);
		exit(2);
	}
	o->c.pause = PAUSE;
	if (o->c.count > SPAN / PAUSE)
		o->c.pause = SPAN / o->c.count + 1;
}

int
main(int argc, char **argv)
{
	struct order o = { .c = { .to = "anna@letterrack.test",
			       .seed = seed_of("1"),
			       .count = 100,
			       .newest = NEWEST } };
	struct letter l = { 0 };
	struct sheet out = { 0 };
	FILE *lmtp = NULL;
	int dir = -1;
	uint32_t i;

	order_read(argc, argv, &o);
	if (o.maildir != NULL)
		dir = maildir_open(o.maildir);
	if (o.lmtp != NULL) {
		lmtp = lmtp_open(o.lmtp);
		lmtp_expect(lmtp, '2');
		lmtp_say(lmtp, "LHLO mailgen\r\n", 14, '2');
	}
	for (i = 0; i < o.c.count; i++) {
		letter_write(&o.c, i, &l);
		if (dir >= 0)
			maildir_put(dir, &o.c, i, &l);
		else if (lmtp != NULL)
			lmtp_put(lmtp, &o.c, &l, &out);
		else
			mbox_put(&l, &out);
	}
	if (lmtp != NULL)
		fclose(lmtp);
	if (dir >= 0)
		close(dir);
	letter_clear(&l);
	sheet_clear(&out);
	return 0;
}
