/* Patterns: the first line is the expression, the rest the text. Whatever they
 * are, an answer comes, the same one twice; and what is folded stays as it is
 * when it is folded again. */
#include "fuzz.h"

#include "core/fold.h"
#include "core/pattern.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena *a = arena_new(64 << 20);
	const struct str in = utf8_repair(
	    a, (struct str){ (const char *)data, n < 8192 ? n : 8192 });
	const char *line = memchr(in.p, '\n', in.n);
	struct str text, wish = in;
	struct pattern *p;

	if (line == NULL)
		line = in.p + in.n;
	wish.n = (size_t)(line - in.p);
	text = (struct str){ line, in.n - wish.n };
	if (pattern_new(a, wish, &p) == RC_OK) {
		bool found = pattern_found(p, text);

		HOLDS(found == pattern_found(p, text));
	} else {
		HOLDS(fail_detail()[0] != '\0');
	}
	text = fold_text(a, text);
	HOLDS(utf8_valid(text.p, text.n));
	HOLDS(str_eq(fold_text(a, text), text));
	arena_free(&a);
	return 0;
}
