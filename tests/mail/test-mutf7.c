#include "mail/mutf7.h"

#include "rows.h"

static const struct {
	const char *wire;
	const char *name;
	bool exact;
} names[] = {
	{ "INBOX", "INBOX", true },
	{ "", "", true },
	{ "&-", "&", true },
	{ "Tom &- Jerry", "Tom & Jerry", true },
	{ "Entw&APw-rfe", "Entw\xc3\xbcrfe", true },
	{ "&AOQA9g-", "\xc3\xa4\xc3\xb6", true },
	{ "~peter/mail/&U,BTFw-/&ZeVnLIqe-",
	    "~peter/mail/\xe5\x8f\xb0\xe5\x8c\x97/\xe6\x97\xa5\xe6\x9c\xac\xe8"
	    "\xaa\x9e",
	    true }, /* RFC 3501 5.1.3 */
	{ "&2D3eAA-", "\xf0\x9f\x98\x80", true },
	{ "&2D3eAA-x", "\xf0\x9f\x98\x80x", true },
	/* not the one right way: shown as it is */
	{ "&", "&", false },
	{ "a&APw", "a&APw", false },           /* not closed */
	{ "&AOQ-&APY-", "&AOQ-&APY-", false }, /* two runs in a row */
	{ "&AGE-", "&AGE-", false },           /* 'a' needs no run */
	{ "&2D0-", "&2D0-", false },           /* high surrogate alone */
	{ "&3gA-", "&3gA-", false },           /* low surrogate alone */
	{ "&2D3YPQ-", "&2D3YPQ-", false },     /* two high ones */
	{ "&2D0A5A-", "&2D0A5A-", false },     /* high, then a letter */
	{ "&AOR-", "&AOR-", false },           /* stray bits */
	{ "&AOQA-", "&AOQA-", false },         /* a whole spare digit */
	{ "&AO/-", "&AO/-", false },           /* plain base64's slash */
	{ "&AAA-", "&AAA-", false },           /* NUL */
	{ "a\tb", "a\tb", false },
	{ "Entw\xc3\xbcrfe", "Entw\xc3\xbcrfe", false }, /* UTF-8 unasked */
	{ "x\xff", "x\xef\xbf\xbd", false },
};

START_TEST(decodes)
{
	struct arena *a = arena_new(1 << 20);

	for (size_t i = 0; i < ROWS(names); i++) {
		bool exact;
		struct str got = mutf7_decode(a, str_of(names[i].wire), &exact);
		struct str wire;

		SAME_TEXT(i, got, str_of(names[i].name));
		ck_assert_msg(exact == names[i].exact, "row %zu", i);
		if (!exact || got.n == 0)
			continue;
		ck_assert_int_eq(mutf7_encode(a, got, &wire), RC_OK);
		SAME_TEXT(i, wire, str_of(names[i].wire));
	}
	arena_free(&a);
}
END_TEST

START_TEST(utf8_names)
{
	struct arena *a = arena_new(1 << 20);
	bool exact;

	SAME_TEXT(0, mutf7_decode_utf8(a, STR("R&D \xc3\xbc"), &exact),
	    STR("R&D \xc3\xbc"));
	ck_assert(exact);
	SAME_TEXT(
	    1, mutf7_decode_utf8(a, STR("\xc3"), &exact), STR("\xef\xbf\xbd"));
	ck_assert(!exact);
	mutf7_decode_utf8(a, STR("a\r\nb"), &exact);
	ck_assert(!exact);
	arena_free(&a);
}
END_TEST

START_TEST(refuses)
{
	static const struct str bad[] = {
		{ "", 0 },
		{ "a\0b", 3 },
		{ "a\rb", 3 },
		{ "a\nb", 3 },
		{ "a\x7f", 2 },
		{ "\xc0\x80", 2 },
		{ "\xed\xa0\x80", 3 },
	};
	struct arena *a = arena_new(1 << 20);
	char *longest = arena_alloc(a, 1001);
	struct str wire;

	for (size_t i = 0; i < ROWS(bad); i++)
		ck_assert_msg(
		    mutf7_encode(a, bad[i], &wire) == RC_INVALID, "row %zu", i);
	memset(longest, 'x', 1001);
	ck_assert_int_eq(
	    mutf7_encode(a, (struct str){ longest, 1001 }, &wire), RC_INVALID);
	ck_assert_int_eq(
	    mutf7_encode(a, (struct str){ longest, 1000 }, &wire), RC_OK);
	arena_free(&a);
}
END_TEST

/* Every code point there and back. */
START_TEST(all_points)
{
	struct arena *a = arena_new(1 << 20);

	for (uint32_t cp = 0x20; cp < 0x110000; cp++) {
		char text[9] = "x";
		struct str name = { text, 1 }, wire, back;
		bool exact;

		if (cp == 0x7f || (cp >= 0xd800 && cp < 0xe000))
			continue;
		name.n += utf8_put(text + 1, cp);
		text[name.n++] = 'y';
		ck_assert_int_eq(mutf7_encode(a, name, &wire), RC_OK);
		back = mutf7_decode(a, wire, &exact);
		ck_assert_msg(exact && str_eq(back, name), "U+%04X", cp);
		if (cp % 1024 == 0)
			arena_reset(a);
	}
	arena_free(&a);
}
END_TEST

UNIT_MAIN("mail/mutf7", UNIT(decodes), UNIT(utf8_names), UNIT(refuses),
    UNIT(all_points))
