#include "lib/unit.h"

#include <stdlib.h>

/* Bounds a hang; a slow machine under sanitizers must stay far below. */
static int seconds_most = 60;

void
unit_seconds(int seconds)
{
	seconds_most = seconds;
}

static void (*around[2])(void);

void
unit_around(void (*begin)(void), void (*end)(void))
{
	around[0] = begin;
	around[1] = end;
}

int
unit_run(const char *name, const struct unit_case *cases, size_t n)
{
	Suite *suite = suite_create(name);
	SRunner *runner = srunner_create(suite);
	int failed;

	for (size_t i = 0; i < n; i++) {
		TCase *tc = tcase_create(cases[i].test->name);

		tcase_add_checked_fixture(tc, around[0], around[1]);
		tcase_set_timeout(tc, seconds_most);
		tcase_add_test_raise_signal(tc, cases[i].test, cases[i].signal);
		suite_add_tcase(suite, tc);
	}
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
