#include "mail/date.h"

#include "rows.h"

#define NO    INT64_MIN
#define AT(s) ((s)*1000000LL)

static const struct {
	const char *text;
	int64_t want;
} dates[] = {
	{ "Fri, 19 Jul 2019 06:00:17 +0000", AT(1563516017) },
	{ "Fri, 19 Jul 2019 08:00:17 +0200 (CEST)", AT(1563516017) },
	{ "19 Jul 2019 06:00:17 GMT", AT(1563516017) },
	{ "19 Jul 2019 06:00 +0000", AT(1563516000) },
	{ "Fri, 19 Jul 2019 01:00:17 EST", AT(1563516017) },
	{ "Fri, 19 Jul 2019 06:00:17 Z", AT(1563516017) },
	{ "Fri, 19 Jul 2019 06:00:17 X", AT(1563516017) }, /* military */
	{ "Fri, 19 Jul 2019 06:00:17 BOGUS", AT(1563516017) },
	{ "Fri, 19 Jul 2019 06:00:17", AT(1563516017) },
	{ "Fri, 19 Jul 2019 08:00:17 GMT+0200", AT(1563516017) },
	{ "Fri, 19 Jul 2019 08:00:17 +02:00", AT(1563516017) },
	{ "Fri, 19 Jul 2019 08:00:17 +2", AT(1563516017) },
	{ "Fri,19 Jul 2019 06:00:17-0000", AT(1563516017) },
	{ "Friday, 19 July 2019 06:00:17 UT", AT(1563516017) },
	{ "19-Jul-2019 06:00:17 +0000", AT(1563516017) },
	{ "Thu, 19 Sep 91 12:41:43 EDT", AT(685298503) },
	{ "Thu Sep 19 12:41:43 1991", AT(685284103) },
	{ "Thu Sep 19 12:41:43 EDT 1991", AT(685298503) },
	{ "1 Jan 100 00:00:00 +0000", AT(946684800) }, /* RFC 5322 4.3 */
	{ "1 Jan 49 00:00:00 +0000", AT(2493072000) },
	{ "1 Jan 50 00:00:00 +0000", AT(-631152000) },
	{ "29 Feb 2000 00:00:00 +0000", AT(951782400) },
	{ "29 Feb 2024 23:59:60 +0000", AT(1709251200) },
	{ "(c (n) \\) x) Fri, (a) 19 (b) Jul 2019 06:00:17 +0000",
	    AT(1563516017) },
	{ "19 Jul 2019 6:00:17 PM +0000", AT(1563559217) },
	{ "19 Jul 2019 12:00:17 AM +0000", AT(1563494417) },
	{ "  19 Jul 2019\r\n 06:00:17 +0000 ", AT(1563516017) },
	{ "2019-07-19T06:00:17Z", AT(1563516017) },
	{ "19 Jul 2019 06.00 +0000", NO },
	{ "29 Feb 1900 00:00:00 +0000", NO },
	{ "31 Apr 2000 00:00:00 +0000", NO },
	{ "0 Apr 2000 00:00:00 +0000", NO },
	{ "1 Apr 2000 24:00:00 +0000", NO },
	{ "1 Apr 2000 00:60:00 +0000", NO },
	{ "1 Apr 2000 00:00:61 +0000", NO },
	{ "1 Apr 2000 00:00:00 +2400", NO },
	{ "1 Apr 2000 00:00:00 +0060", NO },
	{ "1 Apr 2000", NO },
	{ "1 Foo 2000 00:00:00 +0000", NO },
	{ "1 Apr 1899 00:00:00 +0000", NO },
	{ "1 Apr 12345 00:00:00 +0000", NO },
	{ "99999999999999999999", NO },
	{ "", NO },
	{ "((((((((((((((((((((((((((((((((((((((((", NO },
};

START_TEST(fields)
{
	for (size_t i = 0; i < ROWS(dates); i++) {
		instant t = INSTANT_NONE;
		bool ok = date_parse(str_of(dates[i].text), &t);

		ck_assert_msg(ok == (dates[i].want != NO) &&
			(!ok || t.us == dates[i].want),
		    "row %zu \"%s\": %d %lld", i, dates[i].text, ok,
		    (long long)t.us);
	}
}
END_TEST

static const struct {
	const char *text;
	int64_t want;
} internal[] = {
	{ "19-Jul-2019 06:00:17 +0000", AT(1563516017) },
	{ " 1-Jan-1970 00:00:00 +0000", 0 },
	{ "01-jan-1970 01:00:00 +0100", 0 },
	{ "01-JAN-1970 00:00:00 -0130", AT(5400) },
	{ "1-Jan-1970 00:00:00", NO },
	{ "1-Jan-1970 00:00:00 GMT", NO },
	{ "1-Jan-1970 00:00:00 +00:00", NO },
	{ "1-Jan-1970 00:00:00 +00000", NO },
	{ "32-Jan-1970 00:00:00 +0000", NO },
	{ "1/Jan/1970 00:00:00 +0000", NO },
	{ "1-Jan-19700 00:00:00 +0000", NO },
	{ "", NO },
	{ " ", NO },
	{ "1-J", NO },
};

START_TEST(internal_dates)
{
	for (size_t i = 0; i < ROWS(internal); i++) {
		instant t = INSTANT_NONE;
		bool ok = date_internal_parse(str_of(internal[i].text), &t);

		ck_assert_msg(ok == (internal[i].want != NO) &&
			(!ok || t.us == internal[i].want),
		    "row %zu \"%s\": %d %lld", i, internal[i].text, ok,
		    (long long)t.us);
	}
}
END_TEST

/* What is printed reads back, for a day of each month over 400 years. */
START_TEST(round_trip)
{
	for (int64_t s = -2208988800; s < 10413792000; s += 2629800 + 4321) {
		instant t = { AT(s) }, a, b;
		char text[DATE_TEXT];

		ck_assert_int_lt(date_print(t, text), DATE_TEXT);
		ck_assert_msg(date_parse(str_of(text), &a), "%s", text);
		ck_assert_int_lt(date_internal_print(t, text), DATE_TEXT);
		ck_assert_msg(
		    date_internal_parse(str_of(text), &b), "%s", text);
		ck_assert_msg(a.us == t.us && b.us == t.us, "%s", text);
	}
}
END_TEST

START_TEST(printed)
{
	char text[DATE_TEXT];

	date_print((instant){ AT(1563516017) }, text);
	ck_assert_str_eq(text, "Fri, 19 Jul 2019 06:00:17 +0000");
	date_internal_print((instant){ AT(1561939200) }, text);
	ck_assert_str_eq(text, " 1-Jul-2019 00:00:00 +0000");
}
END_TEST

UNIT_MAIN("mail/date", UNIT(fields), UNIT(internal_dates), UNIT(round_trip),
    UNIT(printed))
