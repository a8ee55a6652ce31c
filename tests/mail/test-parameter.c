#include "mail/parameter.h"

#include <stdio.h>

#include "core/clock.h"
#include "rows.h"

#define MOST_ROWS 6

static const struct {
	const char *in[MOST_ROWS][2];
	const char *out[MOST_ROWS][2];
} rows[] = {
	{ { { "charset", "utf-8" } }, { { "charset", "utf-8" } } },
	/* RFC 2231 3, 4, 4.1 */
	{ { { "URL*0", "ftp://" }, { "URL*1", "cs.utk.edu" } },
	    { { "url", "ftp://cs.utk.edu" } } },
	{ { { "title*", "us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A" } },
	    { { "title", "This is ***fun***" } } },
	{ { { "title*0*", "us-ascii'en'This%20is%20even%20more%20" },
	      { "title*1*", "%2A%2A%2Afun%2A%2A%2A%20" },
	      { "title*2", "isn't it!" } },
	    { { "title", "This is even more ***fun*** isn't it!" } } },
	/* out of order; a character cut between two pieces */
	{ { { "f*1*", "%BC.txt" }, { "f*0*", "utf-8''%C3" } },
	    { { "f", "\xc3\xbc.txt" } } },
	/* a gap ends it */
	{ { { "f*0", "a" }, { "f*2", "c" } }, { { "f", "a" } } },
	/* the extended form wins */
	{ { { "filename", "x.txt" }, { "filename*", "utf-8''%C3%BC" } },
	    { { "filename", "\xc3\xbc" } } },
	{ { { "filename", "=?utf-8?Q?=C3=BC?=" } },
	    { { "filename", "\xc3\xbc" } } },
	{ { { "filename*", "no-such''%FC" } }, { { "filename", "\xc3\xbc" } } },
	{ { { "filename*", "plain%20text" } },
	    { { "filename", "plain text" } } },
	{ { { "filename*", "utf-8''%zz%4" } }, { { "filename", "%zz%4" } } },
	{ { { "filename*", "utf-8''a%00b" } },
	    { { "filename",
		"a\xef\xbf\xbd"
		"b" } } },
	{ { { "a", "1" }, { "A", "2" } }, { { "a", "1" } } },
	{ { { "f*01", "x" } }, { { "f*01", "x" } } },
	{ { { "f*64", "x" } }, { { "f*64", "x" } } },
	{ { { "*", "x" } }, { { "*", "x" } } },
	{ { { "b", "2" }, { "a", "1" } }, { { "b", "2" }, { "a", "1" } } },
};

START_TEST(decodes)
{
	struct arena *a = arena_new(1 << 20);

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct parameter in[MOST_ROWS], *out;
		size_t n = 0, want = 0, got;

		for (; n < MOST_ROWS && rows[i].in[n][0] != NULL; n++)
			in[n] = (struct parameter){ str_of(rows[i].in[n][0]),
				str_of(rows[i].in[n][1]) };
		while (want < MOST_ROWS && rows[i].out[want][0] != NULL)
			want++;
		got = parameter_decode(a, in, n, &out);
		ck_assert_msg(got == want, "row %zu: %zu", i, got);
		for (size_t k = 0; k < got; k++) {
			SAME_TEXT(i,
			    parameter_find(out, got, rows[i].out[k][0]),
			    str_of(rows[i].out[k][1]));
			SAME_TEXT(i, parameter_get(a, in, n, rows[i].out[k][0]),
			    str_of(rows[i].out[k][1]));
		}
	}
	arena_free(&a);
}
END_TEST

START_TEST(flood)
{
	struct arena *a = arena_new(8 << 20);
	struct parameter *in = calloc(100000, sizeof(*in)), *out;
	char(*name)[16] = calloc(100000, 16);
	int64_t start = clock_steady_ms();

	ck_assert(in != NULL && name != NULL);
	for (unsigned i = 0; i < 100000; i++) {
		snprintf(name[i], 16, "f*%u*", i % 64);
		in[i] = (struct parameter){ str_of(name[i]), STR("%41%42") };
	}
	ck_assert_uint_le(
	    parameter_decode(a, in, 100000, &out), PARAMETER_MOST);
	ck_assert_int_lt(clock_steady_ms() - start, 1000);
	free(in);
	free(name);
	arena_free(&a);
}
END_TEST

UNIT_MAIN("mail/parameter", UNIT(decodes), UNIT(flood))
