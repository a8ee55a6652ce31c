#include "core/log.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/text.h"

/* A line is one write of at most PIPE_BUF bytes, so that lines of several
 * processes on one pipe stay whole. No memory is asked for: die() logs. */
#define LINE_MOST 4096
#define TEXT_MOST 2048
/* Texts end here; what holds them together, and the numbers, still fit. */
#define TEXTS_END (LINE_MOST - 256)

struct line {
	char p[LINE_MOST];
	size_t n;
};

static const char *const level_names[] = { "error", "warn", "info", "debug" };

static struct {
	const char *program;
	enum log_level most;
	bool json;
} out = { "letterrack", LOG_INFO_, false };

void
log_open(const char *program, enum log_level most, bool json)
{
	out.program = program;
	out.most = most;
	out.json = json;
}

bool
log_level_parse(const char *name, enum log_level *level)
{
	for (size_t i = 0; i < sizeof(level_names) / sizeof(*level_names);
	     i++) {
		if (strcmp(name, level_names[i]) == 0) {
			*level = (enum log_level)i;
			return true;
		}
	}
	return false;
}

static void
put(struct line *l, const char *p, size_t n)
{
	assert(n <= sizeof(l->p) - l->n);
	memcpy(l->p + l->n, p, n);
	l->n += n;
}

static void
puts_(struct line *l, const char *s)
{
	put(l, s, strlen(s));
}

/* `before`, then the byte in hex. */
static void
put_hex(struct line *l, const char *before, unsigned char c)
{
	static const char hex[] = "0123456789abcdef";
	char text[8];
	size_t n = strlen(before);

	memcpy(text, before, n);
	text[n] = hex[c >> 4];
	text[n + 1] = hex[c & 15];
	put(l, text, n + 2);
}

/* U+0080..U+009F are control characters too; a terminal obeys them. */
static bool
is_control(const char *p, int step)
{
	unsigned char c = (unsigned char)p[0];

	return c < 0x20 || c == 0x7f ||
	    (step == 2 && c == 0xc2 && (unsigned char)p[1] < 0xa0);
}

/* One character in the form of the line; returns the bytes it took. */
static size_t
put_character(struct line *l, const char *p, size_t n)
{
	int step = utf8_step(p, n);
	size_t len = (size_t)(step < 0 ? -step : step);

	if (step > 0 && !is_control(p, step)) {
		if (out.json && (*p == '"' || *p == '\\'))
			put(l, "\\", 1);
		put(l, p, len);
		return len;
	}
	if (out.json && step < 0) {
		puts_(l, "\xef\xbf\xbd");
		return len;
	}
	if (out.json) /* of a C1 character the second byte is its number */
		put_hex(l, "\\u00", (unsigned char)p[len - 1]);
	for (size_t i = 0; !out.json && i < len; i++)
		put_hex(l, "\\x", (unsigned char)p[i]);
	return len;
}

static void
put_text(struct line *l, const char *s)
{
	size_t n = strlen(s);

	for (size_t i = 0; i < n && l->n < TEXTS_END;)
		i += put_character(l, s + i, n - i);
}

static void
field_text(struct line *l, const char *name, const char *value)
{
	if (value == NULL)
		return;
	puts_(l, out.json ? ",\"" : " ");
	puts_(l, name);
	puts_(l, out.json ? "\":\"" : "=");
	put_text(l, value);
	puts_(l, out.json ? "\"" : "");
}

static void
field_int(struct line *l, const char *name, int64_t value)
{
	char digits[24];

	if (value == 0)
		return;
	snprintf(digits, sizeof(digits), "%lld", (long long)value);
	puts_(l, out.json ? ",\"" : " ");
	puts_(l, name);
	puts_(l, out.json ? "\":" : "=");
	puts_(l, digits);
}

/* 2025-10-18T14:23:45Z warn letterrack-sync[812]: text key=value */
static void
line_begin(struct line *l, enum log_level level, const char *text)
{
	char now[40], pid[16];

	instant_print(clock_now(), TIME_Z, now);
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	if (!out.json) {
		puts_(l, now);
		puts_(l, " ");
		puts_(l, level_names[level]);
		puts_(l, " ");
		puts_(l, out.program);
		puts_(l, "[");
		puts_(l, pid);
		puts_(l, "]: ");
		put_text(l, text);
		return;
	}
	puts_(l, "{\"time\":\"");
	puts_(l, now);
	puts_(l, "\",\"level\":\"");
	puts_(l, level_names[level]);
	puts_(l, "\",\"program\":\"");
	put_text(l, out.program);
	puts_(l, "\",\"pid\":");
	puts_(l, pid);
	field_text(l, "message", text);
}

static void
line_end(struct line *l)
{
	const char *end = out.json ? "}\n" : "\n";
	size_t done = 0;

	puts_(l, end);
	while (done < l->n) {
		ssize_t w = write(STDERR_FILENO, l->p + done, l->n - done);

		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0)
			return; /* there is nobody to tell */
		done += (size_t)w;
	}
}

static void PRINTF_LIKE(3, 0) log_vat(
    enum log_level level, const struct log *log, const char *fmt, va_list ap)
{
	char text[TEXT_MOST];
	struct line l;
	int saved = errno;
	size_t n;

	if (level > out.most)
		return;
	vsnprintf(text, sizeof(text), fmt, ap);
	n = strlen(text);
	if (n == sizeof(text) - 1) /* its last character may be cut */
		text[utf8_cut(text, n, n - 4)] = '\0';
	l.n = 0;
	line_begin(&l, level, text);
	if (log != NULL) {
		field_text(&l, "who", log->who);
		field_text(&l, "request", log->request);
		field_int(&l, "account", log->account);
		field_int(&l, "object", log->object);
	}
	line_end(&l);
	errno = saved;
}

void
log_at(enum log_level level, const struct log *log, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_vat(level, log, fmt, ap);
	va_end(ap);
}

void
die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_vat(LOG_ERROR_, NULL, fmt, ap);
	va_end(ap);
	abort();
}
