#include "domain/rule-match.h"

#include <string.h>

#include "core/clock.h"
#include "core/fold.h"
#include "core/pattern.h"

#define OR_MOST     100 /* alternatives of a value */
#define WORDS_MOST  50  /* that a verdict lists */
#define JUDGE_MS    5000
#define BUILTIN_LEN (sizeof builtin / sizeof *builtin)

/* Words that often stand in mail that wants something. They score only. */
static const struct {
	const char *word;
	int weight;
} builtin[] = {
	{ "urgent", 5 },
	{ "confidential", 10 },
	{ "payment", 8 },
	{ "password", 10 },
	{ "account", 5 },
	{ "verify", 7 },
	{ "suspended", 9 },
	{ "click here", 8 },
	{ "act now", 7 },
	{ "limited time", 6 },
};

/* ---- rules as they are held against mail ---- */

/* One of the alternatives of a value. */
struct choice {
	struct str shown;
	struct str folded;
	struct pattern *pattern; /* NULL: the text is compared */
	int64_t least, most;     /* of a size */
};

struct ready {
	const struct rule *rule;
	enum rule_type type;
	enum rule_operator by;
	struct choice *choice;
	size_t n;
};

struct rule_set {
	struct ready *v;
	size_t n;
};

/* ---- sizes: "10m", ">10m", "<=1k", "100" ---- */

static bool
size_read(struct str s, int64_t *out)
{
	static const char units[] = "kmg";
	int shift = 0;
	uint64_t n;

	if (s.n > 0 && (s.p[s.n - 1] | 0x20) == 'b')
		s.n--;
	for (int i = 0; i < 3; i++)
		if (s.n > 0 && (s.p[s.n - 1] | 0x20) == units[i])
			shift = 10 * (i + 1);
	s.n -= shift > 0;
	if (!str_uint(str_trim(s), INT64_MAX >> 30, &n))
		return false;
	*out = (int64_t)n << shift;
	return true;
}

static bool
take(struct str *s, const char *word)
{
	if (!str_starts(*s, str_of(word)))
		return false;
	s->p += strlen(word);
	s->n -= strlen(word);
	*s = str_trim(*s);
	return true;
}

static enum rc
choice_size(struct choice *c, enum rule_operator by)
{
	struct str s = c->folded;
	bool below = false, strictly = false;
	int64_t n;

	if (take(&s, "<"))
		below = true;
	else
		(void)take(&s, ">");
	strictly = s.p != c->folded.p && !take(&s, "=");
	if (!size_read(s, &n))
		return fail(RC_INVALID,
		    "A size is a number of bytes, as 500k, >10m or <1k.");
	c->least = below ? 0 : n + strictly;
	c->most = below ? n - strictly : INT64_MAX;
	if (by == RULE_BY_EQUALS)
		c->least = c->most = n;
	return RC_OK;
}

/* ---- values ---- */

static enum rc
choice_make(
    struct arena *a, const struct ready *r, struct str text, struct choice *c)
{
	c->shown = str_trim(text);
	c->folded = fold_text(a, text);
	if (r->type == RULE_SIZE)
		return choice_size(c, r->by);
	if (r->by == RULE_BY_REGEX)
		return pattern_new(a, text, &c->pattern);
	return RC_OK;
}

static struct str
piece_take(struct str *rest, bool whole)
{
	const char *comma = whole ? NULL : memchr(rest->p, ',', rest->n);
	struct str piece = { rest->p,
		comma != NULL ? (size_t)(comma - rest->p) : rest->n };
	size_t past = piece.n + (comma != NULL);

	rest->p += past;
	rest->n -= past;
	return piece;
}

static enum rc
choices_make(struct arena *a, struct ready *r)
{
	struct str rest = str_of(r->rule->value);

	r->choice = ARENA_ARRAY(a, struct choice, OR_MOST);
	while (rest.n > 0) {
		struct str piece = piece_take(&rest, r->by == RULE_BY_REGEX);

		if (str_trim(piece).n == 0)
			continue;
		if (r->n == OR_MOST)
			return fail(
			    RC_INVALID, "At most %d alternatives.", OR_MOST);
		TRY(choice_make(a, r, piece, &r->choice[r->n]));
		r->n++;
	}
	return r->n > 0 ? RC_OK : fail(RC_INVALID, "There is nothing in it.");
}

static enum rc
ready_make(struct arena *a, const struct rule *rule, struct ready *r)
{
	int type = rule_word(rule_types, rule->type);
	int by = rule_word(rule_operators, rule->operator);

	if (type < 0 || by < 0 || rule_word(rule_actions, rule->action) < 0)
		return fail(RC_INVALID, "It is of no kind that is known.");
	*r = (struct ready){ .rule = rule,
		.type = (enum rule_type)type,
		.by = type == RULE_REGEX ? RULE_BY_REGEX
					 : (enum rule_operator)by };
	return choices_make(a, r);
}

enum rc
rule_set_new(
    struct arena *a, const struct rule *rules, size_t n, struct rule_set **out)
{
	struct rule_set *set = ARENA_NEW(a, struct rule_set);

	set->v = ARENA_ARRAY(a, struct ready, n + 1);
	for (size_t i = 0; i < n; i++)
		if (rules[i].is_active)
			TRY(ready_make(a, &rules[i], &set->v[set->n++]));
	*out = set;
	return RC_OK;
}

/* ---- matching ---- */

/* A text that is looked at, folded when it is first asked for. */
struct look {
	struct str text, folded;
	bool is_folded;
};

struct looks {
	struct look *v;
	size_t n;
};

struct court {
	struct arena *arena;
	const struct rule_mail *mail;
	struct looks of[RULE_TYPE_COUNT];
	struct rule_verdict *verdict;
	struct str *keyword, *tag;
	int64_t until;
	bool late;
};

static struct looks
looks_of(struct arena *a, const struct str *v, size_t n)
{
	struct looks l = { ARENA_ARRAY(a, struct look, n + 1), n };

	for (size_t i = 0; i < n; i++)
		l.v[i].text = v[i];
	return l;
}

static struct looks
looks_texts(struct arena *a, const struct texts *t)
{
	return looks_of(a, t->v, t->n);
}

static void
court_open(struct court *c)
{
	const struct rule_mail *m = c->mail;
	const struct str both[] = { m->subject, m->text };

	c->of[RULE_KEYWORD] = looks_of(c->arena, both, 2);
	c->of[RULE_REGEX] = c->of[RULE_KEYWORD];
	c->of[RULE_SUBJECT] = looks_of(c->arena, both, 1);
	c->of[RULE_SENDER] = looks_texts(c->arena, &m->senders);
	c->of[RULE_RECIPIENT] = looks_texts(c->arena, &m->recipients);
	c->of[RULE_DOMAIN] = looks_texts(c->arena, &m->domains);
	c->of[RULE_ATTACHMENT] = looks_texts(c->arena, &m->files);
	c->of[RULE_HEADER] = looks_texts(c->arena, &m->headers);
}

static struct str
folded(struct court *c, struct look *l)
{
	if (!l->is_folded)
		l->folded = fold_text(c->arena, l->text);
	l->is_folded = true;
	return l->folded;
}

static bool
compares(enum rule_operator by, struct str text, struct str with)
{
	switch (by) {
	case RULE_BY_EQUALS: return str_eq(text, with);
	case RULE_BY_STARTS_WITH: return str_starts(text, with);
	case RULE_BY_ENDS_WITH:
		return text.n >= with.n &&
		    memcmp(text.p + text.n - with.n, with.p, with.n) == 0;
	default:
		return text.n >= with.n &&
		    memmem(text.p, text.n, with.p, with.n) != NULL;
	}
}

static bool
finds(struct court *c, enum rule_operator by, const struct choice *x,
    struct look *l)
{
	if (x->pattern == NULL)
		return compares(by, folded(c, l), x->folded);
	/* An attacker's text and a tenant's patterns: both have their time. */
	c->late = c->late || clock_steady_ms() > c->until;
	return !c->late && pattern_found(x->pattern, l->text);
}

static bool
choice_hits(struct court *c, const struct ready *r, const struct choice *x)
{
	const struct looks *l = &c->of[r->type];

	if (r->type == RULE_SIZE)
		return c->mail->size >= x->least && c->mail->size <= x->most;
	for (size_t i = 0; i < l->n; i++)
		if (finds(c, r->by, x, &l->v[i]))
			return true;
	return false;
}

static void
once(struct texts *list, struct str *room, struct str text)
{
	for (size_t i = 0; i < list->n; i++)
		if (str_ieq(room[i], text))
			return;
	if (list->n < WORDS_MOST)
		room[list->n++] = text;
}

static void
note(struct court *c, const struct rule *rule)
{
	struct rule_verdict *v = c->verdict;
	int action = rule_word(rule_actions, rule->action);

	v->tagged = true;
	v->hold = v->hold || action == RULE_DO_HOLD;
	v->risk_score += rule->priority;
	if (action == RULE_DO_TAG)
		once(&v->tags, c->tag, str_of(rule->name));
}

static void
rule_try(struct court *c, const struct ready *r)
{
	bool hit = false;

	for (size_t i = 0; i < r->n; i++) {
		if (!choice_hits(c, r, &r->choice[i]))
			continue;
		hit = true;
		once(&c->verdict->keywords, c->keyword, r->choice[i].shown);
	}
	if (hit)
		note(c, r->rule);
}

static void
builtin_try(struct court *c)
{
	struct looks *l = &c->of[RULE_KEYWORD];

	for (size_t i = 0; i < BUILTIN_LEN; i++) {
		struct str word = str_of(builtin[i].word);

		if (!compares(RULE_BY_CONTAINS, folded(c, &l->v[0]), word) &&
		    !compares(RULE_BY_CONTAINS, folded(c, &l->v[1]), word))
			continue;
		c->verdict->risk_score += builtin[i].weight;
		once(&c->verdict->keywords, c->keyword, word);
	}
}

void
rule_set_judge(const struct rule_set *set, const struct rule_mail *mail,
    struct arena *a, struct rule_verdict *out)
{
	struct court c = { .arena = a,
		.mail = mail,
		.verdict = out,
		.keyword = ARENA_ARRAY(a, struct str, WORDS_MOST),
		.tag = ARENA_ARRAY(a, struct str, WORDS_MOST),
		.until = clock_steady_ms() + JUDGE_MS };

	*out = (struct rule_verdict){ .keywords = { c.keyword, 0 },
		.tags = { c.tag, 0 } };
	court_open(&c);
	for (size_t i = 0; i < set->n; i++)
		rule_try(&c, &set->v[i]);
	if (!out->tagged)
		builtin_try(&c);
	if (c.late)
		out->hold = true;
	if (out->risk_score > RULE_WEIGHT_MOST)
		out->risk_score = RULE_WEIGHT_MOST;
}
