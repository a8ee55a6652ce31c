#include <stdio.h>
#include <stdlib.h>

#include "core/json.h"
#include "lib/unit.h"

static struct json_fault fault;

static enum rc
scan(const char *text)
{
	return json_scan(str_of(text), 16, &fault);
}

START_TEST(accepts)
{
	static const char *const rows[] = { "{}", "[]", " \t\r\n{ } ", "1",
		"\"\"", "null", "true", "false", "0", "-0", "-1", "0.5", "1e5",
		"1E+5", "1.5e-5", "9223372036854775807", "-9223372036854775808",
		"1.7976931348623157e308", "-1.7976931348623157e308",
		"17976931348623157e292", "0.000017976931348623157e313",
		"1e-400", "0e999999999999999999999", "0.0e9999999999",
		"0.00000000000000000000000000000000000000000000000000001e300",
		"[1,[2,{\"a\":[{}]}],\"x\"]", "{\"a\":1,\"A\":2}",
		"{\"a\":{\"a\":{\"a\":1}}}", "[{\"a\":1},{\"a\":2}]",
		"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\uD83D\\uDe00\"",
		"\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\x7f\"", "\"\\uFFFF\"",
		"[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]", "{\"\":1,\"a\":2}",
		"{\"a\\n\":1,\"a\\\\n\":2}", "{\"\\u00e9\":1,\"e\":2}" };

	ARRAY_EACH (row, rows)
		ck_assert_msg(scan(*row) == RC_OK, "%s: %s", *row, fault.what);
}
END_TEST

START_TEST(refuses)
{
	static const struct {
		const char *text, *what, *path;
		size_t line, column;
	} rows[] = {
		{ "", "unexpected end", "", 1, 1 },
		{ " \n ", "unexpected end", "", 2, 2 },
		{ "{", "unexpected end", "", 1, 2 },
		{ "[", "unexpected end", "[0]", 1, 2 },
		{ "[1", "unexpected end", "[0]", 1, 3 },
		{ "[1,]", "unexpected character", "[1]", 1, 4 },
		{ "[,1]", "unexpected character", "[0]", 1, 2 },
		{ "[1 2]", "unexpected character", "[0]", 1, 4 },
		{ "[1}", "unexpected character", "[0]", 1, 3 },
		{ "{\"a\":1]", "unexpected character", "a", 1, 7 },
		{ "{\"a\":1,}", "unexpected character", "", 1, 8 },
		{ "{a:1}", "unexpected character", "", 1, 2 },
		{ "{1:1}", "unexpected character", "", 1, 2 },
		{ "{\"a\"}", "unexpected character", "a", 1, 5 },
		{ "{\"a\" 1}", "unexpected character", "a", 1, 6 },
		{ "{\"a\":}", "unexpected character", "a", 1, 6 },
		{ "{} x", "text behind the value", "", 1, 4 },
		{ "1 2", "text behind the value", "", 1, 3 },
		{ "\xef\xbb\xbf{}", "unexpected character", "", 1, 1 },
		{ "tru", "unexpected character", "", 1, 1 },
		{ "nul", "unexpected character", "", 1, 1 },
		{ "True", "unexpected character", "", 1, 1 },
		{ "NaN", "unexpected character", "", 1, 1 },
		{ "Infinity", "unexpected character", "", 1, 1 },
		{ "// c\n1", "unexpected character", "", 1, 1 },
		{ "\f1", "unexpected character", "", 1, 1 },
		{ "'a'", "unexpected character", "", 1, 1 },
		{ "+1", "unexpected character", "", 1, 1 },
		{ ".5", "unexpected character", "", 1, 1 },
		{ "-", "unexpected end", "", 1, 2 },
		{ "-a", "unexpected character", "", 1, 2 },
		{ "1.", "unexpected end", "", 1, 3 },
		{ "1.e5", "unexpected character", "", 1, 3 },
		{ "1e", "unexpected end", "", 1, 3 },
		{ "1e+", "unexpected end", "", 1, 4 },
		{ "01", "text behind the value", "", 1, 2 },
		{ "-01", "text behind the value", "", 1, 3 },
		{ "0x10", "text behind the value", "", 1, 2 },
		{ "9223372036854775808", "number out of range", "", 1, 1 },
		{ "-9223372036854775809", "number out of range", "", 1, 1 },
		{ "99999999999999999999999999", "number out of range", "", 1,
		    1 },
		{ "1e309", "number out of range", "", 1, 1 },
		{ "-1e309", "number out of range", "", 1, 1 },
		{ "1.7976931348623159e308", "number out of range", "", 1, 1 },
		{ "1e99999999999999999999", "number out of range", "", 1, 1 },
		{ "0.1e99999999999999999999", "number out of range", "", 1, 1 },
		{ "{\"to\":[{\"x\":1},{\"y\":[1,1e400]}]}",
		    "number out of range", "to[1].y[1]", 1, 24 },
		{ "\"", "unexpected end", "", 1, 2 },
		{ "\"a", "unexpected end", "", 1, 3 },
		{ "\"\\", "unexpected end", "", 1, 3 },
		{ "\"\\\"", "unexpected end", "", 1, 4 },
		{ "\"\\x\"", "unknown escape", "", 1, 2 },
		{ "\"\\U0041\"", "unknown escape", "", 1, 2 },
		{ "\"\\u004\"", "broken \\u escape", "", 1, 2 },
		{ "\"\\u\"", "broken \\u escape", "", 1, 2 },
		{ "\"\\u+041\"", "broken \\u escape", "", 1, 2 },
		{ "\"\\ud800\"", "broken \\u escape", "", 1, 2 },
		{ "\"\\udc00\"", "broken \\u escape", "", 1, 2 },
		{ "\"\\ud800x\\udc00\"", "broken \\u escape", "", 1, 2 },
		{ "\"\\ud800\\ud800\"", "broken \\u escape", "", 1, 2 },
		{ "\"\\ud800\\n\"", "broken \\u escape", "", 1, 2 },
		{ "{\"a\":\"\\u0000\"}", "NUL in a string", "a", 1, 7 },
		{ "\"a\nb\"", "control character in a string", "", 1, 3 },
		{ "\"\x1f\"", "control character in a string", "", 1, 2 },
		{ "\"\xff\"", "broken UTF-8", "", 1, 2 },
		{ "\"\xc0\x80\"", "broken UTF-8", "", 1, 2 },
		{ "\"\xed\xa0\x80\"", "broken UTF-8", "", 1, 2 },
		{ "\"\xe2\x82\"", "broken UTF-8", "", 1, 2 },
		{ "{\"a\":1,\n \"a\":2}", "duplicate key", "a", 2, 2 },
		{ "{\"x\":{\"b\":1,\"a\":1,\"c\":1,\"a\":2,\"d\":3}}",
		    "duplicate key", "x.a", 1, 25 },
		{ "[0,{\"a\":1,\"\\u0061\":2}]", "duplicate key", "[1].a", 1,
		    11 },
		{ "{\"\\n\":1,\"\\u000A\":2}", "duplicate key", "\n", 1, 9 },
		{ "{\"\\/\":1,\"/\":2}", "duplicate key", "/", 1, 9 },
		{ "{\"\xf0\x9f\x98\x80\":1,\"\\ud83d\\ude00\":2}",
		    "duplicate key", "\xf0\x9f\x98\x80", 1, 11 },
		{ "{\"\":1,\"\":2}", "duplicate key", "", 1, 7 },
		{ "[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]", "nested too deep",
		    "[0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0]", 1, 17 },
	};

	ARRAY_EACH (row, rows) {
		ROW(row->text, scan(row->text) == RC_MALFORMED);
		ck_assert_str_eq(fault.what, row->what);
		ROW(row->text, strcmp(fault.path, row->path) == 0);
		ROW(row->text, fault.line == row->line);
		ROW(row->text, fault.column == row->column);
	}
}
END_TEST

START_TEST(nul_bytes_are_refused)
{
	static const struct str rows[] = { STR("\0"), STR("1\0"), STR("[\0]"),
		STR("\"a\0b\""), STR("{\"a\0\":1}"), STR("\"\\\0\"") };

	ARRAY_EACH (row, rows)
		ck_assert_int_eq(json_scan(*row, 16, &fault), RC_MALFORMED);
}
END_TEST

START_TEST(a_prefix_is_never_a_text)
{
	static const char text[] =
	    "{\"a\":[1.5e3,\"\\ud83d\\ude00\xe2\x82\xac\",null,true,false],"
	    "\"b\":{\"c\":-0}}";
	size_t n = sizeof(text) - 1;

	for (size_t cut = 0; cut < n; cut++) {
		/* On the heap, for the sanitizer to see a read behind it. */
		char *copy = malloc(cut > 0 ? cut : 1);

		ck_assert_ptr_nonnull(copy);
		memcpy(copy, text, cut);
		ck_assert_int_eq(
		    json_scan((struct str){ copy, cut }, 16, &fault),
		    RC_MALFORMED);
		ck_assert_uint_eq(fault.line, 1);
		ck_assert_uint_le(fault.column, cut + 1);
		free(copy);
	}
	ck_assert_int_eq(json_scan((struct str){ text, n }, 16, &fault), RC_OK);
}
END_TEST

START_TEST(depth_is_bounded)
{
	char text[2 * JSON_DEPTH_MOST + 3] = "";

	memset(text, '[', JSON_DEPTH_MOST);
	memset(text + JSON_DEPTH_MOST, ']', JSON_DEPTH_MOST);
	ck_assert_int_eq(json_scan(str_of(text), 1000000, &fault), RC_OK);
	memset(text, '[', JSON_DEPTH_MOST + 1);
	memset(text + JSON_DEPTH_MOST + 1, ']', JSON_DEPTH_MOST + 1);
	ck_assert_int_eq(
	    json_scan(str_of(text), 1000000, &fault), RC_MALFORMED);
	ck_assert_str_eq(fault.what, "nested too deep");
	ck_assert_int_eq(json_scan(STR("[]"), 0, &fault), RC_MALFORMED);
	ck_assert_int_eq(json_scan(STR("1"), 0, &fault), RC_OK);
}
END_TEST

static void
many_keys(struct buf *b, int n, const char *fmt)
{
	buf_putc(b, '{');
	for (int i = 0; i < n; i++) {
		buf_puts(b, i > 0 ? "," : "");
		buf_putc(b, '"');
		for (const char *p = fmt; *p != '\0'; p++) {
			if (*p == '#')
				buf_fmt(b, "%d", i);
			else
				buf_putc(b, *p);
		}
		buf_puts(b, "\":0");
	}
}

/* A megabyte of keys that are alike at the front: n log n. With a square the
 * rows would take minutes; the suite's time limit is a minute. */
START_TEST(many_keys_take_bounded_time)
{
	static const struct {
		int n;
		const char *fmt;
	} rows[] = { { 65535, "#" }, { 65535, "key-that-is-alike-#" },
		{ 65535, "\\u0061#" },
		{ 1000,
		    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		    "aaaaa"
		    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		    "aaaaa"
		    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		    "aa#" } };
	struct buf b;

	buf_init(&b, 8 << 20);
	ARRAY_EACH (row, rows) {
		struct str text;

		buf_reset(&b);
		many_keys(&b, row->n, row->fmt);
		buf_putc(&b, '}');
		ck_assert(!b.full);
		text = (struct str){ b.p, b.n };
		ROW(row->fmt, json_scan(text, 16, &fault) == RC_OK);
		b.n--;
		buf_puts(&b, ",\"zz\":1,\"zz\":2}");
		text = (struct str){ b.p, b.n };
		ROW(row->fmt, json_scan(text, 16, &fault) == RC_MALFORMED);
	}
	buf_reset(&b);
	many_keys(&b, JSON_KEYS_MOST + 1, "#");
	buf_putc(&b, '}');
	ck_assert_int_eq(
	    json_scan((struct str){ b.p, b.n }, 16, &fault), RC_MALFORMED);
	ck_assert_str_eq(fault.what, "too many keys");
	buf_clear(&b);
}
END_TEST

START_TEST(a_long_path_is_cut_between_characters)
{
	char text[400] = "{\"x";
	size_t n = 3;

	while (n < 300) {
		memcpy(text + n, "\xe2\x82\xac", 3);
		n += 3;
	}
	memcpy(text + n, "\":x}", 5);
	ck_assert_int_eq(scan(text), RC_MALFORMED);
	ck_assert_uint_gt(strlen(fault.path), 120);
	ck_assert(utf8_valid(fault.path, strlen(fault.path)));
	ck_assert_mem_eq(fault.path, text + 2, strlen(fault.path));
}
END_TEST

UNIT_MAIN("core/json-scan", UNIT(accepts), UNIT(refuses),
    UNIT(nul_bytes_are_refused), UNIT(a_prefix_is_never_a_text),
    UNIT(depth_is_bounded), UNIT(many_keys_take_bounded_time),
    UNIT(a_long_path_is_cut_between_characters))
