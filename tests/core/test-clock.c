#include "core/clock.h"

#include <stdio.h>
#include <time.h>

#include "lib/unit.h"

#define SECOND INT64_C(1000000)

START_TEST(prints)
{
	static const struct {
		int64_t us;
		enum time_form form;
		const char *text;
	} rows[] = {
		{ 1760797425 * SECOND, TIME_Z, "2025-10-18T14:23:45Z" },
		{ 1760797425 * SECOND, TIME_OFFSET,
		    "2025-10-18T14:23:45+00:00" },
		{ 1760797425 * SECOND, TIME_SPACED, "2025-10-18 14:23:45" },
		{ 1760797425 * SECOND, TIME_HTTP,
		    "Sat, 18 Oct 2025 14:23:45 GMT" },
		{ 784111777 * SECOND, TIME_HTTP,
		    "Sun, 06 Nov 1994 08:49:37 GMT" },
		{ 0, TIME_HTTP, "Thu, 01 Jan 1970 00:00:00 GMT" },
		{ SECOND - 1, TIME_Z, "1970-01-01T00:00:00Z" },
		{ -1, TIME_Z, "1969-12-31T23:59:59Z" },
		{ -SECOND, TIME_HTTP, "Wed, 31 Dec 1969 23:59:59 GMT" },
		{ 951782400 * SECOND, TIME_Z, "2000-02-29T00:00:00Z" },
		{ 253402300799 * SECOND, TIME_Z, "9999-12-31T23:59:59Z" },
		{ 253402300800 * SECOND, TIME_Z, "10000-01-01T00:00:00Z" },
		{ -62135596800 * SECOND, TIME_Z, "0001-01-01T00:00:00Z" },
		{ INT64_MAX, TIME_HTTP, "Sun, 10 Jan 294247 04:00:54 GMT" },
		{ INT64_MIN + 1, TIME_HTTP,
		    "Sun, 21 Dec -290308 19:59:05 GMT" },
		{ INT64_MIN, TIME_Z, "" },
	};

	ARRAY_EACH (row, rows) {
		char out[40];
		int n = instant_print((instant){ row->us }, row->form, out);

		ck_assert_str_eq(out, row->text);
		ROW(row->text, (size_t)n == strlen(row->text));
	}
}
END_TEST

/* Every third day of three centuries, against the C library. */
START_TEST(agrees_with_gmtime)
{
	for (time_t t = -4000000000; t < 6000000000; t += 259201) {
		char want[40], got[40];
		struct tm tm;

		gmtime_r(&t, &tm);
		strftime(want, sizeof(want), "%a, %d %b %Y %H:%M:%S GMT", &tm);
		instant_print((instant){ t * SECOND }, TIME_HTTP, got);
		ck_assert_str_eq(got, want);
	}
}
END_TEST

START_TEST(parses)
{
	static const struct {
		const char *text;
		int64_t us;
	} rows[] = {
		{ "2025-10-18T14:23:45Z", 1760797425 * SECOND },
		{ "2025-10-18t14:23:45z", 1760797425 * SECOND },
		{ "2025-10-18 14:23:45Z", 1760797425 * SECOND },
		{ "2025-10-18T16:23:45+02:00", 1760797425 * SECOND },
		{ "2025-10-18 16:23:45+02", 1760797425 * SECOND },
		{ "2025-10-18T08:53:45-0530", 1760797425 * SECOND },
		{ "2025-10-18T14:23:45.5Z", 1760797425 * SECOND + 500000 },
		{ "2025-10-18T14:23:45.000001Z", 1760797425 * SECOND + 1 },
		{ "2025-10-18T14:23:45.0000019999Z", 1760797425 * SECOND + 1 },
		{ "2025-10-18", 1760745600 * SECOND },
		{ "2024-02-29", 1709164800 * SECOND },
		{ "1969-12-31T23:59:59.999999Z", -1 },
		{ "2016-12-31T23:59:60Z", 1483228800 * SECOND },
		{ "0000-01-01", -62167219200 * SECOND },
	};

	ARRAY_EACH (row, rows) {
		instant t;

		ROW(row->text, instant_parse(str_of(row->text), &t));
		ROW(row->text, t.us == row->us);
	}
}
END_TEST

START_TEST(refuses)
{
	static const char *const rows[] = { "", "2025", "2025-10", "2025-13-01",
		"2025-00-01", "2025-10-00", "2025-10-32", "2025-02-29",
		"1900-02-29", "25-10-18", "2025-1-18", "2025-10-18T",
		"2025-10-18Z", "2025-10-18T14:23", "2025-10-18T14:23Z",
		"2025-10-18T14:23:45", "2025-10-18T24:00:00Z",
		"2025-10-18T14:60:00Z", "2025-10-18T14:23:61Z",
		"2025-10-18T14:23:45.Z", "2025-10-18T14:23:45,5Z",
		"2025-10-18T14:23:45+2", "2025-10-18T14:23:45+24:00",
		"2025-10-18T14:23:45+02:60",
		"2025-10-18T14:23:45+02:", "2025-10-18T14:23:45+02:0",
		"2025-10-18T14:23:45ZZ", "2025-10-18T14:23:45Z ", " 2025-10-18",
		"+2025-10-18", "2025-10-18T-1:23:45Z",
		"2025-10-18T14:23:45 +02:00" };

	ARRAY_EACH (row, rows) {
		instant t;

		ROW(*row, !instant_parse(str_of(*row), &t));
	}
}
END_TEST

START_TEST(clocks_run)
{
	int64_t steady = clock_steady_ms();

	ck_assert_int_ge(clock_steady_ms(), steady);
	ck_assert_int_gt(clock_now().us, 1700000000 * SECOND);
	ck_assert(!instant_is(INSTANT_NONE));
	ck_assert(instant_is(clock_now()));
}
END_TEST

UNIT_MAIN("core/clock", UNIT(prints), UNIT(agrees_with_gmtime), UNIT(parses),
    UNIT(refuses), UNIT(clocks_run))
