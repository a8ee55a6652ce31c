/* Queries: the terms are words in quotes, weights and operators, and nothing
 * else, so that to_tsquery takes them whatever was written. */
#include "fuzz.h"

#include "domain/search-query.h"
#include "domain/search-words.h"

/* ('word':B*|'word':B) joined by <->; the length of what is one, 0: it is not.
 */
static size_t
word_of(struct str t, size_t at)
{
	size_t n = at;

	if (n >= t.n || t.p[n++] != '\'')
		return 0;
	while (n < t.n && t.p[n] != '\'' && t.p[n] != '\\')
		n++;
	HOLDS(n - at - 1 > 0 && n - at - 1 <= SEARCH_WORD_MOST);
	if (n + 1 >= t.n || t.p[n] != '\'' || t.p[n + 1] != ':')
		return 0;
	n += 2;
	while (n < t.n && strchr("ABC*", t.p[n]) != NULL)
		n++;
	return n - at;
}

static void
check_term(struct str t)
{
	size_t at = 0, n;

	HOLDS(t.n > 0 && utf8_valid(t.p, t.n));
	for (;;) {
		HOLDS(at < t.n && t.p[at++] == '(');
		n = word_of(t, at);
		HOLDS(n > 0);
		at += n;
		if (at < t.n && t.p[at] == '|') {
			n = word_of(t, at + 1);
			HOLDS(n > 0);
			at += n + 1;
		}
		HOLDS(at < t.n && t.p[at++] == ')');
		if (at == t.n)
			return;
		HOLDS(t.n - at > 3 && memcmp(t.p + at, "<->", 3) == 0);
		at += 3;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena *a = arena_new(16 << 20);
	struct search_query q;
	struct str in = { (const char *)data, n > 2000 ? 2000 : n };
	struct str words;

	in = utf8_repair(a, in);
	if (search_query_parse(a, in, &q) == RC_OK) {
		HOLDS(q.terms.n == q.kinds.n && q.terms.n <= SEARCH_TERMS_MOST);
		for (size_t i = 0; i < q.terms.n; i++)
			check_term(q.terms.v[i]);
	}
	words = search_words(a, in);
	HOLDS(str_eq(search_words(a, words), words));
	HOLDS(utf8_valid(words.p, words.n));
	words = search_body(a, in);
	HOLDS(words.n <= SEARCH_BODY_MOST && utf8_valid(words.p, words.n));
	arena_free(&a);
	return 0;
}
