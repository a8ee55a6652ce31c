#include "core/arena.h"

#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "lib/unit.h"

static struct arena *a;
static char order[16];

static void
note(void *handle)
{
	strncat(order, handle, sizeof(order) - strlen(order) - 1);
}

START_TEST(pieces_are_aligned_and_zeroed)
{
	static const size_t sizes[] = { 0, 1, 7, 16, 17, 4000, 4096, 70000,
		300000, 1 };

	a = arena_new(1 << 20);
	for (int round = 0; round < 2; round++) {
		ARRAY_EACH (n, sizes) {
			char name[16];
			unsigned char *p = arena_alloc(a, *n), sum = 0;

			snprintf(name, sizeof(name), "%zu", *n);
			ROW(name, (uintptr_t)p % 16 == 0);
			for (size_t i = 0; i < *n; i++)
				sum |= p[i];
			ROW(name, sum == 0);
			memset(p, 0xff, *n);
		}
		arena_reset(a);
	}
	arena_free(&a);
	ck_assert_ptr_null(a);
	arena_free(&a);
}
END_TEST

START_TEST(blocks_hold_many_pieces)
{
	a = arena_new(1 << 20);
	for (int i = 0; i < 1000; i++)
		arena_alloc(a, 100);
	/* Doubling blocks waste less than they hold. */
	ck_assert_uint_lt(arena_used(a), 3 * 1000 * 112);
	arena_free(&a);
}
END_TEST

START_TEST(reset_keeps_one_block)
{
	size_t held;

	a = arena_new(8 << 20);
	arena_alloc(a, 100);
	arena_alloc(a, 1 << 20);
	for (int i = 0; i < 1000; i++)
		arena_alloc(a, 1000);
	arena_reset(a);
	held = arena_used(a);
	ck_assert_uint_gt(held, 0);
	ck_assert_uint_le(held, 256 * 1024);
	arena_alloc(a, held / 2);
	ck_assert_uint_eq(arena_used(a), held);
	arena_free(&a);
}
END_TEST

/* Takes pieces of `n` bytes until the ceiling is there. */
static void
fill(size_t ceiling, size_t n, const int pieces)
{
	jmp_buf guard;

	a = arena_new(ceiling);
	arena_guard(a, &guard);
	if (setjmp(guard) != 0)
		return;
	for (volatile int i = 0; i < pieces; i++)
		arena_alloc(a, n);
	ck_abort_msg("ceiling %zu let pieces of %zu pass", ceiling, n);
}

START_TEST(ceiling_jumps_to_the_guard)
{
	static const size_t ceilings[] = { 64, 1000, 4096, 5000, 100000,
		1 << 20 };

	ARRAY_EACH (ceiling, ceilings) {
		char name[16];

		snprintf(name, sizeof(name), "%zu", *ceiling);
		fill(*ceiling, 8, 1 << 20);
		ROW(name, arena_used(a) <= *ceiling);
		/* Nothing that would have fitted was refused. */
		ROW(name, arena_used(a) + 64 > *ceiling);
		arena_free(&a);
	}
}
END_TEST

START_TEST(ceiling_stops_one_large_piece)
{
	static const size_t sizes[] = { 4097, 5000, SIZE_MAX - 40, SIZE_MAX };

	ARRAY_EACH (n, sizes) {
		fill(4096, *n, 1);
		ck_assert_uint_eq(arena_used(a), 0);
		arena_free(&a);
	}
}
END_TEST

START_TEST(array_does_not_wrap)
{
	volatile size_t many = SIZE_MAX / 8 + 2;
	volatile bool stopped = true;
	jmp_buf guard;

	a = arena_new(4096);
	arena_guard(a, &guard);
	if (setjmp(guard) == 0) {
		arena_array(a, many, 8);
		stopped = false;
	}
	ck_assert(stopped);
	arena_free(&a);
}
END_TEST

START_TEST(ceiling_without_guard_dies)
{
	a = arena_new(4096);
	arena_alloc(a, 4097);
}
END_TEST

START_TEST(deferred_ends_run_last_in_first_out)
{
	char one[] = "1", two[] = "2", three[] = "3";

	a = arena_new(1 << 16);
	arena_defer(a, note, one);
	arena_defer(a, note, two);
	arena_reset(a);
	ck_assert_str_eq(order, "21");
	arena_reset(a);
	ck_assert_str_eq(order, "21");
	arena_defer(a, note, three);
	arena_free(&a);
	ck_assert_str_eq(order, "213");
}
END_TEST

START_TEST(deferred_handle_ends_when_the_ceiling_is_there)
{
	char one[] = "1";
	jmp_buf guard;

	a = arena_new(8);
	arena_guard(a, &guard);
	if (setjmp(guard) == 0)
		arena_defer(a, note, one);
	ck_assert_str_eq(order, "1");
	arena_free(&a);
	ck_assert_str_eq(order, "1");
}
END_TEST

START_TEST(texts)
{
	a = arena_new(1 << 16);
	ck_assert_str_eq(arena_dup(a, "abc", 2), "ab");
	ck_assert_str_eq(arena_dup(a, NULL, 0), "");
	ck_assert_str_eq(arena_str(a, "abc"), "abc");
	ck_assert_ptr_null(arena_str(a, NULL));
	ck_assert_str_eq(arena_fmt(a, "%s-%d", "x", 7), "x-7");
	ck_assert_int_eq(ARENA_ARRAY(a, int, 3)[2], 0);
	arena_free(&a);
}
END_TEST

UNIT_MAIN("core/arena", UNIT(pieces_are_aligned_and_zeroed),
    UNIT(blocks_hold_many_pieces), UNIT(reset_keeps_one_block),
    UNIT(ceiling_jumps_to_the_guard), UNIT(ceiling_stops_one_large_piece),
    UNIT(array_does_not_wrap), UNIT_DIES(ceiling_without_guard_dies, SIGABRT),
    UNIT(deferred_ends_run_last_in_first_out),
    UNIT(deferred_handle_ends_when_the_ceiling_is_there), UNIT(texts))
