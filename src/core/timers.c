#include "core/timers.h"

#include <stdlib.h>

#include "core/log.h"

void
timers_clear(struct timers *t)
{
	free(t->v);
	*t = (struct timers){ .n = 0 };
}

static void
put(struct timers *t, size_t place, struct timer *x)
{
	t->v[place - 1] = x;
	x->place = place;
}

static void
up(struct timers *t, struct timer *x, size_t place)
{
	while (place > 1 && t->v[place / 2 - 1]->ms > x->ms) {
		put(t, place, t->v[place / 2 - 1]);
		place /= 2;
	}
	put(t, place, x);
}

static void
down(struct timers *t, struct timer *x, size_t place)
{
	for (size_t child; (child = place * 2) <= t->n; place = child) {
		if (child < t->n && t->v[child]->ms < t->v[child - 1]->ms)
			child++;
		if (t->v[child - 1]->ms >= x->ms)
			break;
		put(t, place, t->v[child - 1]);
	}
	put(t, place, x);
}

static void
settle(struct timers *t, struct timer *x, size_t place)
{
	if (place > 1 && t->v[place / 2 - 1]->ms > x->ms)
		up(t, x, place);
	else
		down(t, x, place);
}

static void
take_out(struct timers *t, struct timer *x)
{
	size_t place = x->place;
	struct timer *last = t->v[--t->n];

	x->place = 0;
	if (last != x)
		settle(t, last, place);
}

static void
add(struct timers *t, struct timer *x)
{
	if (t->n == t->cap) {
		t->cap = t->cap > 0 ? t->cap * 2 : 64;
		t->v = reallocarray(t->v, t->cap, sizeof *t->v);
		if (t->v == NULL)
			die("out of memory");
	}
	up(t, x, ++t->n);
}

void
timers_set(struct timers *t, struct timer *x, int64_t ms)
{
	x->ms = ms;
	if (ms != TIMER_NEVER && x->place == 0)
		add(t, x);
	else if (ms != TIMER_NEVER)
		settle(t, x, x->place);
	else if (x->place != 0)
		take_out(t, x);
}

struct timer *
timers_first(const struct timers *t)
{
	return t->n > 0 ? t->v[0] : NULL;
}
