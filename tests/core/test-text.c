#include "core/text.h"

#include <stdio.h>

#include "lib/unit.h"

START_TEST(whole_numbers)
{
	static const struct {
		const char *text;
		uint64_t max;
		bool good;
		uint64_t value;
	} rows[] = {
		{ "0", 0, true, 0 },
		{ "7", 9, true, 7 },
		{ "10", 9, false, 0 },
		{ "18446744073709551615", UINT64_MAX, true, UINT64_MAX },
		{ "18446744073709551616", UINT64_MAX, false, 0 },
		{ "99999999999999999999999", UINT64_MAX, false, 0 },
		{ "", 9, false, 0 },
		{ "00", 9, false, 0 },
		{ "01", 9, false, 0 },
		{ "+1", 9, false, 0 },
		{ "-1", 9, false, 0 },
		{ " 1", 9, false, 0 },
		{ "1 ", 9, false, 0 },
		{ "1x", 99, false, 0 },
		{ "0x1", 99, false, 0 },
	};

	ARRAY_EACH (row, rows) {
		uint64_t value = 0;

		ROW(row->text,
		    str_uint(str_of(row->text), row->max, &value) == row->good);
		ROW(row->text, value == row->value);
	}
}
END_TEST

START_TEST(runs)
{
	ck_assert(str_eq(str_trim(STR(" \t\r\na b\n ")), STR("a b")));
	ck_assert(str_eq(str_trim(STR("  ")), STR("")));
	ck_assert(str_eq(str_trim((struct str){ NULL, 0 }), STR("")));
	ck_assert(str_starts(STR("abc"), STR("ab")));
	ck_assert(str_starts(STR("abc"), STR("")));
	ck_assert(!str_starts(STR("abc"), STR("abcd")));
	ck_assert(!str_starts(STR("abc"), STR("b")));
	ck_assert(str_ieq(STR("INBOX"), STR("inbox")));
	ck_assert(!str_ieq(STR("INBOX"), STR("inbo")));
	ck_assert(!str_eq(STR("a"), STR("A")));
	ck_assert_ptr_null(str_of(NULL).p);
}
END_TEST

/* The sequence at the front, and what a repair makes of the whole. */
START_TEST(utf8)
{
	static const struct {
		const char *text;
		int step;
		const char *repaired;
	} rows[] = {
		{ "a", 1, "a" },
		{ "\xc2\x80", 2, "\xc2\x80" },
		{ "\xdf\xbf", 2, "\xdf\xbf" },
		{ "\xe0\xa0\x80", 3, "\xe0\xa0\x80" },
		{ "\xed\x9f\xbf", 3, "\xed\x9f\xbf" },
		{ "\xee\x80\x80", 3, "\xee\x80\x80" },
		{ "\xef\xbf\xbf", 3, "\xef\xbf\xbf" },
		{ "\xf0\x90\x80\x80", 4, "\xf0\x90\x80\x80" },
		{ "\xf4\x8f\xbf\xbf", 4, "\xf4\x8f\xbf\xbf" },
		{ "\x80", -1, "\xef\xbf\xbd" },
		{ "\xbf", -1, "\xef\xbf\xbd" },
		{ "\xc0\xaf", -1, "\xef\xbf\xbd\xef\xbf\xbd" },
		{ "\xc1\xbf", -1, "\xef\xbf\xbd\xef\xbf\xbd" },
		{ "\xc2", -1, "\xef\xbf\xbd" },
		{ "\xc2x", -1, "\xef\xbf\xbdx" },
		{ "\xe0\x9f\xbf", -1, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
		{ "\xed\xa0\x80", -1, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
		{ "\xe2\x82", -2, "\xef\xbf\xbd" },
		{ "\xe2\x82x", -2, "\xef\xbf\xbdx" },
		{ "\xe2\x82\xe2\x82\xac", -2, "\xef\xbf\xbd\xe2\x82\xac" },
		{ "\xf0\x8f\xbf\xbf", -1,
		    "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
		{ "\xf0\x9f\x98", -3, "\xef\xbf\xbd" },
		{ "\xf4\x90\x80\x80", -1,
		    "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
		{ "\xf5\x80", -1, "\xef\xbf\xbd\xef\xbf\xbd" },
		{ "\xff", -1, "\xef\xbf\xbd" },
	};
	struct arena *a = arena_new(1 << 16);

	ARRAY_EACH (row, rows) {
		struct str s = str_of(row->text);
		struct str repaired = utf8_repair(a, s);

		ck_assert_int_eq(utf8_step(s.p, s.n), row->step);
		ROW(row->repaired, utf8_valid(s.p, s.n) == (row->step > 0));
		ck_assert_str_eq(repaired.p, row->repaired);
		ROW(row->repaired, repaired.n == strlen(row->repaired));
	}
	ck_assert(str_eq(utf8_repair(a, STR("a\0b")),
	    STR("a\xef\xbf\xbd"
		"b")));
	arena_free(&a);
}
END_TEST

START_TEST(valid_prefix_ends_where_it_breaks)
{
	char text[64];

	for (size_t bad = 0; bad < sizeof(text); bad++) {
		memset(text, 'a', sizeof(text));
		text[bad] = (char)0xff;
		ck_assert_uint_eq(utf8_valid_prefix(text, sizeof(text)), bad);
	}
	ck_assert_uint_eq(utf8_valid_prefix(NULL, 0), 0);
}
END_TEST

START_TEST(every_code_point_there_and_back)
{
	for (uint32_t cp = 1; cp < 0x110100; cp += cp < 0x11000 ? 1 : 13) {
		bool exists = cp <= 0x10ffff && (cp < 0xd800 || cp > 0xdfff);
		char out[4];
		size_t n = utf8_put(out, cp);

		ck_assert(utf8_valid(out, n));
		ck_assert_int_eq(utf8_step(out, n), (int)n);
		ck_assert(exists || memcmp(out, "\xef\xbf\xbd", 3) == 0);
		for (size_t short_by = 1; short_by < n; short_by++)
			ck_assert(!utf8_valid(out, n - short_by));
	}
}
END_TEST

START_TEST(cuts_between_characters)
{
	static const struct {
		const char *text;
		size_t max, want;
	} rows[] = {
		{ "abc", 5, 3 },
		{ "abc", 3, 3 },
		{ "abc", 2, 2 },
		{ "a\xe2\x82\xac", 4, 4 },
		{ "a\xe2\x82\xac", 3, 1 },
		{ "a\xe2\x82\xac", 2, 1 },
		{ "\xf0\x9f\x98\x80", 3, 0 },
		{ "\xf0\x9f\x98\x80x", 4, 4 },
		{ "abc", 0, 0 },
	};

	ARRAY_EACH (row, rows) {
		ROW(row->text,
		    utf8_cut(row->text, strlen(row->text), row->max) ==
			row->want);
	}
}
END_TEST

UNIT_MAIN("core/text", UNIT(whole_numbers), UNIT(runs), UNIT(utf8),
    UNIT(valid_prefix_ends_where_it_breaks),
    UNIT(every_code_point_there_and_back), UNIT(cuts_between_characters))
