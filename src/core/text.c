#include "core/text.h"

bool
str_starts(struct str s, struct str prefix)
{
	return s.n >= prefix.n &&
	    (prefix.n == 0 || memcmp(s.p, prefix.p, prefix.n) == 0);
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct str
str_trim(struct str s)
{
	while (s.n > 0 && is_blank(s.p[0])) {
		s.p++;
		s.n--;
	}
	while (s.n > 0 && is_blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

/* By hand: a list prints some hundreds, and printf is ten times as slow. */
size_t
int_print(int64_t value, char out[INT_PRINT_SIZE])
{
	/* Through unsigned, for INT64_MIN has no positive. */
	uint64_t left = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
	char digits[INT_PRINT_SIZE], *p = digits + sizeof digits;

	do
		*--p = (char)('0' + left % 10);
	while ((left /= 10) > 0);
	if (value < 0)
		*--p = '-';
	memcpy(out, p, (size_t)(digits + sizeof digits - p));
	return (size_t)(digits + sizeof digits - p);
}

bool
str_uint(struct str s, uint64_t max, uint64_t *out)
{
	uint64_t v = 0;

	if (s.n == 0 || (s.n > 1 && s.p[0] == '0'))
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9' ||
		    __builtin_mul_overflow(v, 10U, &v) ||
		    __builtin_add_overflow(v, (unsigned)(s.p[i] - '0'), &v))
			return false;
	}
	if (v > max)
		return false;
	*out = v;
	return true;
}

/* RFC 3629 section 4: only the second byte's range depends on the first. */
int
utf8_step(const char *text, size_t n)
{
	const unsigned char *p = (const unsigned char *)text;
	unsigned least = 0x80, most = 0xbf;
	int len;

	if (p[0] < 0x80)
		return 1;
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return -1;
	len = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	switch (p[0]) {
	case 0xe0: least = 0xa0; break; /* else overlong */
	case 0xed: most = 0x9f; break;  /* else a surrogate */
	case 0xf0: least = 0x90; break; /* else overlong */
	case 0xf4: most = 0x8f; break;  /* else past U+10FFFF */
	default: break;
	}
	for (int i = 1; i < len; i++) {
		if ((size_t)i >= n || p[i] < least || p[i] > most)
			return -i;
		least = 0x80;
		most = 0xbf;
	}
	return len;
}

static bool
eight_ascii(const char *p)
{
	uint64_t x;

	memcpy(&x, p, sizeof(x));
	return (x & UINT64_C(0x8080808080808080)) == 0;
}

size_t
utf8_valid_prefix(const char *p, size_t n)
{
	size_t i = 0;

	while (i < n) {
		int step;

		if (n - i >= 8 && eight_ascii(p + i)) {
			i += 8;
			continue;
		}
		step = utf8_step(p + i, n - i);
		if (step < 0)
			break;
		i += (size_t)step;
	}
	return i;
}

size_t
utf8_count(const char *s, size_t n)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		count += ((unsigned char)s[i] & 0xc0) != 0x80;
	return count;
}

size_t
utf8_cut(const char *p, size_t n, size_t max)
{
	size_t i = max;

	if (n <= max)
		return n;
	while (i > 0 && max - i < 3 && ((unsigned char)p[i] & 0xc0) == 0x80)
		i--;
	return i;
}

size_t
utf8_put(char out[4], uint32_t cp)
{
	if (cp < 0x80) {
		out[0] = (char)cp;
		return 1;
	}
	if (cp < 0x800) {
		out[0] = (char)(0xc0 | cp >> 6);
		out[1] = (char)(0x80 | (cp & 0x3f));
		return 2;
	}
	if (cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff))
		cp = 0xfffd;
	if (cp < 0x10000) {
		out[0] = (char)(0xe0 | cp >> 12);
		out[1] = (char)(0x80 | (cp >> 6 & 0x3f));
		out[2] = (char)(0x80 | (cp & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | cp >> 18);
	out[1] = (char)(0x80 | (cp >> 12 & 0x3f));
	out[2] = (char)(0x80 | (cp >> 6 & 0x3f));
	out[3] = (char)(0x80 | (cp & 0x3f));
	return 4;
}

/* The bytes at `p` that are to be replaced as one; 0: they are good. */
static size_t
to_replace(const char *p, size_t n)
{
	int step = utf8_step(p, n);

	if (step < 0)
		return (size_t)-step;
	return *p == '\0' ? 1 : 0;
}

struct str
utf8_repair(struct arena *a, struct str s)
{
	size_t bad = 0, n = 0;
	char *out;

	for (size_t i = 0; i < s.n;) {
		size_t skip = to_replace(s.p + i, s.n - i);

		bad += skip > 0;
		i += skip > 0 ? skip : (size_t)utf8_step(s.p + i, s.n - i);
	}
	out = arena_alloc(a, s.n + bad * 2 + 1);
	for (size_t i = 0; i < s.n;) {
		size_t skip = to_replace(s.p + i, s.n - i);
		size_t keep;

		if (skip > 0) {
			n += utf8_put(out + n, 0xfffd);
			i += skip;
			continue;
		}
		keep = (size_t)utf8_step(s.p + i, s.n - i);
		memcpy(out + n, s.p + i, keep);
		n += keep;
		i += keep;
	}
	return (struct str){ out, n };
}
