/* Words: what texts and queries are taken apart into before they are looked
 * for. Letters and digits of ASCII, and whatever is not ASCII, belong to one;
 * all else stands between two. The database takes off accents and stems
 * (0130-search.sql); what it gets is words with one blank between them, so no
 * text can be a query of its own, and no address or file name one word. */
#ifndef DOMAIN_SEARCH_WORDS_H
#define DOMAIN_SEARCH_WORDS_H

#include "core/arena.h"
#include "core/text.h"

#define SEARCH_WORD_MOST  64   /* bytes; the rest of a word does not count */
#define SEARCH_WORDS_MOST 5000 /* of a text */
#define SEARCH_BODY_MOST  8192 /* bytes of a text that are kept */

/* The word that begins at or behind *at, which moves on; n 0: none. Borrowed.
 * The text is valid UTF-8. */
struct str search_word(struct str text, size_t *at);

/* A text as it is indexed: its first words. */
struct str search_words(struct arena *, struct str text);

/* A text as it is kept for extracts: its beginning, blanks joined, without
 * control characters. */
struct str search_body(struct arena *, struct str text);

#endif
