#include "mail/header.h"

#include "lib/unit.h"
#include "mail/rows.h"

static struct arena *a;

static void
begin(void)
{
	a = arena_new(16 << 20);
}

START_TEST(fields)
{
	static const struct str header = STR("From somebody Mon Jan 1\n"
					     "A: 1\r\n"
					     "no field\r\n"
					     "b : two\r\n"
					     " folded\r\n"
					     "\tagain\n"
					     ": nameless\n"
					     "C:\n"
					     "a: second\n"
					     "D:last");
	static const struct str want[][2] = { { STR("A"), STR("1") },
		{ STR("b"), STR("two\r\n folded\r\n\tagain") },
		{ STR("C"), STR("") }, { STR("a"), STR("second") },
		{ STR("D"), STR("last") } };
	struct str name, value;
	size_t at = 0, i = 0;

	begin();
	for (; header_next(header, &at, &name, &value); i++) {
		ck_assert_uint_lt(i, ROWS(want));
		SAME_TEXT(i, name, want[i][0]);
		SAME_TEXT(i, value, want[i][1]);
	}
	ck_assert_uint_eq(i, ROWS(want));
	SAME_TEXT(0, header_find(header, "a"), STR("1"));
	ck_assert_ptr_null(header_find(header, "E").p);
	SAME_TEXT(1, header_text(a, header, "B", 100), STR("two folded again"));
	ck_assert_ptr_null(header_text(a, header, "E", 100).p);
	arena_free(&a);
}
END_TEST

START_TEST(values)
{
	static const struct {
		struct str in, main;
		const char *name;
		struct str value;
	} rows[] = {
		{ STR("Text/HTML"), STR("text/html"), NULL, STR("") },
		{ STR("text/plain; charset=UTF-8"), STR("text/plain"),
		    "charset", STR("UTF-8") },
		{ STR("text/plain;CHARSET = \"utf-8\" ; x=y"),
		    STR("text/plain"), "charset", STR("utf-8") },
		{ STR("a/b (comment; charset=x (nested \\) )); charset=y"),
		    STR("a/b"), "charset", STR("y") },
		{ STR("image/png name=x; size=1"), STR("image/png"), "size",
		    STR("1") },
		{ STR("a/b; name=\"a \\\"b\\\" ; c\"; d=e"), STR("a/b"), "name",
		    STR("a \"b\" ; c") },
		{ STR("a/b; name=\"never ends; d=e"), STR("a/b"), "name",
		    STR("never ends; d=e") },
		{ STR("a/b; name=\"fol\r\n ded\""), STR("a/b"), "name",
		    STR("fol ded") },
		{ STR("a/b; name*=utf-8''%C3%A4.txt; name=x"), STR("a/b"),
		    "name", STR("\xc3\xa4.txt") },
		{ STR("a/b; name*0=\"on\"; name*1=\"e\""), STR("a/b"), "name",
		    STR("one") },
		{ STR("a/b; name=\"=?iso-8859-1?Q?=E4?=\""), STR("a/b"), "name",
		    STR("\xc3\xa4") },
		{ STR("a/b; name=; x=1"), STR("a/b"), "x", STR("1") },
		{ STR("a/b;;; ;x=1;"), STR("a/b"), "x", STR("1") },
		{ STR("a/b; x"), STR("a/b"), "x", STR("") },
		{ STR("; x=1"), STR(""), "x", STR("1") },
		{ STR(""), STR(""), NULL, STR("") },
	};

	begin();
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct header_value v;

		header_value_read(a, rows[i].in, &v);
		SAME_TEXT(i, v.main, rows[i].main);
		if (rows[i].name != NULL)
			SAME_TEXT(i,
			    parameter_find(
				v.parameter, v.parameters, rows[i].name),
			    rows[i].value);
	}
	arena_free(&a);
}
END_TEST

/* 10^5 parameters, quotes, comments: linear, and only some are kept. */
START_TEST(floods)
{
	static const char *const pieces[] = { ";a=b", ";", "\"", "(", "\\",
		";a=\"", ";n*0=x", "; x*0*=utf-8''%41", "a/b;" };
	size_t n = HEADER_FIELD_MOST;
	char *in = malloc(n);

	begin();
	ck_assert_ptr_nonnull(in);
	for (size_t i = 0; i < ROWS(pieces); i++) {
		struct header_value v;

		for (size_t k = 0; k < n; k++)
			in[k] = pieces[i][k % strlen(pieces[i])];
		header_value_read(a, (struct str){ in, n }, &v);
		ck_assert_uint_le(v.parameters, PARAMETER_MOST);
		arena_reset(a);
	}
	free(in);
	arena_free(&a);
}
END_TEST

START_TEST(long_fields)
{
	size_t n = HEADER_MOST + 4096, at = 0;
	char *in = malloc(n);
	struct str name, value;

	ck_assert_ptr_nonnull(in);
	memset(in, 'x', n);
	memcpy(in, "Subject: ", 9);
	ck_assert(header_next((struct str){ in, n }, &at, &name, &value));
	ck_assert_uint_eq(value.n, HEADER_FIELD_MOST - 1);
	ck_assert(!header_next((struct str){ in, n }, &at, &name, &value));
	free(in);
}
END_TEST

UNIT_MAIN(
    "mail/header", UNIT(fields), UNIT(values), UNIT(floods), UNIT(long_fields))
