#include "core/timers.h"

#include <stdlib.h>

#include "lib/unit.h"

#define MANY 500

START_TEST(none_is_first)
{
	struct timers t = { .n = 0 };
	struct timer a = { 0 };

	ck_assert_ptr_null(timers_first(&t));
	timers_set(&t, &a, TIMER_NEVER);
	ck_assert_ptr_null(timers_first(&t));
	timers_set(&t, &a, 7);
	ck_assert_ptr_eq(timers_first(&t), &a);
	timers_set(&t, &a, TIMER_NEVER);
	ck_assert_ptr_null(timers_first(&t));
	timers_clear(&t);
}
END_TEST

static const struct timer *
earliest(const struct timer *v, size_t n)
{
	const struct timer *first = NULL;

	for (size_t i = 0; i < n; i++)
		if (v[i].place != 0 && (first == NULL || v[i].ms < first->ms))
			first = &v[i];
	return first;
}

/* Against a look at all of them, whatever is set, moved and taken out. */
START_TEST(agrees_with_a_look_at_all)
{
	static struct timer v[MANY];
	struct timers t = { .n = 0 };

	srandom(7);
	for (int i = 0; i < 20000; i++) {
		struct timer *x = &v[random() % MANY];
		const struct timer *first;

		timers_set(
		    &t, x, random() % 4 == 0 ? TIMER_NEVER : random() % 1000);
		first = earliest(v, MANY);
		if (first == NULL)
			ck_assert_ptr_null(timers_first(&t));
		else
			ck_assert_int_eq(timers_first(&t)->ms, first->ms);
	}
	timers_clear(&t);
}
END_TEST

/* All come out in their order. */
START_TEST(sorts)
{
	static struct timer v[MANY];
	struct timers t = { .n = 0 };
	int64_t last = 0;

	for (size_t i = 0; i < MANY; i++)
		timers_set(&t, &v[i], (int64_t)(i * 7919 % MANY));
	for (size_t i = 0; i < MANY; i++) {
		struct timer *x = timers_first(&t);

		ck_assert_int_ge(x->ms, last);
		last = x->ms;
		timers_set(&t, x, TIMER_NEVER);
	}
	ck_assert_ptr_null(timers_first(&t));
	timers_clear(&t);
}
END_TEST

UNIT_MAIN("core/timers", UNIT(none_is_first), UNIT(agrees_with_a_look_at_all),
    UNIT(sorts))
