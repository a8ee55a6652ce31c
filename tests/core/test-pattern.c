/* Patterns: what they find, what they refuse, and that nothing a stranger
 * writes takes long. */
#include "core/pattern.h"

#include <time.h>

#include "core/fold.h"
#include "lib/unit.h"

static struct pattern *
made(struct arena *a, const char *text)
{
	struct pattern *p = NULL;
	enum rc rc = pattern_new(a, str_of(text), &p);

	ck_assert_msg(rc == RC_OK, "%s: %s", text, fail_detail());
	return p;
}

START_TEST(finds)
{
	static const struct {
		const char *pattern, *text;
		bool found;
	} rows[] = {
		{ "", "", true },
		{ "a", "", false },
		{ "a", "xay", true },
		{ "URGENT", "this is urgent", true },
		{ "urgent", "THIS IS URGENT", true },
		{ "^a", "ba", false },
		{ "^a", "b\na", true },
		{ "a$", "ab", false },
		{ "a$", "a\nb", true },
		{ "a.c", "abc", true },
		{ "a.c", "a\nc", false },
		{ "a.c",
		    "a\xc3\xbc"
		    "c",
		    true },
		{ "ab|cd", "xcdx", true },
		{ "a(b|c)d", "acd", true },
		{ "a(?:b|c)d", "aed", false },
		{ "ab*c", "ac", true },
		{ "ab+c", "ac", false },
		{ "ab+c", "abbbc", true },
		{ "ab?c", "abbc", false },
		{ "a{3}", "aa", false },
		{ "a{3}", "aaa", true },
		{ "^a{2,3}$", "aaaa", false },
		{ "^a{2,}$", "aaaa", true },
		{ "a{,2}", "a{,2}", true },
		{ "{", "{", true },
		{ "a{x", "a{x", true },
		{ "[0-9]{4}", "in 2026", true },
		{ "\\d{4}", "in 202", false },
		{ "[^0-9]", "12", false },
		{ "[^a-z]", "AbC", false },
		{ "[A-Z]", "b", true },
		{ "[]x]", "]", true },
		{ "[^]x]", "]x", false },
		{ "[a-]", "-", true },
		{ "[\\d.]", ".", true },
		{ "\\bpay\\b", "to pay now", true },
		{ "\\bpay\\b", "payment", false },
		{ "\\Bment", "payment", true },
		{ "\\w+@\\w+\\.\\w+", "write to a@b.c", true },
		{ "\\W", "ab", false },
		{ "\\S\\s\\S", "a b", true },
		{ "\\x41", "a", true },
		{ "1\\.5", "1x5", false },
		{ "(?i)A", "a", true },
		{ "a*?b", "aab", true },
		{ "(a*)*b", "aab", true },
		{ "(|a)+b", "aab", true },
		{ "\xd0\x9f\xd0\xa0\xd0\x98", "\xd0\xbf\xd1\x80\xd0\xb8",
		    true },
		{ "[\xd0\x90-\xd0\xaf]", "\xd0\xb6", true },
		{ "\xce\xa3", "\xcf\x82", true },
	};

	ARRAY_EACH (row, rows) {
		struct arena *a = arena_new(1 << 20);
		struct pattern *p = made(a, row->pattern);

		ROW(row->pattern,
		    pattern_found(p, str_of(row->text)) == row->found);
		/* and again: nothing is left of the first walk */
		ROW(row->pattern,
		    pattern_found(p, str_of(row->text)) == row->found);
		arena_free(&a);
	}
}
END_TEST

START_TEST(refuses)
{
	static const char *const rows[] = { "(", ")", "(a", "a)", "[", "[a",
		"*", "+a", "a|*", "(?=a)", "(?<a>b)", "(?!a)", "(a)\\1", "\\q",
		"\\", "[z-a]", "a{201}", "a{5,2}", "a**********",
		"((a{200}){200}){200}", "(((((){200}){200}){200}){200}){200}" };

	ARRAY_EACH (row, rows) {
		struct arena *a = arena_new(4 << 20);
		struct pattern *p;

		ROW(*row, pattern_new(a, str_of(*row), &p) == RC_INVALID);
		ROW(*row, fail_detail()[0] != '\0');
		arena_free(&a);
	}
}
END_TEST

START_TEST(is_deep_only_so_far)
{
	struct arena *a = arena_new(4 << 20);
	char text[201];
	struct pattern *p;

	memset(text, '(', 100);
	memset(text + 100, ')', 100);
	text[200] = '\0';
	ck_assert_int_eq(pattern_new(a, str_of(text), &p), RC_INVALID);
	ck_assert_int_eq(pattern_new(a, str_of(text + 80), &p), RC_INVALID);
	memset(text, '|', 200);
	ck_assert_int_eq(pattern_new(a, str_of(text), &p), RC_OK);
	arena_free(&a);
}
END_TEST

/* What other engines take for ever for. */
START_TEST(is_linear)
{
	static const char *const rows[] = { "(a*)*$x", "(a|a)*b", "(a|aa)+$b",
		"([a-z]+)*=", "(.*)(.*)(.*)(.*)(.*)[^a]", "(a?){150}a{150}b",
		"(x+x+)+y|(a+a+)+y" };
	struct arena *a = arena_new(4 << 20);
	char *text = arena_alloc(a, PATTERN_TEXT);

	memset(text, 'a', PATTERN_TEXT);
	ARRAY_EACH (row, rows) {
		struct pattern *p = made(a, *row);
		clock_t begin = clock();

		ROW(*row,
		    !pattern_found(p, (struct str){ text, PATTERN_TEXT }));
		ROW(*row, clock() - begin < 8 * CLOCKS_PER_SEC);
	}
	arena_free(&a);
}
END_TEST

START_TEST(folds)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{ "", "" },
		{ "  A\r\n\tB  ", "a b" },
		{ "\xc3\x9c"
		  "BER \xc5\xbd\xc4\x90",
		    "\xc3\xbc"
		    "ber \xc5\xbe\xc4\x91" },
		{ "\xce\x91\xce\x86", "\xce\xb1\xce\xac" },
		{ "\xd0\x81\xd0\xaf", "\xd1\x91\xd1\x8f" },
		{ "\xef\xbc\xb0\xef\xbc\xa1", "\xef\xbd\x90\xef\xbd\x81" },
		{ "\xe6\x94\xaf\xe6\x89\x95", "\xe6\x94\xaf\xe6\x89\x95" },
	};

	ARRAY_EACH (row, rows) {
		struct arena *a = arena_new(1 << 16);
		struct str out = fold_text(a, str_of(row->in));

		ROW(row->in, str_eq(out, str_of(row->out)));
		ROW(row->in, str_eq(fold_text(a, out), out));
		arena_free(&a);
	}
}
END_TEST

UNIT_MAIN("core/pattern", UNIT(finds), UNIT(refuses), UNIT(is_deep_only_so_far),
    UNIT(is_linear), UNIT(folds))
