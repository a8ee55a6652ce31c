#include "mail/html.h"

#include "lib/unit.h"
#include "mail/rows.h"

static const struct {
	struct str in, out;
} rows[] = {
	{ STR(""), STR("") },
	{ STR("plain  text\n here "), STR("plain text here") },
	{ STR("<p>one</p><p>two</p>"), STR("one\ntwo") },
	{ STR("a<br>b<BR/>c"), STR("a\nb\nc") },
	{ STR("a<b>b</b>c <i>d</i>"), STR("abc d") },
	{ STR("<td>a</td><td>b</td>"), STR("a b") },
	{ STR("<head><title>x</title></head>y"), STR("y") },
	{ STR("<head><title>x</title><style>p{}</style>y"), STR("y") },
	{ STR("<style>p > a { b: \"</p>\" }</style>y"), STR("y") },
	{ STR("<script>if (a<b) x('</p>')</script>y"), STR("y") },
	{ STR("<script>never ends y"), STR("") },
	{ STR("<!-- <p>x</p> --><!DOCTYPE html><?xml ?>y"), STR("y") },
	{ STR("<!-- never ends y"), STR("") },
	{ STR("<a title=\"x > y\" href='>'>z</a>"), STR("z") },
	{ STR("a < b & c > d"), STR("a < b & c > d") },
	{ STR("&lt;b&gt; &amp;amp; &quot;&#39;&#x27;"), STR("<b> &amp; \"''") },
	{ STR("&euro;&auml;&#8364;&#x20AC;"),
	    STR("\xe2\x82\xac\xc3\xa4\xe2\x82\xac\xe2\x82\xac") },
	{ STR("a&nbsp;&nbsp;b\xc2\xa0\xc2\xa0"
	      "c"),
	    STR("a b c") },
	{ STR("&unknown; &; &#; &#x; &#99999999; &#xD800; &#0;"),
	    STR("&unknown; &; &#; &#x; \xef\xbf\xbd \xef\xbf\xbd "
		"\xef\xbf\xbd") },
	{ STR("pre&shy;view&zwnj;&#8203;&#847;"), STR("preview") },
	{ STR("&amp"), STR("&amp") },
	{ STR("<"), STR("<") },
	{ STR("<a"), STR("") },
	{ STR("</"), STR("</") },
};

START_TEST(texts)
{
	struct arena *a = arena_new(1 << 20);

	for (size_t i = 0; i < ROWS(rows); i++)
		SAME_TEXT(i, html_text(a, rows[i].in, 1000), rows[i].out);
	arena_free(&a);
}
END_TEST

START_TEST(limits)
{
	struct arena *a = arena_new(1 << 20);
	struct str in = STR("\xc3\xa4\xc3\xa4\xc3\xa4");

	ck_assert_uint_eq(html_text(a, in, 3).n, 2);
	ck_assert_uint_eq(html_text(a, in, 0).n, 0);
	arena_free(&a);
}
END_TEST

/* Linear, whatever is repeated. */
START_TEST(floods)
{
	static const char *const pieces[] = { "<head>", "<script>", "<", "&",
		"<!--", "<a ", "<a \"", "</", "&#x", "<title>", "<style></" };
	size_t n = 2 << 20;
	struct arena *a = arena_new(16 << 20);
	char *in = malloc(n);

	ck_assert_ptr_nonnull(in);
	for (size_t i = 0; i < ROWS(pieces); i++) {
		size_t k = strlen(pieces[i]);

		for (size_t at = 0; at < n; at++)
			in[at] = pieces[i][at % k];
		(void)html_text(a, (struct str){ in, n }, 1 << 20);
		arena_reset(a);
	}
	free(in);
	arena_free(&a);
}
END_TEST

UNIT_MAIN("mail/html", UNIT(texts), UNIT(limits), UNIT(floods))
