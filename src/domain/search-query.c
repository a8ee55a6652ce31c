#include "domain/search-query.h"

#include "core/buffer.h"
#include "domain/search-words.h"

#define TERM_MOST ((size_t)16 * 1024)

struct parser {
	struct arena *arena;
	struct search_query *out;
	struct str text;
	size_t at;
	/* the item at hand */
	size_t from;
	bool away; /* a minus stands before it */
	struct str terms[SEARCH_TERMS_MOST];
	int32_t kinds[SEARCH_TERMS_MOST];
	size_t n;
	struct str labels[2][SEARCH_TERMS_MOST]; /* [1]: left out */
	size_t labels_n[2];
};

static const bool yes = true, no = false;

/* Where somebody looks, characters count, from 1. */
static enum rc
wrong(const struct parser *p, size_t at, const char *what)
{
	return fail(RC_INVALID, "At character %zu: %s",
	    utf8_count(p->text.p, at) + 1, what);
}

/* ---- terms ---- */

static bool
is_umlaut(const char *p)
{
	return (p[1] == 'e' || p[1] == 'E') && strchr("aouAOU", p[0]) != NULL;
}

/* What is written without umlauts may stand there with them: "mueller" is also
 * "muller", which "Müller" is without its accent. */
static struct str
plain_vowels(struct arena *a, struct str word)
{
	char *out = arena_alloc(a, word.n + 1);
	size_t n = 0;

	for (size_t i = 0; i < word.n; i++) {
		out[n++] = word.p[i];
		if (i + 1 < word.n && is_umlaut(word.p + i))
			i++;
	}
	return (struct str){ out, n };
}

static void
word_add(struct parser *p, struct buf *b, struct str word, const char *weight,
    bool begins)
{
	struct str plain = plain_vowels(p->arena, word);

	buf_fmt(b, "('%.*s':%s%s", STR_FMT(word), weight, begins ? "*" : "");
	if (plain.n != word.n)
		buf_fmt(b, "|'%.*s':%s", STR_FMT(plain), weight);
	buf_putc(b, ')');
}

/* The words of a value stand one behind the other. False: it has none. */
static bool
term_make(struct parser *p, struct str value, const char *weight, bool begins,
    struct str *term)
{
	struct str word, next;
	struct buf b;
	size_t at = 0;

	buf_init(&b, TERM_MOST);
	word = search_word(value, &at);
	for (; word.n > 0; word = next) {
		next = search_word(value, &at);
		if (b.n > 0)
			buf_puts(&b, "<->");
		word_add(p, &b, word, weight, begins && next.n == 0);
	}
	*term = (struct str){ arena_dup(p->arena, b.p != NULL ? b.p : "", b.n),
		b.full ? 0 : b.n };
	buf_clear(&b);
	return term->n > 0;
}

static enum rc
term_add(struct parser *p, struct str value, enum search_kind kind,
    const char *weight, bool begins)
{
	struct str term;

	if (!term_make(p, value, weight, begins, &term))
		return RC_OK;
	if (p->n == SEARCH_TERMS_MOST)
		return wrong(p, p->from, "These are too many words.");
	p->terms[p->n] = term;
	p->kinds[p->n++] = (int32_t)kind + (p->away ? SEARCH_NOT : 0);
	return RC_OK;
}

static bool
ends_open(struct str value)
{
	return value.n > 1 && value.p[value.n - 1] == '*';
}

/* ---- keys ---- */

static enum rc
key_subject(struct parser *p, struct str value)
{
	return term_add(p, value, SEARCH_SUBJECT, "A", ends_open(value));
}

static enum rc
key_from(struct parser *p, struct str value)
{
	return term_add(p, value, SEARCH_PEOPLE, "B", true);
}

static enum rc
key_to(struct parser *p, struct str value)
{
	return term_add(p, value, SEARCH_PEOPLE, "C", true);
}

static enum rc
set(struct parser *p, const bool **what, bool to)
{
	const bool *is = to != p->away ? &yes : &no;

	if (*what != NULL && *what != is)
		return wrong(p, p->from, "It says the contrary of another.");
	*what = is;
	return RC_OK;
}

static enum rc
key_is(struct parser *p, struct str value)
{
	struct search_query *q = p->out;
	const struct {
		const char *word;
		const bool **what;
		bool to;
	} states[] = { { "read", &q->is_read, true },
		{ "unread", &q->is_read, false },
		{ "flagged", &q->is_flagged, true },
		{ "starred", &q->is_flagged, true },
		{ "unflagged", &q->is_flagged, false },
		{ "answered", &q->is_answered, true },
		{ "unanswered", &q->is_answered, false },
		{ "draft", &q->is_draft, true }, { "sent", &q->outbound, true },
		{ "received", &q->outbound, false },
		{ "assigned", &q->is_assigned, true },
		{ "unassigned", &q->is_assigned, false } };

	for (size_t i = 0; i < sizeof states / sizeof states[0]; i++)
		if (str_ieq(value, str_of(states[i].word)))
			return set(p, states[i].what, states[i].to);
	return wrong(p, p->from,
	    "is: knows read, unread, flagged, unflagged, answered, "
	    "unanswered, draft, sent, received, assigned and unassigned.");
}

static enum rc
key_label(struct parser *p, struct str value)
{
	size_t *n = &p->labels_n[p->away];

	if (*n == SEARCH_TERMS_MOST)
		return wrong(p, p->from, "These are too many labels.");
	p->labels[p->away][(*n)++] = str_trim(value);
	return RC_OK;
}

static enum rc
key_has(struct parser *p, struct str value)
{
	if (str_ieq(value, STR("attachment")) ||
	    str_ieq(value, STR("attachments")))
		return set(p, &p->out->attachments, true);
	return wrong(p, p->from, "has: knows attachment.");
}

static enum rc
time_read(struct parser *p, struct str value, instant *t)
{
	if (p->away)
		return wrong(p, p->from, "A time cannot be left out.");
	if (instant_parse(value, t))
		return RC_OK;
	return wrong(p, p->from,
	    "A day is written 2026-01-31, a time 2026-01-31T12:00:00Z.");
}

static enum rc
key_before(struct parser *p, struct str value)
{
	instant t, *until = &p->out->until;

	TRY(time_read(p, value, &t));
	if (!instant_is(*until) || t.us < until->us)
		*until = t;
	return RC_OK;
}

static enum rc
key_after(struct parser *p, struct str value)
{
	instant t, *since = &p->out->since;

	TRY(time_read(p, value, &t));
	if (!instant_is(*since) || t.us > since->us)
		*since = t;
	return RC_OK;
}

static const struct {
	struct str name;
	enum rc (*take)(struct parser *, struct str value);
} keys[] = {
	{ { "subject:", 8 }, key_subject },
	{ { "from:", 5 }, key_from },
	{ { "to:", 3 }, key_to },
	{ { "label:", 6 }, key_label },
	{ { "is:", 3 }, key_is },
	{ { "has:", 4 }, key_has },
	{ { "before:", 7 }, key_before },
	{ { "after:", 6 }, key_after },
};
#define KEYS (sizeof keys / sizeof keys[0])

/* Which one begins here; KEYS: none. */
static size_t
key_here(const struct parser *p)
{
	size_t left = p->text.n - p->at;

	for (size_t i = 0; i < KEYS; i++) {
		const struct str *name = &keys[i].name;

		if (left >= name->n &&
		    str_ieq((struct str){ p->text.p + p->at, name->n }, *name))
			return i;
	}
	return KEYS;
}

/* ---- items ---- */

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void
skip_blanks(struct parser *p)
{
	while (p->at < p->text.n && is_blank(p->text.p[p->at]))
		p->at++;
}

/* What stands in quotes, which are at hand. */
static enum rc
quoted(struct parser *p, struct str *value)
{
	size_t from = p->at + 1, left = p->text.n - from;
	const char *end = left > 0 ? memchr(p->text.p + from, '"', left) : NULL;

	if (end == NULL)
		return wrong(p, p->at, "The quotation marks are not closed.");
	*value =
	    (struct str){ p->text.p + from, (size_t)(end - p->text.p) - from };
	p->at = from + value->n + 1;
	return RC_OK;
}

static enum rc
value_read(struct parser *p, struct str *value)
{
	size_t from = p->at;

	if (p->at < p->text.n && p->text.p[p->at] == '"')
		return quoted(p, value);
	while (p->at < p->text.n && !is_blank(p->text.p[p->at]) &&
	    p->text.p[p->at] != '"')
		p->at++;
	*value = (struct str){ p->text.p + from, p->at - from };
	return RC_OK;
}

static enum rc
item(struct parser *p)
{
	struct str value;
	size_t key;

	p->from = p->at;
	p->away = p->text.p[p->at] == '-';
	p->at += p->away;
	key = key_here(p);
	if (key < KEYS)
		p->at += keys[key].name.n;
	TRY(value_read(p, &value));
	if (key == KEYS)
		return term_add(p, value, SEARCH_ANY, "", ends_open(value));
	if (str_trim(value).n == 0)
		return wrong(p, p->from, "Nothing stands behind the colon.");
	return keys[key].take(p, value);
}

enum rc
search_query_parse(struct arena *a, struct str text, struct search_query *out)
{
	struct parser *p = ARENA_NEW(a, struct parser);

	*p = (struct parser){ .arena = a, .out = out, .text = text };
	*out = (struct search_query){ .since = INSTANT_NONE,
		.until = INSTANT_NONE };
	for (skip_blanks(p); p->at < text.n; skip_blanks(p))
		TRY(item(p));
	out->terms = (struct texts){ p->terms, p->n };
	out->kinds = (struct int4s){ p->kinds, p->n };
	out->labels = (struct texts){ p->labels[0], p->labels_n[0] };
	out->unlabels = (struct texts){ p->labels[1], p->labels_n[1] };
	return RC_OK;
}
