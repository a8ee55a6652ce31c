/* BODYSTRUCTURE (RFC 9051 7.5.2), made flat.
 *
 * Lenient where servers are known to differ: NIL for strings that must not be
 * NIL, blanks between parts, a missing or extra field at the end. */
#include "mail/imap-message.h"

struct builder {
	struct imap_lexer *x;
	struct imap_part *part;
	size_t n, cap;
	bool cut;
};

/* Where a body stands: its number if it is a leaf or a multipart inside of
 * another, and how its children are called. */
struct place {
	size_t parent;
	struct str prefix; /* "" or "2": of the message it is the body of */
	struct str number; /* p == NULL: it is the whole body of a message */
};

static bool body(struct builder *, struct place);

static struct str
joined(struct imap_lexer *x, struct str left, const char *right)
{
	char *text = left.n > 0
	    ? arena_fmt(x->arena, "%.*s.%s", STR_FMT(left), right)
	    : arena_str(x->arena, right);

	return str_of(text);
}

static struct str
child_number(struct imap_lexer *x, struct str above, size_t i)
{
	char digits[24], *p = digits + sizeof(digits);

	*--p = '\0';
	do {
		*--p = (char)('0' + i % 10);
		i /= 10;
	} while (i > 0);
	return joined(x, above, p);
}

/* The part's place in the array; past the limit parts are parsed, so that the
 * rest of the response can be, but not kept. */
static size_t
part_new(struct builder *b, size_t parent)
{
	if (b->n == IMAP_PARTS_MOST) {
		b->cut = true;
		return IMAP_NO_PARENT;
	}
	b->part = LEX_GROW(b->x, b->part, b->n, &b->cap);
	b->part[b->n] = (struct imap_part){ .parent = parent };
	return b->n++;
}

static void
part_set(struct builder *b, size_t at, const struct imap_part *p)
{
	size_t parent;

	if (at == IMAP_NO_PARENT)
		return;
	parent = b->part[at].parent;
	b->part[at] = *p;
	b->part[at].parent = parent;
}

static bool
parameters_read(struct imap_lexer *x, const struct parameter **out, size_t *n)
{
	struct parameter *v = NULL;
	size_t cap = 0;
	struct str nil;

	*out = NULL;
	*n = 0;
	if (!lex_at(x, '('))
		return lex_nstring(x, &nil);
	if (!lex_open(x))
		return false;
	while (!lex_at(x, ')')) {
		lex_blanks(x);
		v = LEX_GROW(x, v, *n, &cap);
		if (!lex_nstring(x, &v[*n].name) || !lex_char(x, ' ') ||
		    !lex_nstring(x, &v[*n].value))
			return false;
		(*n)++;
	}
	*out = v;
	return lex_close(x);
}

/* A string, or a list of which the first is kept. */
static bool
language_read(struct imap_lexer *x, struct str *out)
{
	if (!lex_at(x, '('))
		return lex_nstring(x, out);
	if (!lex_open(x))
		return false;
	if (!lex_at(x, ')') && !lex_nstring(x, out))
		return false;
	while (lex_if(x, ' ')) {
		if (!lex_skip(x))
			return false;
	}
	return lex_close(x);
}

static bool
disposition_read(struct imap_lexer *x, struct imap_part *p)
{
	if (!lex_at(x, '('))
		return lex_nstring(x, &p->disposition);
	if (!lex_open(x) || !lex_nstring(x, &p->disposition))
		return false;
	if (lex_if(x, ' ') &&
	    !parameters_read(
		x, &p->disposition_parameter, &p->disposition_parameters))
		return false;
	return lex_close(x);
}

/* disposition, language, location and what later standards add. */
static bool
extension_read(struct imap_lexer *x, struct imap_part *p)
{
	if (lex_if(x, ' ') && !disposition_read(x, p))
		return false;
	if (lex_if(x, ' ') && !language_read(x, &p->language))
		return false;
	if (lex_if(x, ' ') && !lex_nstring(x, &p->location))
		return false;
	while (lex_if(x, ' ')) {
		if (!lex_at(x, ')') && !lex_skip(x))
			return false;
	}
	return true;
}

static bool
size_read(struct imap_lexer *x, uint64_t *out)
{
	struct str nil;

	if (lex_at(x, 'N') || lex_at(x, 'n')) {
		*out = 0;
		return lex_nstring(x, &nil);
	}
	return lex_number64(x, out);
}

static bool
multipart(struct builder *b, struct place at)
{
	struct imap_lexer *x = b->x;
	size_t self = part_new(b, at.parent), i = 0;
	struct imap_part p = { .type = STR("multipart") };
	bool whole = at.number.p == NULL;
	struct str above = whole ? at.prefix : at.number;

	p.number = whole ? joined(x, at.prefix, "TEXT") : at.number;
	while (lex_at(x, '(')) {
		struct place child = { self, { NULL, 0 },
			child_number(x, above, ++i) };

		if (!body(b, child))
			return false;
		lex_blanks(x);
	}
	if (!lex_at(x, ')')) { /* the subtype, forgotten by some */
		if (!lex_nstring(x, &p.subtype))
			return false;
		if (lex_if(x, ' ') &&
		    !parameters_read(x, &p.parameter, &p.parameters))
			return false;
		if (!extension_read(x, &p))
			return false;
	}
	part_set(b, self, &p);
	return true;
}

static bool
fields_read(struct imap_lexer *x, struct imap_part *p)
{
	return lex_nstring(x, &p->type) && lex_char(x, ' ') &&
	    lex_nstring(x, &p->subtype) && lex_char(x, ' ') &&
	    parameters_read(x, &p->parameter, &p->parameters) &&
	    lex_char(x, ' ') && lex_nstring(x, &p->id) && lex_char(x, ' ') &&
	    lex_nstring(x, &p->description) && lex_char(x, ' ') &&
	    lex_nstring(x, &p->encoding) && lex_char(x, ' ') &&
	    size_read(x, &p->size);
}

/* message/rfc822: SP envelope SP body SP lines. Some servers send such parts
 * like any other; so the "(" decides. */
static bool
message_read(struct builder *b, struct imap_part *p, size_t self)
{
	struct imap_lexer *x = b->x;
	struct imap_envelope *e = ARENA_NEW(x->arena, struct imap_envelope);
	struct place inner = { self, p->number, { NULL, 0 } };

	if (!lex_char(x, ' ') || !imap_envelope_parse(x, e) ||
	    !lex_char(x, ' ') || !body(b, inner))
		return false;
	p->envelope = e;
	return true;
}

static bool
is_message(const struct imap_lexer *x, const struct imap_part *p)
{
	return str_ieq(p->type, STR("message")) &&
	    (str_ieq(p->subtype, STR("rfc822")) ||
		str_ieq(p->subtype, STR("global"))) &&
	    x->end - x->p >= 2 && x->p[0] == ' ' && x->p[1] == '(';
}

static bool
leaf(struct builder *b, struct place at)
{
	struct imap_lexer *x = b->x;
	size_t self = part_new(b, at.parent);
	struct imap_part p = { .parent = at.parent };

	p.number = at.number.p != NULL ? at.number : joined(x, at.prefix, "1");
	if (!fields_read(x, &p))
		return false;
	if (is_message(x, &p) && !message_read(b, &p, self))
		return false;
	if (x->end - x->p >= 2 && x->p[0] == ' ' && x->p[1] >= '0' &&
	    x->p[1] <= '9') {
		x->p++;
		if (!lex_number64(x, &p.lines))
			return false;
	}
	if (lex_if(x, ' ') && !lex_nstring(x, &p.md5))
		return false;
	if (!extension_read(x, &p))
		return false;
	part_set(b, self, &p);
	return true;
}

static bool
body(struct builder *b, struct place at)
{
	if (!lex_open(b->x))
		return false;
	if (lex_at(b->x, '(') ? !multipart(b, at) : !leaf(b, at))
		return false;
	return lex_close(b->x);
}

bool
imap_structure_parse(struct imap_lexer *x, struct imap_structure *out)
{
	struct builder b = { .x = x };
	struct place root = { IMAP_NO_PARENT, { "", 0 }, { NULL, 0 } };

	if (!body(&b, root))
		return false;
	*out = (struct imap_structure){ b.part, b.n, b.cut };
	return true;
}
