/* The main function of a unit test: one list of checks. */
#ifndef TESTS_MAIL_RUN_H
#define TESTS_MAIL_RUN_H

#include <check.h>
#include <stdlib.h>

#include "core/arena.h"
#include "core/text.h"

static inline int
run_tests(const char *name, const TTest *const *tests, size_t n)
{
	Suite *suite = suite_create(name);
	TCase *cases = tcase_create(name);
	SRunner *runner;
	int failed;

	for (size_t i = 0; i < n; i++)
		tcase_add_test(cases, tests[i]);
	tcase_set_timeout(cases, 60);
	suite_add_tcase(suite, cases);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#define RUN(name, ...)                                                         \
	int main(void)                                                         \
	{                                                                      \
		const TTest *tests[] = { __VA_ARGS__ };                        \
                                                                               \
		return run_tests(                                              \
		    (name), tests, sizeof(tests) / sizeof(tests[0]));          \
	}

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

/* A failure names its row and shows both texts. */
#define SAME_TEXT(row, got, want)                                              \
	ck_assert_msg(str_eq((got), (want)),                                   \
	    "row %zu: got \"%.*s\", want "                                     \
	    "\"%.*s\"",                                                        \
	    (size_t)(row), STR_FMT(got), STR_FMT(want))

#endif
