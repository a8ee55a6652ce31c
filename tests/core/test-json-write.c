#include "core/json.h"

#include <stdio.h>

#include "lib/unit.h"

static struct buf b;
static struct jw w;

static void
begin(void)
{
	buf_init(&b, 1 << 20);
	w = jw_on(&b);
}

static void
end(const char *want)
{
	ck_assert_str_eq(buf_text(&b), want);
	buf_clear(&b);
}

START_TEST(commas_are_its_own_work)
{
	begin();
	jw_object(&w);
	JW_INT(&w, "a", INT64_MIN);
	jw_key(&w, "b");
	jw_array(&w);
	jw_array_end(&w);
	jw_key(&w, "c");
	jw_array(&w);
	jw_null(&w);
	jw_bool(&w, true);
	jw_object(&w);
	jw_object_end(&w);
	jw_raw(&w, STR("[1]"));
	jw_text(&w, "x");
	jw_array_end(&w);
	JW_BOOL(&w, "d", false);
	JW_TEXT(&w, "e", NULL);
	jw_object_end(&w);
	end("{\"a\":-9223372036854775808,\"b\":[],\"c\":[null,true,{},[1],"
	    "\"x\"],\"d\":false,\"e\":null}");
}
END_TEST

START_TEST(times)
{
	begin();
	jw_array(&w);
	jw_time(&w, (instant){ 0 }, TIME_OFFSET);
	jw_time(&w, INSTANT_NONE, TIME_Z);
	jw_array_end(&w);
	end("[\"1970-01-01T00:00:00+00:00\",null]");
}
END_TEST

START_TEST(texts)
{
	static const struct {
		struct str text;
		const char *out;
	} rows[] = {
		{ { "", 0 }, "\"\"" },
		{ { NULL, 0 }, "null" },
		{ { "plain text of some length", 25 },
		    "\"plain text of some length\"" },
		{ { "\"\\/", 3 }, "\"\\\"\\\\/\"" },
		{ { "\b\t\n\f\r", 5 }, "\"\\b\\t\\n\\f\\r\"" },
		{ { "\0\x01\x07\x0b\x0e\x1f", 6 },
		    "\"\\u0000\\u0001\\u0007\\u000b\\u000e\\u001f\"" },
		{ { "\x7f", 1 }, "\"\x7f\"" },
		{ { "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 9 },
		    "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"" },
		{ { "\xe2\x82", 2 }, "\"\xef\xbf\xbd\"" },
		{ { "a\xff\xfe"
		    "b",
		      4 },
		    "\"a\xef\xbf\xbd\xef\xbf\xbd"
		    "b\"" },
		{ { "\xed\xa0\x80", 3 },
		    "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
	};

	ARRAY_EACH (row, rows) {
		begin();
		jw_str(&w, row->text);
		end(row->out);
	}
}
END_TEST

static size_t
count(const char *p, size_t n, char c)
{
	size_t found = 0;

	for (size_t i = 0; i < n; i++)
		found += p[i] == c;
	return found;
}

static void
one_odd_byte(size_t n, size_t at, char c)
{
	struct json_fault fault;
	char text[24];

	memset(text, '!', sizeof(text));
	text[at] = c;
	begin();
	jw_str(&w, (struct str){ text, n });
	ck_assert_msg(json_scan((struct str){ b.p, b.n }, 1, &fault) == RC_OK,
	    "byte %02x at %zu of %zu: %s", (unsigned char)c, at, n,
	    buf_text(&b));
	ck_assert_uint_eq(count(b.p, b.n, '!'), n - (c != '!'));
	buf_clear(&b);
}

/* Each byte at each place of words of each length that are looked at eight at
 * a time, the rest of them with what stands in front. */
START_TEST(every_byte_everywhere)
{
	for (int c = 1; c < 256; c++)
		for (size_t n = 1; n <= 24; n++)
			for (size_t at = 0; at < n; at++)
				one_odd_byte(n, at, (char)c);
}
END_TEST

START_TEST(a_full_buffer_is_told)
{
	for (size_t max = 0; max < 30; max++) {
		buf_init(&b, max);
		w = jw_on(&b);
		jw_array(&w);
		jw_text(&w, "abc\"def");
		jw_int(&w, 12);
		jw_object(&w);
		JW_TEXT(&w, "k", "v");
		jw_object_end(&w);
		jw_array_end(&w);
		ck_assert_uint_le(b.n, max);
		/* ["abc\"def",12,{"k":"v"}] */
		ck_assert_int_eq(b.full, max < 25);
		buf_clear(&b);
	}
}
END_TEST

UNIT_MAIN("core/json-write", UNIT(commas_are_its_own_work), UNIT(times),
    UNIT(texts), UNIT(every_byte_everywhere), UNIT(a_full_buffer_is_told))
