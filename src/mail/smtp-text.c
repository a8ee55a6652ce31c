#include "mail/smtp-text.h"

struct giving {
	struct smtp_text *t;
	char *out;
	size_t n;
};

static void
give(struct giving *g, const char *p, size_t n)
{
	if (g->t->bare)
		return;
	memcpy(g->out + g->n, p, n);
	g->n += n;
}

static void
spoil(struct giving *g)
{
	g->t->bare = true;
	g->n = 0;
}

/* Up to the next CR or LF. */
static size_t
run_length(struct str in)
{
	const char *cr = memchr(in.p, '\r', in.n);
	size_t n = cr != NULL ? (size_t)(cr - in.p) : in.n;
	const char *lf = memchr(in.p, '\n', n);

	return lf != NULL ? (size_t)(lf - in.p) : n;
}

static void
inside(struct giving *g, char c)
{
	if (c == '\r') {
		g->t->at = SMTP_TEXT_CR;
		return;
	}
	if (c == '\n')
		spoil(g);
	give(g, &c, 1);
	g->t->at = SMTP_TEXT_INSIDE;
}

/* Behind a CR. */
static void
line_end(struct giving *g, char c)
{
	if (c == '\n') {
		give(g, "\r\n", 2);
		g->t->at = SMTP_TEXT_BEGIN;
		return;
	}
	spoil(g);
	inside(g, c);
}

static void
step(struct giving *g, char c)
{
	struct smtp_text *t = g->t;

	switch (t->at) {
	case SMTP_TEXT_BEGIN:
		if (c == '.')
			t->at = SMTP_TEXT_DOT;
		else
			inside(g, c);
		return;
	case SMTP_TEXT_DOT:
		if (c == '\r')
			t->at = SMTP_TEXT_DOT_CR;
		else
			inside(g, c);
		return;
	case SMTP_TEXT_DOT_CR:
		t->ended = c == '\n';
		if (!t->ended)
			line_end(g, c);
		return;
	case SMTP_TEXT_CR: line_end(g, c); return;
	case SMTP_TEXT_INSIDE: inside(g, c); return;
	}
}

size_t
smtp_text_take(struct smtp_text *t, struct str in, char *out, size_t *out_n)
{
	struct giving g = { .t = t, .out = out };
	size_t i = 0;

	while (i < in.n && !t->ended) {
		if (t->at == SMTP_TEXT_INSIDE) {
			struct str rest = { in.p + i, in.n - i };
			size_t n = run_length(rest);

			give(&g, rest.p, n);
			i += n;
			if (i == in.n)
				break;
		}
		step(&g, in.p[i++]);
	}
	*out_n = g.n;
	return i;
}
