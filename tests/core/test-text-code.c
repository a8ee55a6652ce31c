#include <stdio.h>

#include "core/text.h"
#include "lib/unit.h"

static struct arena *a;

static void
begin(void)
{
	a = arena_new(1 << 20);
}

START_TEST(hex)
{
	static const char *const refused[] = { "", "0", "0g1", "000", "0g",
		"g0", " 0", "0x", "0 " };
	unsigned char out[3];
	char text[7];

	hex_encode("\x00\xa5\xff", 3, text);
	ck_assert_str_eq(text, "00a5ff");
	ck_assert(hex_decode(STR("00A5fF"), out, 3));
	ck_assert_mem_eq(out, "\x00\xa5\xff", 3);
	ck_assert(!hex_decode(STR("00A5fF"), out, 2));
	ARRAY_EACH (row, refused)
		ROW(*row, !hex_decode(str_of(*row), out, 1));
}
END_TEST

/* RFC 4648 section 10, and the two last letters. */
START_TEST(base64)
{
	static const struct {
		const char *bytes, *plain, *url;
	} rows[] = {
		{ "", "", "" },
		{ "f", "Zg==", "Zg" },
		{ "fo", "Zm8=", "Zm8" },
		{ "foo", "Zm9v", "Zm9v" },
		{ "foob", "Zm9vYg==", "Zm9vYg" },
		{ "fooba", "Zm9vYmE=", "Zm9vYmE" },
		{ "foobar", "Zm9vYmFy", "Zm9vYmFy" },
		{ "\xfb\xff\xfe", "+//+", "-__-" },
	};

	begin();
	ARRAY_EACH (row, rows) {
		size_t n = strlen(row->bytes);
		struct str out;

		ck_assert_str_eq(base64_encode(a, row->bytes, n), row->plain);
		ck_assert_str_eq(base64url_encode(a, row->bytes, n), row->url);
		ROW(row->plain, base64_decode(a, str_of(row->plain), &out));
		ROW(row->plain, str_eq(out, str_of(row->bytes)));
		ROW(row->url, base64url_decode(a, str_of(row->url), &out));
		ROW(row->url, str_eq(out, str_of(row->bytes)));
	}
	arena_free(&a);
}
END_TEST

START_TEST(base64_refuses)
{
	static const struct {
		const char *text;
		bool url;
	} rows[] = {
		{ "Z", false },
		{ "Zg", false },
		{ "Zg=", false },
		{ "Zg===", false },
		{ "Zg==Zg==", false },
		{ "====", false },
		{ "Z===", false },
		{ "=Zg=", false },
		{ "Zh==", false }, /* stray bits */
		{ "Zm9=", false },
		{ "Zm9v\n", false },
		{ "Zm 9", false },
		{ "-__-", false },
		{ "+//+", true },
		{ "Zg==", true },
		{ "Zh", true },
		{ "Zm9", true },
		{ "Z", true },
		{ "Zm9vZ", true },
	};

	begin();
	ARRAY_EACH (row, rows) {
		struct str out;

		ROW(row->text,
		    !(row->url ? base64url_decode(a, str_of(row->text), &out)
			       : base64_decode(a, str_of(row->text), &out)));
	}
	arena_free(&a);
}
END_TEST

START_TEST(there_and_back)
{
	unsigned char bytes[260];
	struct str out;

	begin();
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)(i * 37 + i / 7);
	for (size_t n = 0; n <= sizeof(bytes); n++) {
		char *plain = base64_encode(a, bytes, n);
		char *url = base64url_encode(a, bytes, n);

		ck_assert(base64_decode(a, str_of(plain), &out));
		ck_assert(out.n == n && memcmp(out.p, bytes, n) == 0);
		ck_assert(base64url_decode(a, str_of(url), &out));
		ck_assert(out.n == n && memcmp(out.p, bytes, n) == 0);
	}
	arena_free(&a);
}
END_TEST

START_TEST(percent)
{
	static const struct {
		const char *text;
		bool form;
		const char *out; /* NULL: refused */
	} rows[] = {
		{ "", false, "" },
		{ "a%20b", false, "a b" },
		{ "a+b", false, "a+b" },
		{ "a+b", true, "a b" },
		{ "%2B", true, "+" },
		{ "%2b%C3%a9", false, "+\xc3\xa9" },
		{ "%", false, NULL },
		{ "a%2", false, NULL },
		{ "%zz", false, NULL },
		{ "%2x", false, NULL },
		{ "%%20", false, NULL },
		{ "%00", false, NULL },
		{ "a%00b", true, NULL },
	};

	begin();
	ARRAY_EACH (row, rows) {
		struct str out;
		bool good =
		    percent_decode(a, str_of(row->text), row->form, &out);

		ROW(row->text, good == (row->out != NULL));
		ROW(row->text, !good || str_eq(out, str_of(row->out)));
	}
	arena_free(&a);
}
END_TEST

/* Everything that is encoded comes back, in whichever way it is read. */
START_TEST(percent_out)
{
	static const struct {
		const char *text, *out;
	} rows[] = {
		{ "", "" },
		{ "aZ09-._~", "aZ09-._~" },
		{ "a b+c", "a%20b%2Bc" },
		{ "/x?y=z&w#%", "%2Fx%3Fy%3Dz%26w%23%25" },
		{ "\xc3\xa9\x7f\x01", "%C3%A9%7F%01" },
	};

	begin();
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char *out = percent_encode(a, str_of(rows[i].text));
		struct str back;

		ROW(rows[i].text, strcmp(out, rows[i].out) == 0);
		ROW(rows[i].text,
		    percent_decode(a, str_of(out), true, &back) &&
			str_eq(back, str_of(rows[i].text)));
	}
	arena_free(&a);
}
END_TEST

UNIT_MAIN("core/text-code", UNIT(hex), UNIT(base64), UNIT(base64_refuses),
    UNIT(there_and_back), UNIT(percent), UNIT(percent_out))
