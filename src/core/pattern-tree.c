/* Reading a pattern's expression. */
#include "core/pattern-tree.h"

#include "core/fold.h"

#define DEPTH_MOST  32
#define REPEAT_MOST 200
#define FOLDED_SPAN 2048 /* letters of a range whose case is looked at */

struct reader {
	struct arena *arena;
	struct str text;
	size_t at;
	int depth;
	const char *fault; /* the first one; NULL: none */
};

static struct node *
node(struct reader *r, enum node_kind kind)
{
	struct node *n = ARENA_NEW(r->arena, struct node);

	n->kind = kind;
	return n;
}

static struct node *
fault(struct reader *r, const char *why)
{
	if (r->fault == NULL)
		r->fault = why;
	r->at = r->text.n;
	return node(r, NODE_EMPTY);
}

static bool
is_end(const struct reader *r)
{
	return r->at >= r->text.n;
}

static char
peek(const struct reader *r)
{
	return is_end(r) ? '\0' : r->text.p[r->at];
}

static bool
take(struct reader *r, char c)
{
	if (is_end(r) || peek(r) != c)
		return false;
	r->at++;
	return true;
}

/* ---- classes ---- */

static void
class_add(struct arena *a, struct class *c, uint32_t first, uint32_t last)
{
	struct letters *old = c->v;

	if (c->n > 0 && first == c->v[c->n - 1].last + 1) {
		c->v[c->n - 1].last = last;
		return;
	}
	if (c->n == c->room) {
		c->room = c->room == 0 ? 8 : c->room * 2;
		c->v = ARENA_ARRAY(a, struct letters, c->room);
		if (old != NULL)
			memcpy(c->v, old, c->n * sizeof *old);
	}
	c->v[c->n++] = (struct letters){ first, last };
}

/* A range, and its letters without their case, as the text is looked at. */
static void
class_range(struct arena *a, struct class *c, uint32_t first, uint32_t last)
{
	class_add(a, c, first, last);
	for (uint32_t cp = first; cp <= last && cp - first < FOLDED_SPAN; cp++)
		if (fold_letter(cp) != cp)
			class_add(a, c, fold_letter(cp), fold_letter(cp));
}

bool
class_has(const struct class *c, uint32_t cp)
{
	for (size_t i = 0; i < c->n; i++)
		if (cp >= c->v[i].first && cp <= c->v[i].last)
			return !c->is_not;
	return c->is_not;
}

#define LAST_CP 0x10ffffu

static const struct letters digits[] = { { '0', '9' } };
static const struct letters spaces[] = { { '\t', '\r' }, { ' ', ' ' },
	{ 0xa0, 0xa0 }, { 0x2028, 0x2029 } };
/* What is no punctuation of Latin text is a letter. */
static const struct letters words[] = { { '0', '9' }, { 'A', 'Z' },
	{ '_', '_' }, { 'a', 'z' }, { 0xaa, 0xaa }, { 0xb5, 0xb5 },
	{ 0xba, 0xba }, { 0xc0, 0xd6 }, { 0xd8, 0xf6 }, { 0xf8, 0x1fff },
	{ 0x2c00, 0x2dff }, { 0x3040, LAST_CP } };

static const struct named {
	char name;
	const struct letters *v;
	size_t n;
} named[] = {
	{ 'd', digits, sizeof digits / sizeof *digits },
	{ 's', spaces, sizeof spaces / sizeof *spaces },
	{ 'w', words, sizeof words / sizeof *words },
};

static const struct named *
named_find(char name)
{
	for (size_t i = 0; i < sizeof named / sizeof *named; i++)
		if (named[i].name == (name | 0x20))
			return &named[i];
	return NULL;
}

bool
pattern_is_word(uint32_t cp)
{
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (cp >= words[i].first && cp <= words[i].last)
			return true;
	return false;
}

/* \d or \D into a class; of \D what lies between the ranges. */
static void
class_named(
    struct arena *a, struct class *c, const struct named *x, bool is_not)
{
	uint32_t next = 0;

	for (size_t i = 0; i < x->n; i++) {
		if (!is_not)
			class_add(a, c, x->v[i].first, x->v[i].last);
		else if (x->v[i].first > next)
			class_add(a, c, next, x->v[i].first - 1);
		next = x->v[i].last + 1;
	}
	if (is_not && next <= LAST_CP)
		class_add(a, c, next, LAST_CP);
}

/* ---- reading ---- */

/* Of \n, \x41, \. : the letter; RC of a fault through the reader. */
static uint32_t
escape(struct reader *r)
{
	static const char from[] = "ntrfv", to[] = "\n\t\r\f\v";
	char c = peek(r);
	const char *known;
	int hi, lo;

	if (c == 'x' && r->text.n - r->at >= 3) {
		hi = hex_value(r->text.p[r->at + 1]);
		lo = hex_value(r->text.p[r->at + 2]);
		if (hi >= 0 && lo >= 0) {
			r->at += 3;
			return (uint32_t)(hi * 16 + lo);
		}
	}
	known = c != '\0' ? strchr(from, c) : NULL;
	if (known != NULL) {
		r->at++;
		return (unsigned char)to[known - from];
	}
	if (is_end(r) || (c >= '0' && c <= '9') ||
	    ((c | 0x20) >= 'a' && (c | 0x20) <= 'z')) {
		(void)fault(r,
		    "There is an escape (\\) that is not known; back "
		    "references are not possible.");
		return 0;
	}
	return utf8_next(r->text, &r->at);
}

static uint32_t
class_letter(struct reader *r)
{
	return take(r, '\\') ? escape(r) : utf8_next(r->text, &r->at);
}

/* "a-z", "a", "\d" within brackets. */
static void
class_piece(struct reader *r, struct class *c)
{
	uint32_t first, last;

	if (peek(r) == '\\' && r->at + 1 < r->text.n &&
	    named_find(r->text.p[r->at + 1]) != NULL) {
		char name = r->text.p[r->at + 1];

		r->at += 2;
		class_named(r->arena, c, named_find(name), name < 'a');
		return;
	}
	first = last = class_letter(r);
	if (peek(r) == '-' && r->at + 1 < r->text.n &&
	    r->text.p[r->at + 1] != ']') {
		r->at++;
		last = class_letter(r);
	}
	if (last < first)
		(void)fault(r, "A range in brackets is the wrong way round.");
	else
		class_range(r->arena, c, first, last);
}

static struct node *
class_read(struct reader *r)
{
	struct class *c = ARENA_NEW(r->arena, struct class);
	struct node *n = node(r, NODE_CLASS);
	size_t begin;

	c->is_not = take(r, '^');
	begin = r->at;
	while (!is_end(r) && (peek(r) != ']' || r->at == begin))
		class_piece(r, c);
	if (r->fault == NULL && !take(r, ']'))
		return fault(r, "A bracket [ is not closed.");
	n->class = c;
	return n;
}

static struct node *
letter(struct reader *r, uint32_t cp)
{
	struct node *n = node(r, NODE_LETTER);

	n->letter = fold_letter(cp);
	return n;
}

static struct node *
escape_read(struct reader *r)
{
	const struct named *x = named_find(peek(r));
	struct class *c;
	struct node *n;

	if (take(r, 'b'))
		return node(r, NODE_WORD_EDGE);
	if (take(r, 'B'))
		return node(r, NODE_NO_WORD_EDGE);
	if (x == NULL)
		return letter(r, escape(r));
	c = ARENA_NEW(r->arena, struct class);
	class_named(r->arena, c, x, peek(r) < 'a');
	r->at++;
	n = node(r, NODE_CLASS);
	n->class = c;
	return n;
}

static struct node *either_read(struct reader *);

static struct node *
group_read(struct reader *r)
{
	struct node *n;

	if (take(r, '?') && !take(r, ':'))
		return fault(r, "Of groups only (…) and (?:…) are possible.");
	if (++r->depth > DEPTH_MOST)
		return fault(r, "Its groups are nested too deep.");
	n = either_read(r);
	r->depth--;
	if (r->fault == NULL && !take(r, ')'))
		return fault(r, "A parenthesis ( is not closed.");
	return n;
}

static struct node *
atom_read(struct reader *r)
{
	switch (peek(r)) {
	case '(': r->at++; return group_read(r);
	case '[': r->at++; return class_read(r);
	case '\\': r->at++; return escape_read(r);
	case '.': r->at++; return node(r, NODE_ANY);
	case '^': r->at++; return node(r, NODE_LINE_BEGIN);
	case '$': r->at++; return node(r, NODE_LINE_END);
	case '*':
	case '+':
	case '?': return fault(r, "There is nothing before a * + or ?.");
	default: return letter(r, utf8_next(r->text, &r->at));
	}
}

static bool
number(struct reader *r, int *out)
{
	size_t begin = r->at;

	for (*out = 0; peek(r) >= '0' && peek(r) <= '9' && *out <= REPEAT_MOST;
	     r->at++)
		*out = *out * 10 + peek(r) - '0';
	return r->at > begin;
}

/* "2}", "2,}", "2,5}" behind its brace; else the brace is a letter. */
static bool
braces(struct reader *r, int *least, int *most)
{
	size_t begin = r->at;

	if (number(r, least)) {
		*most = *least;
		if (take(r, ',') && !number(r, most))
			*most = -1;
		if (take(r, '}'))
			return true;
	}
	r->at = begin;
	return false;
}

static bool
times(struct reader *r, int *least, int *most)
{
	*least = 0;
	*most = -1;
	if (take(r, '*'))
		return true;
	if (take(r, '+')) {
		*least = 1;
		return true;
	}
	if (take(r, '?')) {
		*most = 1;
		return true;
	}
	if (!take(r, '{'))
		return false;
	if (braces(r, least, most))
		return true;
	r->at--;
	return false;
}

static struct node *
repeat_read(struct reader *r)
{
	struct node *n = take(r, '{') ? letter(r, '{') : atom_read(r), *of;
	int least, most, nested = 0;

	while (r->fault == NULL && times(r, &least, &most)) {
		/* a*? takes less, and is there as often */
		(void)take(r, '?');
		if (least > REPEAT_MOST || most > REPEAT_MOST ||
		    (most >= 0 && most < least) || ++nested > 4)
			return fault(r, "A repetition is too large.");
		of = n;
		n = node(r, NODE_REPEAT);
		n->left = of;
		n->least = least;
		n->most = most;
	}
	return n;
}

static struct node *
joined(struct reader *r, enum node_kind kind, struct node *left,
    struct node *right)
{
	struct node *n = node(r, kind);

	n->left = left;
	n->right = right;
	return n;
}

static struct node *
both_read(struct reader *r)
{
	struct node *n = NULL;

	while (!is_end(r) && peek(r) != '|' && peek(r) != ')') {
		struct node *next = repeat_read(r);

		n = n == NULL ? next : joined(r, NODE_BOTH, n, next);
	}
	return n != NULL ? n : node(r, NODE_EMPTY);
}

static struct node *
either_read(struct reader *r)
{
	struct node *n = both_read(r);

	while (take(r, '|'))
		n = joined(r, NODE_EITHER, n, both_read(r));
	return n;
}

enum rc
pattern_read(struct arena *a, struct str text, struct node **out)
{
	struct reader r = { .arena = a, .text = text };

	if (utf8_count(text.p, text.n) > PATTERN_CHARS)
		return fail(
		    RC_INVALID, "At most %d characters.", PATTERN_CHARS);
	if (str_starts(text, STR("(?i)")))
		r.at = 4;
	*out = either_read(&r);
	if (r.fault == NULL && !is_end(&r))
		(void)fault(&r, "A parenthesis ) was not opened.");
	return r.fault == NULL ? RC_OK : fail(RC_INVALID, "%s", r.fault);
}
