/* Rate limits: counted once, over all processes, and not to be flushed out. */
#include "core/rate.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/unit.h"

#define NOW INT64_C(1790000040)

static char dir[64];
static struct rate_table *table;
static struct arena *arena;

static void
begin(void)
{
	snprintf(dir, sizeof dir, "%s", "/tmp/letterrack-rate-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(rate_open(dir, &table), RC_OK);
	arena = arena_new(1 << 20);
}

static void
end(void)
{
	char cmd[128];

	rate_close(&table);
	snprintf(cmd, sizeof cmd, "rm -rf '%s'", dir);
	ck_assert_int_eq(system(cmd), 0);
	arena_free(&arena);
}

static struct rate
take(enum rate_kind kind, const char *key, int64_t limit, int64_t now)
{
	return rate_take(table, kind, str_of(key), limit, now);
}

START_TEST(counts_down)
{
	int64_t reset = (NOW / 60 + 1) * 60;

	for (int64_t i = 0; i < 5; i++) {
		struct rate r = take(RATE_LOGIN, "1.2.3.4", 5, NOW);

		ck_assert(r.allowed);
		ck_assert_int_eq(r.limit, 5);
		ck_assert_int_eq(r.remaining, 4 - i);
		ck_assert_int_eq(r.reset, reset);
	}
	for (int i = 0; i < 3; i++) {
		struct rate r = take(RATE_LOGIN, "1.2.3.4", 5, reset - 1);

		ck_assert(!r.allowed);
		ck_assert_int_eq(r.remaining, 0);
		ck_assert_int_eq(r.reset, reset);
	}
	ck_assert(take(RATE_LOGIN, "1.2.3.5", 5, NOW).allowed);
	ck_assert(take(RATE_ADDRESS, "1.2.3.4", 5, NOW).allowed);
	ck_assert_int_eq(take(RATE_LOGIN, "1.2.3.4", 5, reset).remaining, 4);
}
END_TEST

START_TEST(looking_counts_nothing)
{
	struct str key = STR("looked at");

	for (int i = 0; i < 3; i++) {
		struct rate r = rate_look(table, RATE_ADDRESS, key, 1, NOW);

		ck_assert(r.allowed && r.remaining == 0);
	}
	ck_assert(rate_take(table, RATE_ADDRESS, key, 1, NOW).allowed);
	ck_assert(!rate_look(table, RATE_ADDRESS, key, 1, NOW).allowed);
	ck_assert(rate_look(table, RATE_ADDRESS, key, 1, NOW + 60).allowed);
	ck_assert(rate_look(table, RATE_ADDRESS, key, 0, NOW).allowed);
}
END_TEST

START_TEST(no_limit)
{
	struct rate r = take(RATE_TOKEN, "t", 0, NOW);

	ck_assert(r.allowed);
	ck_assert_int_eq(r.limit, 0);
	r = take(RATE_TOKEN, "t", RATE_LIMIT_MAX + 5, NOW);
	ck_assert_int_eq(r.limit, RATE_LIMIT_MAX);
}
END_TEST

START_TEST(survives)
{
	struct rate_table *other;

	for (int i = 0; i < 5; i++)
		(void)take(RATE_SESSION, "s", 5, NOW);
	ck_assert_int_eq(rate_open(dir, &other), RC_OK);
	ck_assert(!rate_take(other, RATE_SESSION, STR("s"), 5, NOW).allowed);
	rate_close(&other);
	ck_assert_ptr_null(other);
	rate_close(&table);
	ck_assert_int_eq(rate_open(dir, &table), RC_OK);
	ck_assert(!take(RATE_SESSION, "s", 5, NOW).allowed);
}
END_TEST

/* Who is at their limit stays there while 100,000 others come by. */
START_TEST(flood)
{
	for (int i = 0; i < 5; i++)
		(void)take(RATE_LOGIN, "attacker", 5, NOW);
	for (int i = 0; i < 100000; i++) {
		const char *key = arena_fmt(arena, "k%d", i);

		ck_assert(take(RATE_ADDRESS, key, 100, NOW).allowed);
		if (i % 1000 == 0)
			arena_reset(arena);
	}
	ck_assert(!take(RATE_LOGIN, "attacker", 5, NOW).allowed);
	/* The next minute has room for everybody. */
	ck_assert(take(RATE_ADDRESS, "new", 1, NOW + 60).allowed);
	ck_assert(!take(RATE_ADDRESS, "new", 1, NOW + 60).allowed);
}
END_TEST

#define CHILDREN 4
#define EACH     5000

static void
child(void)
{
	int taken = 0;

	for (int i = 0; i < EACH; i++)
		taken += take(RATE_TOKEN, "shared", 12345, NOW).allowed;
	/* How many it was allowed, in a row of its own. */
	for (int i = 0; i < taken; i++)
		(void)take(RATE_SESSION, "sum", RATE_LIMIT_MAX, NOW);
	_exit(0);
}

/* No request is lost or counted twice between processes. */
START_TEST(processes)
{
	int status;
	struct rate r;

	for (int i = 0; i < CHILDREN; i++)
		if (fork() == 0)
			child();
	for (int i = 0; i < CHILDREN; i++) {
		ck_assert(wait(&status) > 0);
		ck_assert_int_eq(status, 0);
	}
	ck_assert(!take(RATE_TOKEN, "shared", 12345, NOW).allowed);
	r = take(RATE_SESSION, "sum", RATE_LIMIT_MAX, NOW);
	ck_assert_int_eq(RATE_LIMIT_MAX - r.remaining - 1, 12345);
}
END_TEST

START_TEST(addresses)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{ "192.0.2.7", "192.0.2.7" },
		{ "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::" },
		{ "2001:db8:1:2:ffff::1", "2001:db8:1:2::" },
		{ "2001:DB8:1:2::9", "2001:db8:1:2::" },
		{ "::1", "::" },
		{ "::ffff:192.0.2.7", "192.0.2.7" },
		{ "::ffff:c000:207", "192.0.2.7" },
		{ "unix:", "unix:" },
		{ "", "" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		ck_assert_msg(str_eq(rate_address(arena, str_of(rows[i].in)),
				  str_of(rows[i].out)),
		    "row %s", rows[i].in);
}
END_TEST

UNIT_MAIN_AROUND("core/rate", begin, end, UNIT(counts_down),
    UNIT(looking_counts_nothing), UNIT(no_limit), UNIT(survives), UNIT(flood),
    UNIT(processes), UNIT(addresses))
