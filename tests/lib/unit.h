/* Unit tests: one suite a program, its cases rows that a failure names. */
#ifndef LIB_UNIT_H
#define LIB_UNIT_H

#undef fail
#include <check.h>
#include <stddef.h>

#undef fail /* check's old name for ck_abort; ours is in core/result.h */

struct unit_case {
	const TTest *test;
	int signal; /* it is right for the test to die of this one; 0: no */
};

#define ARRAY_EACH(row, rows)                                                  \
	for (const __typeof__((rows)[0]) *row = (rows);                        \
	     row < (rows) + sizeof(rows) / sizeof(*(rows)); row++)

/* The condition, and the row it is about. */
#define ROW(name, condition)                                                   \
	ck_assert_msg((condition), "row \"%s\": %s", (name), #condition)

/* How long each case may take, where a minute is not enough. */
void unit_seconds(int);

/* The program's exit status. */
int unit_run(const char *suite, const struct unit_case *, size_t n);

/* Around each case, in its process; before unit_run. */
void unit_around(void (*begin)(void), void (*end)(void));

#define UNIT(name)                                                             \
	{                                                                      \
		(name), 0                                                      \
	}
#define UNIT_DIES(name, signal)                                                \
	{                                                                      \
		(name), (signal)                                               \
	}

/* UNIT_MAIN("core/arena", UNIT(rows), UNIT_DIES(overflow, SIGABRT)) */
#define UNIT_MAIN(suite, ...)                                                  \
	int main(void)                                                         \
	{                                                                      \
		const struct unit_case cases[] = { __VA_ARGS__ };              \
                                                                               \
		return unit_run(                                               \
		    (suite), cases, sizeof(cases) / sizeof(*cases));           \
	}

/* The same, each case between `begin` and `end`. */
#define UNIT_MAIN_AROUND(suite, begin, end, ...)                               \
	int main(void)                                                         \
	{                                                                      \
		const struct unit_case cases[] = { __VA_ARGS__ };              \
                                                                               \
		unit_around((begin), (end));                                   \
		return unit_run(                                               \
		    (suite), cases, sizeof(cases) / sizeof(*cases));           \
	}

#endif
