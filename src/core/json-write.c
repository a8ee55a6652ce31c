#include "core/json.h"

#include <endian.h>

/* How a byte leaves: 0 as it is, 'u' as \u00XX, else behind a backslash;
 * 1 begins a UTF-8 sequence that has to be looked at. */
static const unsigned char escapes[256] = {
	[0x00 ... 0x07] = 'u',
	['\b'] = 'b',
	['\t'] = 't',
	['\n'] = 'n',
	[0x0b] = 'u',
	['\f'] = 'f',
	['\r'] = 'r',
	[0x0e ... 0x1f] = 'u',
	['"'] = '"',
	['\\'] = '\\',
	[0x80 ... 0xff] = 1,
};

/* Comma where one is due; what follows is a value or a key. */
static void
before(struct jw *w)
{
	if (w->comma)
		buf_putc(w->out, ',');
	w->comma = true;
}

static void
literal(struct jw *w, const char *p, size_t n)
{
	before(w);
	buf_add(w->out, p, n);
}

static void
open_bracket(struct jw *w, char bracket)
{
	before(w);
	buf_putc(w->out, bracket);
	w->comma = false;
}

static void
close_bracket(struct jw *w, char bracket)
{
	buf_putc(w->out, bracket);
	w->comma = true;
}

void
jw_object(struct jw *w)
{
	open_bracket(w, '{');
}

void
jw_object_end(struct jw *w)
{
	close_bracket(w, '}');
}

void
jw_array(struct jw *w)
{
	open_bracket(w, '[');
}

void
jw_array_end(struct jw *w)
{
	close_bracket(w, ']');
}

void
jw_key(struct jw *w, const char *key)
{
	size_t n = strlen(key);
	char *p = buf_room(w->out, n + 3 + w->comma);

	if (p == NULL)
		return;
	if (w->comma)
		*p++ = ',';
	*p++ = '"';
	memcpy(p, key, n);
	memcpy(p + n, "\":", 2);
	buf_wrote(w->out, n + 3 + w->comma);
	w->comma = false;
}

#define ONES UINT64_C(0x0101010101010101)

/* How many of eight bytes, the first in the lowest place, stand before a
 * control, a quote, a backslash or what is beyond ASCII. The borrow of a
 * subtraction can only blame a byte above one that is to blame itself, so the
 * lowest that is blamed is exact. */
static size_t
plain_of_eight(uint64_t x)
{
	uint64_t quote = x ^ ONES * '"', slash = x ^ ONES * '\\';
	uint64_t blamed =
	    (x | (x - ONES * 0x20) | (quote - ONES) | (slash - ONES)) &
	    ONES * 0x80;

	return blamed == 0 ? 8 : (size_t)__builtin_ctzll(blamed) / 8;
}

static uint64_t
eight(const char *p)
{
	uint64_t x;

	memcpy(&x, p, sizeof(x));
	return le64toh(x);
}

/* As many of the n bytes as are plain ASCII. The last eight are read again,
 * with blanks behind them instead of what is known already in front. */
static size_t
ascii_run(const char *p, size_t n)
{
	size_t i = 0, k, rest;

	for (; n - i >= 8; i += 8) {
		k = plain_of_eight(eight(p + i));
		if (k < 8)
			return i + k;
	}
	rest = n - i;
	if (rest == 0)
		return n;
	if (i == 0) {
		while (i < n && escapes[(unsigned char)p[i]] == 0)
			i++;
		return i;
	}
	k = plain_of_eight((eight(p + n - 8) >> ((8 - rest) * 8)) |
	    ((ONES * ' ') << (rest * 8)));
	return i + (k < rest ? k : rest);
}

/* Length of what can be copied as it is, whole UTF-8 sequences included. */
static size_t
plain_run(const char *p, size_t n)
{
	size_t i = ascii_run(p, n);

	while (i < n && escapes[(unsigned char)p[i]] == 1) {
		int step = utf8_step(p + i, n - i);

		if (step < 0)
			return i;
		i += (size_t)step;
		/* Scripts beyond ASCII have one such letter after another. */
		if (i < n && escapes[(unsigned char)p[i]] == 0)
			i += ascii_run(p + i, n - i);
	}
	return i;
}

/* What cannot be copied; returns the bytes it stood for. */
static size_t
put_escape(struct buf *b, const char *p, size_t n)
{
	static const char hex[] = "0123456789abcdef";
	unsigned char c = (unsigned char)*p;
	char text[6] = { '\\', (char)escapes[c], '0', '0', hex[c >> 4],
		hex[c & 15] };

	if (escapes[c] == 1) {
		BUF_LIT(b, "\xef\xbf\xbd");
		return (size_t)-utf8_step(p, n);
	}
	buf_add(b, text, escapes[c] == 'u' ? 6 : 2);
	return 1;
}

static void
put_rest(struct buf *b, struct str s)
{
	while (s.n > 0) {
		size_t took = put_escape(b, s.p, s.n);
		size_t run = plain_run(s.p + took, s.n - took);

		buf_add(b, s.p + took, run);
		s.p += took + run;
		s.n -= took + run;
	}
	buf_putc(b, '"');
}

void
jw_str(struct jw *w, struct str s)
{
	size_t run;
	char *p;

	if (s.p == NULL) {
		jw_null(w);
		return;
	}
	run = plain_run(s.p, s.n);
	p = buf_room(w->out, run + 2 + w->comma);
	if (p == NULL)
		return;
	if (w->comma)
		*p++ = ',';
	*p++ = '"';
	memcpy(p, s.p, run);
	p[run] = '"'; /* taken back where there is more */
	buf_wrote(w->out, run + 1 + w->comma + (run == s.n));
	w->comma = true;
	if (run < s.n)
		put_rest(w->out, (struct str){ s.p + run, s.n - run });
}

void
jw_text(struct jw *w, const char *s)
{
	jw_str(w, str_of(s));
}

void
jw_int(struct jw *w, int64_t value)
{
	before(w);
	buf_int(w->out, value);
}

void
jw_bool(struct jw *w, bool value)
{
	literal(w, value ? "true" : "false", value ? 4 : 5);
}

void
jw_null(struct jw *w)
{
	literal(w, "null", 4);
}

void
jw_raw(struct jw *w, struct str json)
{
	literal(w, json.p, json.n);
}

void
jw_time(struct jw *w, instant t, enum time_form form)
{
	char text[40];

	if (!instant_is(t)) {
		jw_null(w);
		return;
	}
	jw_str(w, (struct str){ text, (size_t)instant_print(t, form, text) });
}
