/* Tokens of an IMAP response (RFC 9051 9). Works in place on one frame that
 * has been copied into the arena: every string points into it. Nesting is
 * counted, so that no parser on top of this can run away. */
#ifndef MAIL_IMAP_LEXER_H
#define MAIL_IMAP_LEXER_H

#include "core/arena.h"
#include "mail/imap-reader.h"

#define IMAP_DEPTH 32

struct imap_lexer {
	const char *p;
	const char *end;
	const char *base;
	const struct imap_literal *literal; /* the next one */
	const struct imap_literal *literal_end;
	struct arena *arena;
	unsigned depth;
	const char *fault; /* the first thing that went wrong */
};

/* Copies the frame. */
void
imap_lexer_open(struct imap_lexer *, struct arena *, const struct imap_frame *);

/* Notes the first fault; returns false, so that it can be returned. */
bool lex_fault(struct imap_lexer *, const char *why);

static inline bool
lex_more(const struct imap_lexer *x)
{
	return x->p < x->end;
}
static inline bool
lex_at(const struct imap_lexer *x, char c)
{
	return x->p < x->end && *x->p == c;
}
/* Takes the character if it is there. */
static inline bool
lex_if(struct imap_lexer *x, char c)
{
	if (!lex_at(x, c))
		return false;
	x->p++;
	return true;
}
bool lex_char(struct imap_lexer *, char);
bool lex_open(struct imap_lexer *);  /* "(", one deeper */
bool lex_close(struct imap_lexer *); /* ")" */
void lex_blanks(struct imap_lexer *);
struct str lex_rest(struct imap_lexer *); /* all that is left */

bool lex_atom(struct imap_lexer *, struct str *); /* also "\Flag" */
bool lex_number(struct imap_lexer *, uint32_t *);
bool lex_number64(struct imap_lexer *, uint64_t *);
bool lex_string(struct imap_lexer *, struct str *);  /* quoted or literal */
bool lex_nstring(struct imap_lexer *, struct str *); /* NIL: p == NULL */
bool lex_astring(struct imap_lexer *, struct str *);

/* The literal at hand, for those who care how much of it was kept; NULL where
 * no literal stands here. Does not move. */
const struct imap_literal *lex_literal(const struct imap_lexer *);

/* Skips one value of any shape, however deep, without recursion. */
bool lex_skip(struct imap_lexer *);

/* Doubles an arena array that holds `n`; `cap` begins at 0. */
void *
lex_grow(struct imap_lexer *, void *array, size_t n, size_t *cap, size_t size);
#define LEX_GROW(x, array, n, cap)                                             \
	((n) < *(cap) ? (array)                                                \
		      : lex_grow((x), (array), (n), (cap), sizeof(*(array))))

#endif
