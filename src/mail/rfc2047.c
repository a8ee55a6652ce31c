#include "mail/rfc2047.h"

#include "core/buffer.h"
#include "mail/charset.h"

#define CHARSET_LONGEST 64
#define WORD_BYTES      45  /* as base64 60; with =?UTF-8?B??= 72 */
#define WORD_AROUND     12  /* its ends and names */
#define LINE_MOST       76  /* of a line with such a word (2) */
#define PLAIN_MOST      900 /* a line has at most 998 (RFC 5322 2.1.1) */

/* One encoded word, cut into its pieces (2). */
struct word {
	struct str charset;
	char encoding; /* 'B' or 'Q' */
	struct str text;
	size_t length; /* of the whole */
};

/* What is decoded so far. `run` holds bytes of `charset` that wait for the
 * words that follow. */
struct decoder {
	struct arena *arena;
	struct buf out;
	struct buf run;
	struct str charset; /* p == NULL: no run */
};

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Finds the next '?' within `most` bytes and moves behind it. */
static bool
take_field(struct str *s, size_t most, struct str *out)
{
	const char *end = memchr(s->p, '?', s->n < most ? s->n : most);

	if (end == NULL)
		return false;
	*out = (struct str){ s->p, (size_t)(end - s->p) };
	*s = (struct str){ end + 1, s->n - out->n - 1 };
	return true;
}

/* The text ends at the next '?' (2: it holds none), so that however many
 * beginnings there are, each byte is looked at a few times only. */
static bool
word_read(struct str s, struct word *w)
{
	struct str all = s, encoding;
	const char *language;

	if (s.n < 9 || s.p[0] != '=' || s.p[1] != '?')
		return false;
	s = (struct str){ s.p + 2, s.n - 2 };
	if (!take_field(&s, CHARSET_LONGEST + 1, &w->charset) ||
	    w->charset.n == 0 || !take_field(&s, 2, &encoding) ||
	    encoding.n != 1 || !take_field(&s, s.n, &w->text) || s.n == 0 ||
	    s.p[0] != '=')
		return false;
	w->encoding = (char)(encoding.p[0] & ~0x20);
	if (w->encoding != 'B' && w->encoding != 'Q')
		return false;
	/* RFC 2231 5: charset*language */
	language = memchr(w->charset.p, '*', w->charset.n);
	if (language != NULL)
		w->charset.n = (size_t)(language - w->charset.p);
	w->length = (size_t)(s.p + 1 - all.p);
	return true;
}

/* Neither encoding makes more bytes than there are. */
static void
decode_q(struct str s, struct buf *out)
{
	char *room = buf_room(out, s.n), *to = room;

	for (size_t i = 0; room != NULL && i < s.n; i++) {
		int high = -1, low = -1;

		if (s.p[i] == '=' && i + 2 < s.n) {
			high = hex_value(s.p[i + 1]);
			low = hex_value(s.p[i + 2]);
		}
		if (high >= 0 && low >= 0) {
			*to++ = (char)(high << 4 | low);
			i += 2;
		} else {
			*to++ = (char)(s.p[i] == '_' ? ' ' : s.p[i]);
		}
	}
	buf_wrote(out, (size_t)(to - room));
}

/* Lenient: foreign characters are skipped, padding may be missing or stand
 * in the middle where two words were glued together. */
static void
decode_b(struct str s, struct buf *out)
{
	char *room = buf_room(out, s.n), *to = room;
	uint32_t bits = 0;
	unsigned have = 0;

	for (size_t i = 0; room != NULL && i < s.n; i++) {
		int value = base64_value(s.p[i], "+/");

		if (s.p[i] == '=')
			have = 0;
		if (value < 0)
			continue;
		bits = (bits << 6 | (uint32_t)value) & 0xffffff;
		have += 6;
		if (have >= 8) {
			have -= 8;
			*to++ = (char)(bits >> have & 0xff);
		}
	}
	buf_wrote(out, (size_t)(to - room));
}

/* Line ends and other controls cannot be shown and must not reach a header
 * that somebody writes later. */
static void
put_text(struct buf *out, struct str s)
{
	char *room = buf_room(out, s.n), *to = room;

	for (size_t i = 0; room != NULL && i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c == '\r' || c == '\n')
			continue;
		*to++ = c < 0x20 || c == 0x7f ? ' ' : (char)c;
	}
	buf_wrote(out, (size_t)(to - room));
}

static void
end_run(struct decoder *d)
{
	struct str bytes = { d->run.n > 0 ? d->run.p : "", d->run.n };

	if (d->charset.p == NULL)
		return;
	put_text(&d->out, charset_to_utf8(d->arena, d->charset, bytes, NULL));
	buf_reset(&d->run);
	d->charset = (struct str){ NULL, 0 };
}

static void
take_word(struct decoder *d, const struct word *w)
{
	if (d->charset.p != NULL && !str_ieq(d->charset, w->charset))
		end_run(d);
	d->charset = w->charset;
	if (w->encoding == 'B')
		decode_b(w->text, &d->run);
	else
		decode_q(w->text, &d->run);
}

static void
take_plain(struct decoder *d, struct str s)
{
	end_run(d);
	if (!utf8_valid(s.p, s.n))
		s = charset_to_utf8(d->arena, (struct str){ NULL, 0 }, s, NULL);
	put_text(&d->out, s);
}

/* Where the next word could begin, from `i` on. */
static size_t
next_start(struct str s, size_t i)
{
	while (i < s.n) {
		const char *p = memchr(s.p + i, '=', s.n - i);

		if (p == NULL)
			return s.n;
		i = (size_t)(p - s.p);
		if (i + 1 < s.n && s.p[i + 1] == '?')
			return i;
		i++;
	}
	return s.n;
}

static bool
all_blank(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (!is_blank(s.p[i]))
			return false;
	}
	return true;
}

static void
decode_all(struct decoder *d, struct str s)
{
	size_t plain = 0; /* where text outside of words began */
	size_t i = next_start(s, 0);

	while (i < s.n) {
		struct str gap = { s.p + plain, i - plain };
		struct word w;

		if (!word_read((struct str){ s.p + i, s.n - i }, &w)) {
			i = next_start(s, i + 2);
			continue;
		}
		if (d->charset.p == NULL || !all_blank(gap))
			take_plain(d, gap);
		take_word(d, &w);
		plain = i + w.length;
		i = next_start(s, plain);
	}
	take_plain(d, (struct str){ s.p + plain, s.n - plain });
}

/* Printable ASCII without the beginning of an encoded word: as it is. */
static bool
is_decoded(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c < 0x20 || c > 0x7e ||
		    (c == '=' && i + 1 < s.n && s.p[i + 1] == '?'))
			return false;
	}
	return true;
}

struct str
rfc2047_decode(struct arena *a, struct str s, size_t max)
{
	struct decoder d = { .arena = a };
	struct str out;

	if (s.p == NULL)
		return s;
	if (is_decoded(s)) {
		s.n = s.n > max ? max : s.n;
		return (struct str){ arena_dup(a, s.p, s.n), s.n };
	}
	buf_init(&d.out, s.n * 4 + 64);
	buf_init(&d.run, s.n + 64);
	decode_all(&d, s);
	out.n = utf8_cut(d.out.n > 0 ? d.out.p : "", d.out.n, max);
	out.p = arena_dup(a, d.out.n > 0 ? d.out.p : "", out.n);
	buf_clear(&d.out);
	buf_clear(&d.run);
	return out;
}

/* The length of a word's bytes: all, or a cut between characters at a third
 * byte, since some (GMime 3.2) read neighbouring words as one run of base64 and
 * stop at a padding. */
static size_t
word_cut(struct str text, size_t most)
{
	size_t n = utf8_cut(text.p, text.n, most);

	for (size_t k = n; n < text.n && k > n / 2;
	     k = utf8_cut(text.p, text.n, k - 1))
		if (k % 3 == 0)
			return k;
	return n;
}

/* As many bytes as a word from `column` on has room for; 0: not even one
 * character. */
static size_t
word_bytes(struct str text, size_t column)
{
	size_t room = column + WORD_AROUND < LINE_MOST
	    ? (LINE_MOST - column - WORD_AROUND) / 4 * 3
	    : 0;

	return word_cut(text, room < WORD_BYTES ? room : WORD_BYTES);
}

struct str
rfc2047_words(struct arena *a, struct str text, size_t column)
{
	struct buf b;
	struct str out;

	buf_init(&b, text.n * 4 + 256);
	while (text.n > 0) {
		size_t n = word_bytes(text, column);
		char *piece = arena_dup(a, text.p, n);

		for (size_t i = 0; i < n; i++) {
			if ((unsigned char)piece[i] < 0x20 || piece[i] == 0x7f)
				piece[i] = ' ';
		}
		if (n > 0)
			buf_fmt(
			    &b, "=?UTF-8?B?%s?=", base64_encode(a, piece, n));
		text = (struct str){ text.p + n, text.n - n };
		if (text.n > 0)
			BUF_LIT(&b, "\r\n ");
		column = 1;
	}
	out = (struct str){ arena_dup(a, b.n > 0 ? b.p : "", b.n), b.n };
	buf_clear(&b);
	return out;
}

struct str
rfc2047_encode(struct arena *a, struct str text, size_t column)
{
	if (text.n <= PLAIN_MOST && is_decoded(text))
		return (struct str){
			arena_dup(a, text.n > 0 ? text.p : "", text.n), text.n
		};
	return rfc2047_words(a, text, column);
}
