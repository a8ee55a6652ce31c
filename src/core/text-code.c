#include "core/text.h"

static const char base64_plain[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char base64_url[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void
hex_encode(const void *from, size_t n, char *out)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *p = from;

	for (size_t i = 0; i < n; i++) {
		out[2 * i] = digits[p[i] >> 4];
		out[2 * i + 1] = digits[p[i] & 15];
	}
	out[2 * n] = '\0';
}

bool
hex_decode(struct str s, void *out, size_t out_n)
{
	unsigned char *o = out;

	if (s.n % 2 != 0 || s.n / 2 != out_n)
		return false;
	for (size_t i = 0; i < out_n; i++) {
		int high = hex_value(s.p[2 * i]);
		int low = hex_value(s.p[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		o[i] = (unsigned char)(high << 4 | low);
	}
	return true;
}

static char *
encode(struct arena *a, const void *from, size_t n, const char *alphabet,
    bool padded)
{
	const unsigned char *p = from;
	char *out = arena_array(a, n / 3 + 2, 4);
	size_t o = 0;

	for (size_t i = 0; i < n; i += 3) {
		size_t have = n - i < 3 ? n - i : 3;
		uint32_t bits = (uint32_t)p[i] << 16;

		if (have > 1)
			bits |= (uint32_t)p[i + 1] << 8;
		if (have > 2)
			bits |= p[i + 2];
		for (size_t k = 0; k <= have; k++)
			out[o++] = alphabet[bits >> (18 - 6 * k) & 63];
		for (size_t k = have; padded && k < 3; k++)
			out[o++] = '=';
	}
	return out;
}

/* `s` without padding. */
static bool
decode(struct arena *a, struct str s, const char *alphabet, struct str *out)
{
	unsigned char *bytes;
	uint32_t bits = 0;
	unsigned held = 0;
	size_t n = 0;

	if (s.n % 4 == 1)
		return false;
	bytes = arena_alloc(a, s.n / 4 * 3 + 4);
	for (size_t i = 0; i < s.n; i++) {
		int v = base64_value(s.p[i], alphabet + 62);

		if (v < 0)
			return false;
		bits = (bits << 6 | (uint32_t)v) & 0xfffff;
		held += 6;
		if (held < 8)
			continue;
		held -= 8;
		bytes[n++] = (unsigned char)(bits >> held);
	}
	if ((bits & ((1U << held) - 1)) != 0)
		return false; /* two texts for the same bytes */
	*out = (struct str){ (const char *)bytes, n };
	return true;
}

char *
base64_encode(struct arena *a, const void *p, size_t n)
{
	return encode(a, p, n, base64_plain, true);
}

char *
base64url_encode(struct arena *a, const void *p, size_t n)
{
	return encode(a, p, n, base64_url, false);
}

bool
base64_decode(struct arena *a, struct str s, struct str *out)
{
	if (s.n % 4 != 0)
		return false;
	for (int i = 0; i < 2 && s.n > 0 && s.p[s.n - 1] == '='; i++)
		s.n--;
	return decode(a, s, base64_plain, out);
}

bool
base64url_decode(struct arena *a, struct str s, struct str *out)
{
	return decode(a, s, base64_url, out);
}

bool
percent_decode(struct arena *a, struct str s, bool form, struct str *out)
{
	char *to = arena_alloc(a, s.n + 1);
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c == '%') {
			if (s.n - i < 3 ||
			    !hex_decode((struct str){ s.p + i + 1, 2 }, &c, 1))
				return false;
			i += 2;
		} else if (c == '+' && form) {
			c = ' ';
		}
		if (c == '\0')
			return false;
		to[n++] = (char)c;
	}
	*out = (struct str){ to, n };
	return true;
}

char *
percent_encode(struct arena *a, struct str s)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "abcdefghijklmnopqrstuvwxyz"
				    "0123456789-._~";
	static const char hex[] = "0123456789ABCDEF";
	char *out = arena_alloc(a, 3 * s.n + 1), *to = out;

	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (memchr(plain, c, sizeof plain - 1) != NULL) {
			*to++ = (char)c;
			continue;
		}
		*to++ = '%';
		*to++ = hex[c >> 4];
		*to++ = hex[c & 15];
	}
	*to = '\0';
	return out;
}
