#include "mail/imap-lexer.h"

/* Characters that end an atom: blank ( ) { " and controls. "\", "*", "%" and
 * "]" are let through: flags begin with the first, and servers are found that
 * use the others in keywords. */
static const bool ends_atom[256] = {
	[0 ... ' '] = true,
	['('] = true,
	[')'] = true,
	['{'] = true,
	['"'] = true,
	[0x7f] = true,
};

void
imap_lexer_open(
    struct imap_lexer *x, struct arena *a, const struct imap_frame *f)
{
	const char *copy = arena_dup(a, f->p, f->n);

	*x = (struct imap_lexer){ .p = copy,
		.end = copy + f->n,
		.base = copy,
		.literal = f->literal,
		.literal_end =
		    f->literals > 0 ? f->literal + f->literals : f->literal,
		.arena = a };
}

bool
lex_fault(struct imap_lexer *x, const char *why)
{
	if (x->fault == NULL)
		x->fault = why;
	return false;
}

bool
lex_char(struct imap_lexer *x, char c)
{
	if (lex_if(x, c))
		return true;
	return lex_fault(x, x->p < x->end ? "unexpected character" : "cut off");
}

bool
lex_open(struct imap_lexer *x)
{
	if (!lex_char(x, '('))
		return false;
	if (++x->depth > IMAP_DEPTH)
		return lex_fault(x, "nested too deep");
	return true;
}

bool
lex_close(struct imap_lexer *x)
{
	if (!lex_char(x, ')'))
		return false;
	x->depth--;
	return true;
}

void
lex_blanks(struct imap_lexer *x)
{
	while (lex_at(x, ' '))
		x->p++;
}

struct str
lex_rest(struct imap_lexer *x)
{
	struct str rest = { x->p, (size_t)(x->end - x->p) };

	x->p = x->end;
	return rest;
}

bool
lex_atom(struct imap_lexer *x, struct str *out)
{
	const char *p = x->p;

	while (p < x->end && !ends_atom[(unsigned char)*p])
		p++;
	*out = (struct str){ x->p, (size_t)(p - x->p) };
	if (out->n == 0)
		return lex_fault(x, "a word is missing");
	x->p = p;
	return true;
}

bool
lex_number64(struct imap_lexer *x, uint64_t *out)
{
	uint64_t value = 0;
	const char *p = x->p;

	for (; p < x->end && *p >= '0' && *p <= '9'; p++) {
		unsigned digit = (unsigned)(*p - '0');

		if (value > (UINT64_MAX - digit) / 10)
			return lex_fault(x, "number out of range");
		value = value * 10 + digit;
	}
	if (p == x->p)
		return lex_fault(x, "a number is missing");
	x->p = p;
	*out = value;
	return true;
}

bool
lex_number(struct imap_lexer *x, uint32_t *out)
{
	uint64_t value;

	if (!lex_number64(x, &value))
		return false;
	if (value > UINT32_MAX)
		return lex_fault(x, "number out of range");
	*out = (uint32_t)value;
	return true;
}

/* Takes the backslashes out of [from, to). Not in place: what could not be
 * parsed is read again to be skipped. */
static struct str
unescape(struct arena *a, const char *from, const char *to)
{
	char *text = arena_alloc(a, (size_t)(to - from) + 1), *out = text;

	for (const char *p = from; p < to; p++) {
		if (*p == '\\' && p + 1 < to)
			p++;
		*out++ = *p;
	}
	return (struct str){ text, (size_t)(out - text) };
}

static bool
lex_quoted(struct imap_lexer *x, struct str *out)
{
	const char *from = ++x->p, *p = from;
	bool escaped = false;

	while (p < x->end && *p != '"') {
		if (*p == '\\') {
			escaped = true;
			p++;
		}
		p++;
	}
	if (p >= x->end)
		return lex_fault(x, "a quoted string does not end");
	*out = escaped ? unescape(x->arena, from, p)
		       : (struct str){ from, (size_t)(p - from) };
	x->p = p + 1;
	return true;
}

/* The reader has found where literals begin; what looks like one elsewhere
 * ("{3}" without CRLF) is none. */
const struct imap_literal *
lex_literal(const struct imap_lexer *x)
{
	const char *start;
	size_t mark;

	if (x->literal == x->literal_end)
		return NULL;
	start = x->base + x->literal->at;
	mark = (size_t)(start - x->p);
	if (start < x->p || mark < 5 || mark > 40)
		return NULL;
	if (x->p[0] == '~') /* literal8 (RFC 3516) */
		return x->p[1] == '{' ? x->literal : NULL;
	return x->p[0] == '{' ? x->literal : NULL;
}

static bool
take_literal(struct imap_lexer *x, struct str *out)
{
	const struct imap_literal *l = lex_literal(x);

	if (l == NULL)
		return lex_fault(x, "a string is missing");
	*out = (struct str){ x->base + l->at, l->n };
	x->p = x->base + l->at + l->n;
	x->literal++;
	if (l->n != l->size && !l->taken)
		return lex_fault(x, "a literal is larger than allowed");
	return true;
}

bool
lex_string(struct imap_lexer *x, struct str *out)
{
	if (lex_at(x, '"'))
		return lex_quoted(x, out);
	if (lex_at(x, '{') || lex_at(x, '~'))
		return take_literal(x, out);
	return lex_fault(x, "a string is missing");
}

/* In any case. Asked some thirty times a message, and mostly of a quote. */
static bool
is_nil(const struct imap_lexer *x)
{
	const char *p = x->p;

	return x->end - p >= 3 && (p[0] | 0x20) == 'n' &&
	    (p[1] | 0x20) == 'i' && (p[2] | 0x20) == 'l' &&
	    (x->end - p == 3 || ends_atom[(unsigned char)p[3]] || p[3] == ']');
}

bool
lex_nstring(struct imap_lexer *x, struct str *out)
{
	if (!is_nil(x))
		return lex_string(x, out);
	x->p += 3;
	*out = (struct str){ NULL, 0 };
	return true;
}

bool
lex_astring(struct imap_lexer *x, struct str *out)
{
	if (lex_at(x, '"') || lex_at(x, '{') ||
	    (lex_at(x, '~') && lex_literal(x) != NULL))
		return lex_string(x, out);
	return lex_atom(x, out);
}

static bool
skip_one(struct imap_lexer *x)
{
	struct str ignored;
	bool literal = lex_literal(x) != NULL;

	if (lex_at(x, '"') || literal) {
		const char *fault = x->fault;

		/* A literal left out may still be stepped over. */
		if (lex_string(x, &ignored) || literal) {
			x->fault = fault;
			return true;
		}
		return false;
	}
	if (lex_at(x, '{')) {
		x->p++;
		return true;
	}
	return lex_atom(x, &ignored);
}

bool
lex_skip(struct imap_lexer *x)
{
	size_t open = 0;

	do {
		if (lex_if(x, '(')) {
			open++;
		} else if (open > 0 && lex_if(x, ')')) {
			open--;
		} else if (open > 0 && lex_at(x, ' ')) {
			x->p++;
			continue;
		} else if (!skip_one(x)) {
			return false;
		}
	} while (open > 0 && lex_more(x));
	return open == 0 || lex_fault(x, "cut off");
}

void *
lex_grow(struct imap_lexer *x, void *array, size_t n, size_t *cap, size_t size)
{
	void *bigger;

	*cap = *cap == 0 ? 4 : *cap * 2;
	bigger = arena_array(x->arena, *cap, size);
	if (n > 0)
		memcpy(bigger, array, n * size);
	return bigger;
}
