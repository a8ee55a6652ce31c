/* Text: borrowed runs of bytes, and what one asks of them. */
#ifndef CORE_TEXT_H
#define CORE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "core/arena.h"

/* A run of bytes that somebody else owns; may hold NUL, is not terminated.
 * p == NULL: absent (SQL NULL, IMAP NIL). */
struct str {
	const char *p;
	size_t n;
};

#define STR(lit)   ((struct str){ (lit), sizeof(lit) - 1 })
#define STR_FMT(s) (int)(s).n, (s).p /* for "%.*s" */

static inline struct str
str_of(const char *s)
{
	return (struct str){ s, s != NULL ? strlen(s) : 0 };
}

static inline bool
str_eq(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* ASCII letters only, whatever the locale. */
static inline bool
str_ieq(struct str a, struct str b)
{
	/* Most differ in the first letter. */
	return a.n == b.n &&
	    (a.n == 0 ||
		(((a.p[0] ^ b.p[0]) & ~0x20) == 0 &&
		    strncasecmp(a.p, b.p, a.n) == 0));
}

bool str_starts(struct str, struct str prefix);
struct str str_trim(struct str); /* SP, HT, CR, LF on both sides */

/* A decimal number, without NUL; returns the length. */
#define INT_PRINT_SIZE 20
size_t int_print(int64_t, char out[INT_PRINT_SIZE]);

/* Whole text as a decimal number without sign, blank or leading zeros beyond
 * "0" itself; false where it is not one or passes `max`. */
bool str_uint(struct str, uint64_t max, uint64_t *);

/* UTF-8 (RFC 3629). The sequence at `p`, n >= 1: its length 1..4, or -1..-3
 * where it is broken: so many bytes are to be replaced as one. */
int utf8_step(const char *p, size_t n);

/* Length of the valid prefix; n when all of it is. */
size_t utf8_valid_prefix(const char *, size_t n);
static inline bool
utf8_valid(const char *p, size_t n)
{
	return utf8_valid_prefix(p, n) == n;
}
/* Largest length <= max that does not cut a character. */
size_t utf8_cut(const char *, size_t n, size_t max);

/* Characters (code points) of valid UTF-8. */
size_t utf8_count(const char *, size_t n);
/* Appends a code point; returns the bytes written (1..4, 3 for U+FFFD). */
size_t utf8_put(char out[4], uint32_t cp);
/* A copy in which each broken sequence is U+FFFD and NUL is U+FFFD too. */
struct str utf8_repair(struct arena *, struct str);

/* Of a hex digit in either case; -1: it is none. */
static inline int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Of a character of base64, whose alphabets differ in their last two; -1: it is
 * none. */
static inline int
base64_value(char c, const char last[2])
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == last[0] ? 62 : c == last[1] ? 63 : -1;
}

/* hex and base64 (RFC 4648); the decoders are strict: no blanks, right
 * padding, no stray bits. `base64url` is written without padding and read
 * only without. */
void hex_encode(const void *, size_t, char *out /* 2n + 1 */);
bool hex_decode(struct str, void *out, size_t out_n); /* exactly out_n bytes */
char *base64_encode(struct arena *, const void *, size_t);
bool base64_decode(struct arena *, struct str, struct str *out);
char *base64url_encode(struct arena *, const void *, size_t);
bool base64url_decode(struct arena *, struct str, struct str *out);

/* %XX and, in forms, '+'. False on a broken escape or %00. */
bool percent_decode(struct arena *, struct str, bool form, struct str *out);
/* Everything but letters, digits and "-._~" as %XX (RFC 3986 2.3). */
char *percent_encode(struct arena *, struct str);

#endif
