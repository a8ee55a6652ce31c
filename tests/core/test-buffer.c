#include "core/buffer.h"

#include <limits.h>
#include <stdio.h>

#include "lib/unit.h"

static struct buf b;

START_TEST(grows)
{
	buf_init(&b, 100000);
	ck_assert_str_eq(buf_text(&b), "");
	for (int i = 0; i < 10000; i++)
		buf_fmt(&b, "%04d.", i);
	ck_assert_uint_eq(b.n, 50000);
	ck_assert(!b.full);
	ck_assert_str_eq(buf_text(&b) + 49995, "9999.");
	buf_clear(&b);
	ck_assert_ptr_null(b.p);
	buf_puts(&b, "again");
	ck_assert_str_eq(buf_text(&b), "again");
	buf_clear(&b);
}
END_TEST

START_TEST(limit_drops_whole_writes)
{
	buf_init(&b, 10);
	buf_puts(&b, "12345678");
	buf_puts(&b, "abc");
	ck_assert(b.full);
	buf_putc(&b, 'x'); /* would fit, and would make a hole */
	buf_fmt(&b, "%d", 1);
	ck_assert_str_eq(buf_text(&b), "12345678");
	buf_reset(&b);
	ck_assert(!b.full);
	buf_puts(&b, "1234567890");
	ck_assert(!b.full);
	ck_assert_str_eq(buf_text(&b), "1234567890");
	buf_clear(&b);
	buf_fmt(&b, "%s", "12345678901");
	ck_assert(b.full && b.n == 0);
	buf_clear(&b);
}
END_TEST

START_TEST(room_is_announced)
{
	char *p;

	buf_init(&b, 1000);
	p = buf_room(&b, 600);
	ck_assert_ptr_nonnull(p);
	memset(p, 'x', 600);
	buf_wrote(&b, 400);
	ck_assert_uint_eq(strlen(buf_text(&b)), 400);
	ck_assert_ptr_nonnull(buf_room(&b, 600));
	ck_assert(!b.full);
	ck_assert_ptr_null(buf_room(&b, 601));
	ck_assert(b.full);
	buf_clear(&b);
	ck_assert_ptr_null(buf_room(&b, SIZE_MAX));
	buf_clear(&b);
}
END_TEST

START_TEST(drops_at_the_front)
{
	static const struct {
		size_t n;
		const char *left;
	} rows[] = { { 0, "abcdef" }, { 2, "cdef" }, { 6, "" }, { 7, "" },
		{ SIZE_MAX, "" } };

	ARRAY_EACH (row, rows) {
		buf_init(&b, 100);
		buf_puts(&b, "abcdef");
		buf_drop(&b, row->n);
		ck_assert_str_eq(buf_text(&b), row->left);
		buf_clear(&b);
	}
	buf_drop(&b, 1);
}
END_TEST

START_TEST(whole_numbers)
{
	static const long long rows[] = { 0, 7, -7, 10, 1234567890123,
		LLONG_MAX, LLONG_MIN };

	buf_init(&b, 100);
	ARRAY_EACH (row, rows) {
		char want[32];

		snprintf(want, sizeof(want), "%lld", *row);
		buf_reset(&b);
		buf_int(&b, *row);
		ck_assert_str_eq(buf_text(&b), want);
	}
	buf_clear(&b);
}
END_TEST

START_TEST(shrinks_when_the_content_allows)
{
	buf_init(&b, 100000);
	ck_assert_ptr_nonnull(buf_room(&b, 50000));
	buf_puts(&b, "abc");
	buf_shrink(&b, 2);
	ck_assert_uint_ge(b.cap, 50000);
	buf_shrink(&b, 1000);
	ck_assert_uint_eq(b.cap, 1000);
	ck_assert_str_eq(buf_text(&b), "abc");
	buf_reset(&b);
	buf_shrink(&b, 0);
	ck_assert_ptr_null(b.p);
	buf_puts(&b, "abc");
	ck_assert_str_eq(buf_text(&b), "abc");
	buf_clear(&b);
}
END_TEST

UNIT_MAIN("core/buffer", UNIT(grows), UNIT(limit_drops_whole_writes),
    UNIT(room_is_announced), UNIT(drops_at_the_front), UNIT(whole_numbers),
    UNIT(shrinks_when_the_content_allows))
