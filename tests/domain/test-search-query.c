#include "domain/search-query.h"

#include "core/buffer.h"
#include "domain/search-words.h"
#include "lib/unit.h"

/* What comes of a query, on one line. */
static const char *
shown(struct arena *a, const struct search_query *q)
{
	const struct {
		const char *name;
		const bool *is;
	} flags[] = { { "read", q->is_read }, { "flagged", q->is_flagged },
		{ "answered", q->is_answered }, { "draft", q->is_draft },
		{ "attachments", q->attachments }, { "outbound", q->outbound },
		{ "assigned", q->is_assigned } };
	struct buf b;
	char day[40];
	const char *text;

	buf_init(&b, 1 << 20);
	for (size_t i = 0; i < q->terms.n; i++)
		buf_fmt(&b, "%d %.*s; ", q->kinds.v[i], STR_FMT(q->terms.v[i]));
	ARRAY_EACH (f, flags)
		if (f->is != NULL)
			buf_fmt(&b, "%s%s; ", *f->is ? "" : "not ", f->name);
	for (size_t i = 0; i < q->labels.n; i++)
		buf_fmt(&b, "label %.*s; ", STR_FMT(q->labels.v[i]));
	for (size_t i = 0; i < q->unlabels.n; i++)
		buf_fmt(&b, "no label %.*s; ", STR_FMT(q->unlabels.v[i]));
	if (instant_is(q->since)) {
		(void)instant_print(q->since, TIME_Z, day);
		buf_fmt(&b, "since %s; ", day);
	}
	if (instant_is(q->until)) {
		(void)instant_print(q->until, TIME_Z, day);
		buf_fmt(&b, "until %s; ", day);
	}
	text = arena_str(a, buf_text(&b));
	buf_clear(&b);
	return text;
}

static const struct {
	const char *query, *out;
} good[] = {
	{ "", "" },
	{ " \t ", "" },
	{ "word", "0 ('word':); " },
	{ "two words", "0 ('two':); 0 ('words':); " },
	{ "\"two words\"", "0 ('two':)<->('words':); " },
	{ "a\"b c\"d", "0 ('a':); 0 ('b':)<->('c':); 0 ('d':); " },
	{ "-gone", "4 ('gone':); " },
	{ "-\"gone too\"", "4 ('gone':)<->('too':); " },
	{ "inv*", "0 ('inv':*); " },
	{ "*", "" },
	{ "!!! & | ( ) ' \\ <-> :*", "" },
	{ "it's", "0 ('it':)<->('s':); " },
	{ "a'||'b", "0 ('a':)<->('b':); " },
	{ "10:30", "0 ('10':)<->('30':); " },
	{ "https://x.test/?a", "0 ('https':)<->('x':)<->('test':)<->('a':); " },
	{ "subject:pay", "1 ('pay':A); " },
	{ "SUBJECT:pay*", "1 ('pay':A*); " },
	{ "subject:\"pay now\"", "1 ('pay':A)<->('now':A); " },
	{ "from:anna@x.test", "2 ('anna':B)<->('x':B)<->('test':B*); " },
	{ "-to:bob", "6 ('bob':C*); " },
	{ "from:Mueller", "2 ('Mueller':B*|'Muller':B); " },
	{ "m\xc3\xbcller", "0 ('m\xc3\xbcller':); " },
	{ "is:unread", "not read; " },
	{ "-is:unread", "read; " },
	{ "is:read is:READ", "read; " },
	{ "is:starred is:draft is:sent is:answered",
	    "flagged; answered; draft; outbound; " },
	{ "is:received", "not outbound; " },
	{ "-has:attachments", "not attachments; " },
	{ "after:2026-01-01 before:2026-02-01",
	    "since 2026-01-01T00:00:00Z; until 2026-02-01T00:00:00Z; " },
	{ "before:2026-02-01 before:2026-01-01",
	    "until 2026-01-01T00:00:00Z; " },
	{ "is:assigned", "assigned; " },
	{ "is:unassigned", "not assigned; " },
	{ "label:spam -label:\"to do\"", "label spam; no label to do; " },
	{ "-", "" },
	{ "--x", "4 ('x':); " },
	{ "from:!!!", "" },
};

START_TEST(reads)
{
	struct arena *a = arena_new(8 << 20);

	ARRAY_EACH (row, good) {
		struct search_query q;

		ROW(row->query,
		    search_query_parse(a, str_of(row->query), &q) == RC_OK);
		ck_assert_str_eq(shown(a, &q), row->out);
	}
	arena_free(&a);
}
END_TEST

static const struct {
	const char *query, *where;
} bad[] = {
	{ "\"open", "At character 1:" },
	{ "ab \"", "At character 4:" },
	{ "\xc3\xa4 from:", "At character 3:" },
	{ "from:\"x", "At character 6:" },
	{ "to:\"\"", "At character 1:" },
	{ "is:red", "At character 1:" },
	{ "has:legs", "At character 1:" },
	{ "before:today", "At character 1:" },
	{ "x -after:2026-01-01", "At character 3:" },
	{ "is:read -is:read", "At character 9:" },
};

START_TEST(says_where_it_is_wrong)
{
	struct arena *a = arena_new(8 << 20);

	ARRAY_EACH (row, bad) {
		struct search_query q;

		ROW(row->query,
		    search_query_parse(a, str_of(row->query), &q) ==
			RC_INVALID);
		ROW(row->query,
		    strncmp(fail_detail(), row->where, strlen(row->where)) ==
			0);
	}
	arena_free(&a);
}
END_TEST

START_TEST(takes_words_apart)
{
	struct arena *a = arena_new(8 << 20);
	struct str long_word, got;
	char *text = arena_alloc(a, 200);

	memset(text, 'x', 199);
	long_word = search_words(a, str_of(text));
	ck_assert_uint_eq(long_word.n, SEARCH_WORD_MOST);
	got = search_words(a, STR("a.b@c.de, \"f\"\n\tg_h-i"));
	ck_assert_str_eq(got.p, "a b c de f g h i");
	got = search_words(a, STR(" ... "));
	ck_assert_uint_eq(got.n, 0);
	got = search_body(a, STR(" a\x02 b\n\n c\x7f"));
	ck_assert_str_eq(got.p, "a b c");
	arena_free(&a);
}
END_TEST

UNIT_MAIN("domain/search-query", UNIT(reads), UNIT(says_where_it_is_wrong),
    UNIT(takes_words_apart))
