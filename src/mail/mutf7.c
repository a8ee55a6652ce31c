#include "mail/mutf7.h"

#include "core/buffer.h"

#define NAME_MAX_BYTES 1000

/* Base 64 with ',' for '/': a slash would be a hierarchy separator. */
static const char digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

static bool
is_plain(unsigned char c)
{
	return c >= 0x20 && c <= 0x7e;
}

/* UTF-16 units become UTF-8; a high surrogate waits for its low one. */
struct units {
	uint32_t high;
	struct buf *out;
};

static bool
unit_add(struct units *u, uint32_t unit)
{
	char utf8[4];

	if (unit >= 0xd800 && unit <= 0xdbff) {
		if (u->high != 0)
			return false;
		u->high = unit;
		return true;
	}
	if (unit >= 0xdc00 && unit <= 0xdfff) {
		if (u->high == 0)
			return false;
		unit = 0x10000 + ((u->high - 0xd800) << 10) + (unit - 0xdc00);
		u->high = 0;
	} else if (u->high != 0 || unit < 0x80) {
		return false; /* plain characters stand for themselves */
	}
	buf_add(u->out, utf8, utf8_put(utf8, unit));
	return true;
}

/* What stands between '&' and '-'. Left-over bits must be zero and fewer
 * than one digit. */
static bool
decode_run(struct str run, struct buf *out)
{
	struct units u = { 0, out };
	uint32_t bits = 0;
	unsigned have = 0;

	for (size_t i = 0; i < run.n; i++) {
		int value = base64_value(run.p[i], digits + 62);

		if (value < 0)
			return false;
		bits = bits << 6 | (uint32_t)value;
		have += 6;
		if (have >= 16) {
			have -= 16;
			if (!unit_add(&u, bits >> have & 0xffff))
				return false;
			bits &= (1U << have) - 1;
		}
	}
	return u.high == 0 && have < 6 && bits == 0;
}

static bool
decode_into(struct str wire, struct buf *out)
{
	bool after_run = false;
	size_t i = 0;

	while (i < wire.n) {
		const char *end;

		if (wire.p[i] != '&') {
			if (!is_plain((unsigned char)wire.p[i]))
				return false;
			buf_putc(out, wire.p[i++]);
			after_run = false;
			continue;
		}
		i++;
		end = memchr(wire.p + i, '-', wire.n - i);
		if (end == NULL)
			return false;
		if (end == wire.p + i) {
			buf_putc(out, '&');
			after_run = false;
		} else {
			struct str run = { wire.p + i,
				(size_t)(end - wire.p) - i };

			/* "&AOQ-&AOQ-": one run should have been written */
			if (after_run || !decode_run(run, out))
				return false;
			after_run = true;
		}
		i = (size_t)(end - wire.p) + 1;
	}
	return true;
}

static struct str
as_it_is(struct arena *a, struct str wire, bool *exact)
{
	*exact = false;
	return utf8_repair(a, wire);
}

static bool
has_control(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c < 0x20 || c == 0x7f)
			return true;
	}
	return false;
}

struct str
mutf7_decode(struct arena *a, struct str wire, bool *exact)
{
	struct str out;
	struct buf b;

	/* 3 digits of 4 bytes text: no name grows beyond 3/2. */
	buf_init(&b, wire.n * 2 + 16);
	*exact = decode_into(wire, &b) && !b.full;
	out = *exact ? (struct str){ arena_dup(a, b.p, b.n), b.n }
		     : as_it_is(a, wire, exact);
	buf_clear(&b);
	return out;
}

struct str
mutf7_decode_utf8(struct arena *a, struct str wire, bool *exact)
{
	if (!utf8_valid(wire.p, wire.n) || has_control(wire))
		return as_it_is(a, wire, exact);
	*exact = true;
	return (struct str){ arena_dup(a, wire.p, wire.n), wire.n };
}

/* The next code point of valid UTF-8. */
static uint32_t
next_point(struct str s, size_t *i)
{
	unsigned char c = (unsigned char)s.p[(*i)++];
	uint32_t cp;
	unsigned more;

	if (c < 0x80)
		return c;
	more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1;
	cp = c & (0x3fU >> more);
	while (more-- > 0 && *i < s.n)
		cp = cp << 6 | ((unsigned char)s.p[(*i)++] & 0x3f);
	return cp;
}

struct digits_out {
	struct buf *out;
	uint32_t bits;
	unsigned have;
};

static void
put_unit(struct digits_out *d, uint32_t unit)
{
	d->bits = d->bits << 16 | unit;
	d->have += 16;
	while (d->have >= 6) {
		d->have -= 6;
		buf_putc(d->out, digits[d->bits >> d->have & 63]);
	}
	d->bits &= (1U << d->have) - 1;
}

static void
put_point(struct digits_out *d, uint32_t cp)
{
	if (cp < 0x10000) {
		put_unit(d, cp);
		return;
	}
	cp -= 0x10000;
	put_unit(d, 0xd800 + (cp >> 10));
	put_unit(d, 0xdc00 + (cp & 0x3ff));
}

static void
encode_run(struct str name, size_t *i, struct buf *out)
{
	struct digits_out d = { out, 0, 0 };

	buf_putc(out, '&');
	while (*i < name.n && (unsigned char)name.p[*i] >= 0x80)
		put_point(&d, next_point(name, i));
	if (d.have > 0)
		buf_putc(out, digits[d.bits << (6 - d.have) & 63]);
	buf_putc(out, '-');
}

enum rc
mutf7_encode(struct arena *a, struct str name, struct str *wire)
{
	struct buf b;

	if (name.n == 0 || name.n > NAME_MAX_BYTES)
		return fail(RC_INVALID, "a folder name has 1 to %d bytes",
		    NAME_MAX_BYTES);
	if (!utf8_valid(name.p, name.n) || has_control(name))
		return fail(RC_INVALID,
		    "a folder name is UTF-8 without control characters");
	/* Three bytes of text become at most five of a run: "&" 8/3 "-". */
	buf_init(&b, name.n * 5 + 16);
	for (size_t i = 0; i < name.n;) {
		if ((unsigned char)name.p[i] >= 0x80) {
			encode_run(name, &i, &b);
			continue;
		}
		buf_putc(&b, name.p[i]);
		if (name.p[i++] == '&')
			buf_putc(&b, '-');
	}
	*wire = (struct str){ arena_dup(a, b.p, b.n), b.n };
	buf_clear(&b);
	return RC_OK;
}
