#include "domain/search-words.h"

#include "core/buffer.h"

static bool
is_of_word(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c >= 0x80;
}

struct str
search_word(struct str text, size_t *at)
{
	size_t from = *at, to;

	while (from < text.n && !is_of_word((unsigned char)text.p[from]))
		from++;
	to = from;
	while (to < text.n && is_of_word((unsigned char)text.p[to]))
		to++;
	*at = to;
	if (to == from)
		return (struct str){ text.p, 0 };
	return (struct str){ text.p + from,
		to - from <= SEARCH_WORD_MOST
		    ? to - from
		    : utf8_cut(text.p + from, to - from, SEARCH_WORD_MOST) };
}

static struct str
taken(struct arena *a, struct buf *b)
{
	struct str s = { arena_dup(a, b->n > 0 ? b->p : "", b->n), b->n };

	buf_clear(b);
	return s;
}

struct str
search_words(struct arena *a, struct str text)
{
	struct buf b;
	struct str word;
	size_t at = 0;

	buf_init(&b, (size_t)SEARCH_WORDS_MOST * (SEARCH_WORD_MOST + 1));
	for (unsigned n = 0; n < SEARCH_WORDS_MOST; n++) {
		word = search_word(text, &at);
		if (word.n == 0)
			break;
		if (n > 0)
			buf_putc(&b, ' ');
		buf_add(&b, word.p, word.n);
	}
	return taken(a, &b);
}

struct str
search_body(struct arena *a, struct str text)
{
	struct buf b;
	bool blank = false;

	buf_init(&b, SEARCH_BODY_MOST + 1);
	for (size_t i = 0; i < text.n && b.n < SEARCH_BODY_MOST; i++) {
		unsigned char c = (unsigned char)text.p[i];

		if (c <= ' ' || c == 0x7f) {
			blank = b.n > 0;
			continue;
		}
		if (blank)
			buf_putc(&b, ' ');
		/* What is a tag for ts_headline is left out by it. */
		blank = c == '<';
		buf_putc(&b, (char)c);
	}
	if (b.n > 0)
		b.n = utf8_valid_prefix(b.p, b.n);
	return taken(a, &b);
}
