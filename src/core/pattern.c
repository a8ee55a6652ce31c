#include "core/pattern.h"

#include "core/fold.h"
#include "core/pattern-tree.h"

#define STATES_MOST 600
#define WORK_MOST                                                              \
	20000 /* nodes that are looked at: (){200} makes no states             \
	       */

/* ---- the tree as states ---- */

enum op {
	OP_LETTER,
	OP_ANY,
	OP_CLASS,
	OP_LINE_BEGIN,
	OP_LINE_END,
	OP_WORD_EDGE,
	OP_NO_WORD_EDGE,
	OP_SPLIT, /* to x and to y */
	OP_JUMP,  /* to x */
	OP_FOUND,
};

struct state {
	enum op op;
	uint32_t letter;
	const struct class *class;
	int x, y;
};

struct pattern {
	struct state state[STATES_MOST];
	int n, work;
	bool full;
	/* Where the walk is: states, and in which step each was reached. */
	int now[STATES_MOST], next[STATES_MOST], stack[2 * STATES_MOST];
	int now_n, next_n;
	uint32_t reached[STATES_MOST], step;
};

static int
emit(struct pattern *p, enum op op)
{
	if (p->n == STATES_MOST) {
		p->full = true;
		return 0;
	}
	p->state[p->n] = (struct state){ .op = op };
	return p->n++;
}

static void emit_node(struct pattern *, const struct node *);

static void
emit_either(struct pattern *p, const struct node *n)
{
	int split = emit(p, OP_SPLIT), jump;

	p->state[split].x = p->n;
	emit_node(p, n->left);
	jump = emit(p, OP_JUMP);
	p->state[split].y = p->n;
	emit_node(p, n->right);
	p->state[jump].x = p->n;
}

static void
emit_endless(struct pattern *p, const struct node *n)
{
	int split = emit(p, OP_SPLIT), jump;

	p->state[split].x = p->n;
	emit_node(p, n->left);
	jump = emit(p, OP_JUMP);
	p->state[jump].x = split;
	p->state[split].y = p->n;
}

static void
emit_maybe(struct pattern *p, const struct node *n)
{
	int split = emit(p, OP_SPLIT);

	p->state[split].x = p->n;
	emit_node(p, n->left);
	p->state[split].y = p->n;
}

static void
emit_repeat(struct pattern *p, const struct node *n)
{
	for (int i = 0; i < n->least && !p->full; i++)
		emit_node(p, n->left);
	if (n->most < 0)
		emit_endless(p, n);
	for (int i = n->least; i < n->most && !p->full; i++)
		emit_maybe(p, n);
}

static void
emit_one(struct pattern *p, const struct node *n)
{
	static const enum op ops[] = { [NODE_LETTER] = OP_LETTER,
		[NODE_ANY] = OP_ANY,
		[NODE_CLASS] = OP_CLASS,
		[NODE_LINE_BEGIN] = OP_LINE_BEGIN,
		[NODE_LINE_END] = OP_LINE_END,
		[NODE_WORD_EDGE] = OP_WORD_EDGE,
		[NODE_NO_WORD_EDGE] = OP_NO_WORD_EDGE };
	int at = emit(p, ops[n->kind]);

	p->state[at].letter = n->letter;
	p->state[at].class = n->class;
}

/* BOTH leans to the left, as long as the expression is. */
static void
emit_both(struct pattern *p, const struct node *n)
{
	const struct node *v[PATTERN_CHARS + 1];
	size_t count = 0;

	for (; n->kind == NODE_BOTH; n = n->left)
		v[count++] = n->right;
	emit_node(p, n);
	while (count > 0)
		emit_node(p, v[--count]);
}

static void
emit_node(struct pattern *p, const struct node *n)
{
	p->full = p->full || ++p->work > WORK_MOST;
	if (p->full)
		return;
	switch (n->kind) {
	case NODE_EMPTY: break;
	case NODE_BOTH: emit_both(p, n); break;
	case NODE_EITHER: emit_either(p, n); break;
	case NODE_REPEAT: emit_repeat(p, n); break;
	default: emit_one(p, n); break;
	}
}

enum rc
pattern_new(struct arena *a, struct str text, struct pattern **out)
{
	struct pattern *p;
	struct node *n;

	TRY(pattern_read(a, text, &n));
	p = ARENA_NEW(a, struct pattern);
	emit_node(p, n);
	(void)emit(p, OP_FOUND);
	if (p->full)
		return fail(RC_INVALID, "It is too large: repeat less.");
	*out = p;
	return RC_OK;
}

/* ---- the walk ---- */

/* What stands around a place of the text; 0: nothing. */
struct place {
	uint32_t before, after;
	bool begin, end;
};

static bool
holds(enum op op, const struct place *at)
{
	bool edge = (!at->begin && pattern_is_word(at->before)) !=
	    (!at->end && pattern_is_word(at->after));

	switch (op) {
	case OP_LINE_BEGIN: return at->begin || at->before == '\n';
	case OP_LINE_END: return at->end || at->after == '\n';
	case OP_WORD_EDGE: return edge;
	default: return !edge;
	}
}

/* Adds a state, and what it leads to without a letter. */
static void
reach(struct pattern *p, int from, const struct place *at)
{
	int depth = 0;

	p->stack[depth++] = from;
	while (depth > 0) {
		int i = p->stack[--depth];
		const struct state *s = &p->state[i];

		if (p->reached[i] == p->step)
			continue;
		p->reached[i] = p->step;
		if (s->op == OP_SPLIT) {
			p->stack[depth++] = s->y;
			p->stack[depth++] = s->x;
		} else if (s->op == OP_JUMP) {
			p->stack[depth++] = s->x;
		} else if (s->op >= OP_LINE_BEGIN && s->op <= OP_NO_WORD_EDGE) {
			if (holds(s->op, at))
				p->stack[depth++] = i + 1;
		} else {
			p->next[p->next_n++] = i;
		}
	}
}

static bool
passes(const struct state *s, uint32_t cp, uint32_t folded)
{
	switch (s->op) {
	case OP_LETTER: return s->letter == folded;
	case OP_ANY: return cp != '\n';
	/* Both cases are in a class that names either; in one that is not, too.
	 */
	case OP_CLASS:
		return s->class->is_not
		    ? class_has(s->class, cp) && class_has(s->class, folded)
		    : class_has(s->class, cp) || class_has(s->class, folded);
	default: return false;
	}
}

/* The states of `next` become those of `now`; true: one of them is the end. */
static bool
turn(struct pattern *p)
{
	bool found = false;

	p->now_n = p->next_n;
	p->next_n = 0;
	for (int i = 0; i < p->now_n; i++) {
		p->now[i] = p->next[i];
		found = found || p->state[p->now[i]].op == OP_FOUND;
	}
	return found;
}

static void
place_next(struct str text, size_t at, struct place *where)
{
	where->end = at >= text.n;
	if (!where->end)
		where->after = utf8_next(text, &at);
}

bool
pattern_found(struct pattern *p, struct str text)
{
	struct place where = { .begin = true };
	size_t at = 0;

	text.n = utf8_cut(text.p, text.n, PATTERN_TEXT);
	memset(p->reached, 0, sizeof p->reached);
	p->step = 1;
	p->next_n = 0;
	place_next(text, at, &where);
	for (;;) {
		uint32_t cp, folded;

		reach(p, 0, &where); /* it may begin anywhere */
		if (turn(p))
			return true;
		if (at >= text.n)
			return false;
		cp = utf8_next(text, &at);
		folded = fold_letter(cp);
		where = (struct place){ .before = cp };
		place_next(text, at, &where);
		p->step++;
		for (int i = 0; i < p->now_n; i++)
			if (passes(&p->state[p->now[i]], cp, folded))
				reach(p, p->now[i] + 1, &where);
	}
}
