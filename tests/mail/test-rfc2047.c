#include "mail/rfc2047.h"

#include "core/clock.h"
#include "mail/charset.h"
#include "rows.h"

#define U_UML  "\xc3\xbc"
#define BROKEN "\xef\xbf\xbd"

static const struct {
	const char *in, *out;
} words[] = {
	{ "plain", "plain" },
	{ "", "" },
	/* RFC 2047 8 */
	{ "(=?ISO-8859-1?Q?a?=)", "(a)" },
	{ "=?ISO-8859-1?Q?a?= b", "a b" },
	{ "=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=", "ab" },
	{ "=?ISO-8859-1?Q?a?=  =?ISO-8859-1?Q?b?=", "ab" },
	{ "=?ISO-8859-1?Q?a?=\r\n  =?ISO-8859-1?Q?b?=", "ab" },
	{ "=?ISO-8859-1?Q?a_b?=", "a b" },
	{ "=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=", "a b" },
	{ "=?iso-8859-1?q?J=F6rg?= Doe", "J\xc3\xb6rg Doe" },
	{ "=?utf-8?B?w7w=?=", U_UML },
	{ "=?utf-8?b?w7w?=", U_UML },       /* padding forgotten */
	{ "=?utf-8*de?Q?=C3=BC?=", U_UML }, /* RFC 2231 5 */
	/* a character cut between two words */
	{ "=?utf-8?Q?=C3?= =?utf-8?Q?=BC?=", U_UML },
	{ "=?utf-8?B?ww==?= =?UTF-8?Q?=BC?=", U_UML },
	{ "=?utf-8?Q?=C3?= x =?utf-8?Q?=BC?=", BROKEN " x " BROKEN },
	{ "=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=", "\xe6\x97\xa5\xe6\x9c\xac" },
	{ "=?gb2312?B?1tDOxA==?=", "\xe4\xb8\xad\xe6\x96\x87" },
	{ "=?koi8-r?B?8NLJ18XU?=",
	    "\xd0\x9f\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82" },
	{ "=?shift_jis?B?k/qWew==?=", "\xe6\x97\xa5\xe6\x9c\xac" },
	{ "=?windows-1252?Q?=80=81?=", "\xe2\x82\xac" BROKEN },
	/* the last letter might have combined with another */
	{ "=?windows-1255?B?+ezl7Q==?=", "\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d" },
	{ "=?windows-1258?Q?Ha_Noi?=", "Ha Noi" },
	/* one order of bytes and then the other */
	{ "=?utf-16?B?//5BAEIA?=", "AB" },
	{ "=?utf-16?B?/v8AQQBC?=", "AB" },
	{ "=?utf-16?B?//5BAEIA?=", "AB" },
	{ "=?utf-16?B?AEEAQg==?=", "AB" },
	{ "=?utf-32?B?//4AAEEAAAA=?=", "A" },
	{ "=?utf-32?B?AAD+/wAAAEE=?=", "A" },
	{ "=?utf-32?B?//4AAEEAAAA=?=", "A" },
	{ "=?us-ascii?Q?=C3=BC?=", U_UML },
	{ "=?x-nobody-knows?Q?=FC?=", U_UML },
	{ "=?utf-7?Q?+ADw-script+AD4-?=", "+ADw-script+AD4-" },
	{ "=?utf-8?Q?=C0=AF?=", BROKEN BROKEN }, /* overlong */
	{ "=?utf-8?Q?a=00b?=", "a" BROKEN "b" },
	{ "=?utf-8?Q?a=0D=0ABcc:_x?=", "aBcc: x" },
	{ "=?utf-8?Q?=1B[31m?=", " [31m" },
	/* not words */
	{ "=?utf-8?X?a?=", "=?utf-8?X?a?=" },
	{ "=?utf-8?Q?a", "=?utf-8?Q?a" },
	{ "=?utf-8?Q?a?", "=?utf-8?Q?a?" },
	{ "=??Q?a?=", "=??Q?a?=" },
	{ "=?utf-8?Q?a? b?=", "=?utf-8?Q?a? b?=" },
	{ "=?", "=?" },
	{ "=?=?=?=?", "=?=?=?=?" },
	{ "a=b?c", "a=b?c" },
	{ "=?utf-8?Q?=ZZ=4?=", "=ZZ=4" },
	{ "=?utf-8?Q?two words?=", "two words" }, /* a blank: common fault */
	{ "x=?utf-8?Q?a?=y", "xay" },
	{ "=?utf-8?Q?"
	  "?= =?utf-8?Q?b?=",
	    "b" },
	/* bytes without any declaration */
	{ "M\xc3\xbcller", "M" U_UML "ller" },
	{ "M\xfcller", "M" U_UML "ller" },
	{ "a\r\n b", "a b" },
	{ "a\tb\x01"
	  "c",
	    "a b c" },
};

START_TEST(decodes)
{
	struct arena *a = arena_new(1 << 20);

	for (size_t i = 0; i < ROWS(words); i++)
		SAME_TEXT(i, rfc2047_decode(a, str_of(words[i].in), 1000),
		    str_of(words[i].out));
	ck_assert_ptr_null(rfc2047_decode(a, (struct str){ NULL, 0 }, 10).p);
	arena_free(&a);
}
END_TEST

START_TEST(cut)
{
	struct arena *a = arena_new(1 << 20);

	SAME_TEXT(
	    0, rfc2047_decode(a, STR("=?utf-8?Q?x=C3=BC?="), 2), STR("x"));
	arena_free(&a);
}
END_TEST

/* Beginnings without ends, endless words, many words: all linear. */
START_TEST(floods)
{
	static const char *const seeds[] = { "=?", "=?utf-8?", "=?utf-8?Q?",
		"=?utf-8?Q?a", "=?utf-8?Q?a?= ", "=?a?B?w?= ", "?", "= ",
		"=?iso-2022-jp?B?GyRC?= ", "=?x?q?=FF?= " };
	struct arena *a = arena_new(64 << 20);

	for (size_t i = 0; i < ROWS(seeds); i++) {
		size_t one = strlen(seeds[i]), n = 2000000 / one * one;
		char *text = malloc(n);
		int64_t start = clock_steady_ms();
		struct str out;

		ck_assert_ptr_nonnull(text);
		for (size_t at = 0; at < n; at += one)
			memcpy(text + at, seeds[i], one);
		out = rfc2047_decode(a, (struct str){ text, n }, 1000);
		ck_assert_msg(utf8_valid(out.p, out.n), "row %zu", i);
		ck_assert_msg(clock_steady_ms() - start < 4000,
		    "row %zu took %lld ms", i,
		    (long long)(clock_steady_ms() - start));
		free(text);
		arena_reset(a);
	}
	arena_free(&a);
}
END_TEST

START_TEST(encodes)
{
	static const char *const texts[] = { "plain", "caf\xc3\xa9",
		"=?utf-8?Q?no?=", "a  b",
		"\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e\xe3\x81\xae\xe4\xbb\xb6"
		"\xe5\x90\x8d\xe3\x81\xaf\xe3\x81\xa8\xe3\x81\xa6\xe3\x82\x82"
		"\xe9\x95\xb7\xe3\x81\x84" };
	struct arena *a = arena_new(1 << 20);

	for (size_t i = 0; i < ROWS(texts); i++) {
		struct str text = str_of(texts[i]);
		struct str wire = rfc2047_encode(a, text, 1);

		SAME_TEXT(i, rfc2047_decode(a, wire, 1000), text);
		for (size_t k = 0, line = 0; k < wire.n; k++) {
			ck_assert((unsigned char)wire.p[k] < 0x80);
			line = wire.p[k] == '\n' ? 0 : line + 1;
			ck_assert_uint_le(line, 78);
		}
	}
	SAME_TEXT(9, rfc2047_encode(a, STR("a\r\nBcc: x"), 1),
	    STR("=?UTF-8?B?YSAgQmNjOiB4?="));
	arena_free(&a);
}
END_TEST

/* Every byte pair in every charset we name comes out as valid UTF-8. */
START_TEST(never_invalid)
{
	static const char *const names[] = { "utf-8", "us-ascii", "latin1",
		"koi8-r", "big5", "gb18030", "euc-jp", "iso-2022-jp",
		"iso-2022-kr", "euc-kr", "hz-gb-2312", "utf-16", "utf-16le",
		"utf-32", "shift_jis", "tis-620", "none", "utf-7" };
	struct arena *a = arena_new(4 << 20);

	for (size_t i = 0; i < ROWS(names); i++) {
		for (unsigned pair = 0; pair < 65536; pair += 7) {
			char bytes[4] = { (char)(pair >> 8), (char)pair, 'z',
				(char)(pair * 13) };
			struct str out = charset_to_utf8(a, str_of(names[i]),
			    (struct str){ bytes, 4 }, NULL);

			ck_assert_msg(utf8_valid(out.p, out.n) &&
				memchr(out.p, 0, out.n + 1) == out.p + out.n,
			    "%s %04x", names[i], pair);
		}
		arena_reset(a);
	}
	ck_assert(charset_known(STR("UTF-8")));
	ck_assert(!charset_known(STR("utf-7")));
	arena_free(&a);
}
END_TEST

UNIT_MAIN("mail/rfc2047", UNIT(decodes), UNIT(cut), UNIT(floods), UNIT(encodes),
    UNIT(never_invalid))
