#include "core/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/log.h"

#define KEYS_INLINE 64

struct key {
	const char *p; /* in the text, without quotes, escapes as written */
	uint32_t n;
	bool escaped;
};

struct frame {
	bool object;
	bool named;     /* object: the last of its keys is the field at hand */
	uint32_t index; /* array: of the element at hand */
	size_t keys;    /* object: where its keys begin in scan.keys */
};

enum want { WANT_VALUE, WANT_NEXT, WANT_END };

struct scan {
	const char *begin, *p, *end;
	const char *what; /* the fault; NULL: none */
	const char *at;   /* where it is */
	enum want want;
	unsigned depth, depth_most;
	struct frame frames[JSON_DEPTH_MOST];
	struct key *keys; /* of all open objects; `few`, or owned */
	size_t keys_n, keys_cap;
	struct key few[KEYS_INLINE];
};

static bool
fault(struct scan *s, const char *at, const char *what)
{
	s->at = at;
	s->what = what;
	return false;
}

/* The byte at hand; -1 at the end. */
static int
peek(const struct scan *s)
{
	return s->p < s->end ? (unsigned char)*s->p : -1;
}

static bool
unexpected(struct scan *s)
{
	return fault(
	    s, s->p, s->p < s->end ? "unexpected character" : "unexpected end");
}

static void
space(struct scan *s)
{
	while (s->p < s->end &&
	    (*s->p == ' ' || *s->p == '\n' || *s->p == '\r' || *s->p == '\t'))
		s->p++;
}

static bool
take(struct scan *s, char c)
{
	if (peek(s) != c)
		return unexpected(s);
	s->p++;
	return true;
}

/* Strings */

static int
hex4(const char *p)
{
	unsigned char two[2];

	if (!hex_decode((struct str){ p, 4 }, two, 2))
		return -1;
	return two[0] << 8 | two[1];
}

/* The code point of \uXXXX or of a pair of them at `p`; -1: broken. `*len` is
 * what it took. */
static int32_t
unicode_escape(const char *p, const char *end, size_t *len)
{
	int high, low;

	*len = 6;
	if (end - p < 6 || (high = hex4(p + 2)) < 0 ||
	    (high >= 0xdc00 && high <= 0xdfff))
		return -1;
	if (high < 0xd800 || high > 0xdbff)
		return high;
	*len = 12;
	if (end - p < 12 || p[6] != '\\' || p[7] != 'u' ||
	    (low = hex4(p + 8)) < 0xdc00 || low > 0xdfff)
		return -1;
	return 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
}

static bool
scan_escape(struct scan *s)
{
	size_t len = 2;

	if (s->end - s->p < 2)
		return fault(s, s->end, "unexpected end");
	if (s->p[1] == 'u') {
		int32_t cp = unicode_escape(s->p, s->end, &len);

		if (cp < 0)
			return fault(s, s->p, "broken \\u escape");
		if (cp == 0)
			return fault(s, s->p, "NUL in a string");
	} else if (s->p[1] == '\0' || strchr("\"\\/bfnrt", s->p[1]) == NULL) {
		return fault(s, s->p, "unknown escape");
	}
	s->p += len;
	return true;
}

/* From the opening quote to behind the closing one. */
static bool
scan_string(struct scan *s, struct key *out)
{
	const char *start = s->p + 1;
	bool escaped = false;

	if (!take(s, '"'))
		return false;
	while (peek(s) != '"') {
		int c = peek(s), step;

		if (c < 0)
			return unexpected(s);
		if (c < 0x20)
			return fault(s, s->p, "control character in a string");
		if (c == '\\') {
			escaped = true;
			if (!scan_escape(s))
				return false;
			continue;
		}
		step = utf8_step(s->p, (size_t)(s->end - s->p));
		if (step < 0)
			return fault(s, s->p, "broken UTF-8");
		s->p += step;
	}
	*out = (struct key){ start, (uint32_t)(s->p - start), escaped };
	s->p++;
	return true;
}

/* Keys */

/* The next byte of a key with its escapes resolved, held back in `left`
 * where an escape stands for several. */
struct reader {
	const char *p, *end;
	char left[4];
	unsigned n, at;
};

static struct reader
reader_on(const struct key *k)
{
	return (struct reader){ .p = k->p, .end = k->p + k->n };
}

static int
reader_next(struct reader *r)
{
	static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
	const char *simple;
	size_t len;

	if (r->at < r->n)
		return (unsigned char)r->left[r->at++];
	if (r->p == r->end)
		return -1;
	if (*r->p != '\\')
		return (unsigned char)*r->p++;
	if (r->p[1] == 'u') {
		r->n = (unsigned)utf8_put(
		    r->left, (uint32_t)unicode_escape(r->p, r->end, &len));
		r->at = 1;
		r->p += len;
		return (unsigned char)r->left[0];
	}
	simple = strchr(from, r->p[1]);
	r->p += 2;
	return simple != NULL ? to[simple - from] : (unsigned char)r->p[-1];
}

static int
key_order(const struct key *a, const struct key *b)
{
	struct reader ra, rb;
	int ca, cb;

	if (!a->escaped && !b->escaped) {
		int order = memcmp(a->p, b->p, a->n < b->n ? a->n : b->n);

		return order != 0 ? order : (a->n > b->n) - (a->n < b->n);
	}
	ra = reader_on(a);
	rb = reader_on(b);
	do {
		ca = reader_next(&ra);
		cb = reader_next(&rb);
	} while (ca == cb && ca >= 0);
	return ca - cb;
}

/* Equal keys in the order of the text, so that the later one is blamed. */
static int
key_compare(const void *va, const void *vb)
{
	const struct key *a = va, *b = vb;
	int order = key_order(a, b);

	return order != 0 ? order : (a->p > b->p) - (a->p < b->p);
}

/* Sorted, n log n: an object of many keys must not cost their square. The one
 * at fault is put last, where path_of looks for the field at hand. */
static bool
keys_differ(struct scan *s, const struct frame *f)
{
	struct key *keys = s->keys + f->keys;
	size_t n = s->keys_n - f->keys;

	qsort(keys, n, sizeof(*keys), key_compare);
	for (size_t i = 1; i < n; i++) {
		if (key_order(&keys[i - 1], &keys[i]) == 0) {
			keys[n - 1] = keys[i];
			return fault(s, keys[i].p - 1, "duplicate key");
		}
	}
	return true;
}

static void
keys_grow(struct scan *s)
{
	size_t cap = s->keys_cap * 2;
	struct key *grown = malloc(cap * sizeof(*grown));

	if (grown == NULL)
		die("out of memory");
	memcpy(grown, s->keys, s->keys_n * sizeof(*grown));
	if (s->keys != s->few)
		free(s->keys);
	s->keys = grown;
	s->keys_cap = cap;
}

static bool
scan_key(struct scan *s, struct frame *f)
{
	struct key k = { 0 };

	f->named = false;
	space(s);
	if (!scan_string(s, &k))
		return false;
	if (s->keys_n == JSON_KEYS_MOST)
		return fault(s, k.p - 1, "too many keys");
	if (s->keys_n == s->keys_cap)
		keys_grow(s);
	s->keys[s->keys_n++] = k;
	f->named = true;
	space(s);
	return take(s, ':');
}

/* Numbers */

static void
digits(struct scan *s)
{
	while (s->p < s->end && *s->p >= '0' && *s->p <= '9')
		s->p++;
}

static bool
some_digits(struct scan *s)
{
	const char *start = s->p;

	digits(s);
	return s->p > start || unexpected(s);
}

static bool
fits_int64(const char *p, const char *end)
{
	bool negative = *p == '-';
	uint64_t value;

	p += negative;
	return str_uint((struct str){ p, (size_t)(end - p) },
	    (uint64_t)INT64_MAX + negative, &value);
}

/* Is a number with fraction or exponent a finite double? strtod() wants a
 * NUL and obeys the locale; so the first digits are handed to it as a whole
 * number with its exponent, which bounds the work as well. */
static bool
fits_double(const char *p, const char *end)
{
	char text[64];
	size_t n = 0;
	int64_t exponent = 0, written = 0;
	bool fraction = false, negative;

	for (p += *p == '-'; p < end && *p != 'e' && *p != 'E'; p++) {
		if (*p == '.') {
			fraction = true;
			continue;
		}
		if (n < 40 && (n > 0 || *p != '0'))
			text[n++] = *p;
		else if (n > 0)
			exponent++;
		exponent -= fraction;
	}
	if (n == 0)
		return true; /* zero, whatever the exponent */
	if (p < end)
		p++;
	negative = p < end && *p == '-';
	for (p += p < end && (*p == '-' || *p == '+'); p < end; p++) {
		if (written < 100000000)
			written = written * 10 + (*p - '0');
	}
	exponent += negative ? -written : written;
	snprintf(text + n, sizeof(text) - n, "e%lld", (long long)exponent);
	return isfinite(strtod(text, NULL));
}

static bool
scan_number(struct scan *s)
{
	const char *start = s->p;
	bool whole = true;

	s->p += *s->p == '-';
	if (peek(s) == '0')
		s->p++;
	else if (!some_digits(s))
		return false;
	if (peek(s) == '.') {
		whole = false;
		s->p++;
		if (!some_digits(s))
			return false;
	}
	if (peek(s) == 'e' || peek(s) == 'E') {
		whole = false;
		s->p++;
		if (peek(s) == '+' || peek(s) == '-')
			s->p++;
		if (!some_digits(s))
			return false;
	}
	if (whole ? !fits_int64(start, s->p) : !fits_double(start, s->p))
		return fault(s, start, "number out of range");
	return true;
}

/* Values */

static bool
scan_word(struct scan *s, struct str word)
{
	struct str rest = { s->p, (size_t)(s->end - s->p) };

	if (!str_starts(rest, word))
		return unexpected(s);
	s->p += word.n;
	return true;
}

static bool
scan_scalar(struct scan *s)
{
	struct key ignored;

	switch (peek(s)) {
	case '"': return scan_string(s, &ignored);
	case 't': return scan_word(s, STR("true"));
	case 'f': return scan_word(s, STR("false"));
	case 'n': return scan_word(s, STR("null"));
	case '-':
	case '0' ... '9': return scan_number(s);
	default: return unexpected(s);
	}
}

static struct frame *
top(struct scan *s)
{
	return &s->frames[s->depth - 1];
}

static bool
close_bracket(struct scan *s)
{
	struct frame *f = top(s);

	if (f->object && !keys_differ(s, f))
		return false;
	s->p++;
	if (f->object)
		s->keys_n = f->keys;
	s->depth--;
	s->want = s->depth > 0 ? WANT_NEXT : WANT_END;
	return true;
}

static bool
at_close(struct scan *s)
{
	return peek(s) == (top(s)->object ? '}' : ']');
}

static bool
open_bracket(struct scan *s)
{
	struct frame *f;

	if (s->depth == s->depth_most)
		return fault(s, s->p, "nested too deep");
	f = &s->frames[s->depth++];
	*f = (struct frame){ .object = *s->p == '{', .keys = s->keys_n };
	s->p++;
	space(s);
	if (at_close(s))
		return close_bracket(s);
	s->want = WANT_VALUE;
	return !f->object || scan_key(s, f);
}

static bool
scan_value(struct scan *s)
{
	if (peek(s) == '{' || peek(s) == '[')
		return open_bracket(s);
	if (!scan_scalar(s))
		return false;
	s->want = s->depth > 0 ? WANT_NEXT : WANT_END;
	return true;
}

/* Behind a value inside brackets. */
static bool
scan_next(struct scan *s)
{
	struct frame *f = top(s);

	if (at_close(s))
		return close_bracket(s);
	if (!take(s, ','))
		return false;
	s->want = WANT_VALUE;
	f->index++;
	return !f->object || scan_key(s, f);
}

static bool
scan_text(struct scan *s)
{
	if (s->end - s->begin > (ptrdiff_t)UINT32_MAX)
		return fault(s, s->begin, "text too long");
	do {
		space(s);
		if (s->want == WANT_VALUE ? !scan_value(s) : !scan_next(s))
			return false;
	} while (s->want != WANT_END);
	space(s);
	return s->p == s->end || fault(s, s->p, "text behind the value");
}

/* Faults */

static void
path_add(struct json_fault *out, size_t *n, const char *p, size_t len)
{
	size_t room = sizeof(out->path) - 1 - *n;

	if (len > room)
		len = utf8_cut(p, len, room);
	memcpy(out->path + *n, p, len);
	*n += len;
	out->path[*n] = '\0';
}

static void
path_add_key(struct json_fault *out, size_t *n, const struct key *k)
{
	struct reader r = reader_on(k);
	char text[sizeof(out->path)];
	size_t len = 0;
	int c;

	while (len < sizeof(text) && (c = reader_next(&r)) >= 0)
		text[len++] = (char)c;
	if (*n > 0)
		path_add(out, n, ".", 1);
	path_add(out, n, text, len);
}

/* The last key of an object's frame is that of its field at hand: those of
 * inner objects that ended are gone. */
static void
path_of(const struct scan *s, struct json_fault *out)
{
	size_t n = 0;

	for (unsigned i = 0; i < s->depth; i++) {
		const struct frame *f = &s->frames[i];
		size_t last = s->keys_n;
		char index[16];

		for (unsigned k = i + 1; k < s->depth; k++) {
			if (s->frames[k].object) {
				last = s->frames[k].keys;
				break;
			}
		}
		if (f->object && f->named)
			path_add_key(out, &n, &s->keys[last - 1]);
		if (!f->object)
			path_add(out, &n, index,
			    (size_t)snprintf(index, sizeof(index), "[%u]",
				(unsigned)f->index));
	}
}

static void
describe(const struct scan *s, struct json_fault *out)
{
	const char *line = s->begin;

	*out = (struct json_fault){ .line = 1, .what = s->what };
	for (const char *p = s->begin; p < s->at; p++) {
		if (*p == '\n') {
			out->line++;
			line = p + 1;
		}
	}
	out->column = (size_t)(s->at - line) + 1;
	path_of(s, out);
}

enum rc
json_scan(struct str text, unsigned depth, struct json_fault *out)
{
	struct scan s;
	bool good;

	/* Not the arrays: they are large and written before they are read. */
	s.begin = s.p = text.p != NULL ? text.p : "";
	s.end = s.begin + text.n;
	s.at = s.what = NULL;
	s.want = WANT_VALUE;
	s.depth = 0;
	s.depth_most = depth < JSON_DEPTH_MOST ? depth : JSON_DEPTH_MOST;
	s.keys = s.few;
	s.keys_n = 0;
	s.keys_cap = KEYS_INLINE;
	good = scan_text(&s);
	if (!good)
		describe(&s, out);
	if (s.keys != s.few)
		free(s.keys);
	return good ? RC_OK : RC_MALFORMED;
}
