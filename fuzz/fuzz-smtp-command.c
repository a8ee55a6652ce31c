/* What a client says: a line is one line for everybody; an address that is
 * taken has nothing in it that another server would take for a command, and
 * printed and read again it is the same. */
#include "fuzz.h"

#include "mail/smtp-command.h"

#define LINE_MOST 2048

static void
address_holds(struct arena *a, struct str address, const char *keyword)
{
	struct str line, again, rest;

	for (size_t i = 0; i < address.n; i++)
		HOLDS((unsigned char)address.p[i] > ' ' &&
		    address.p[i] != 0x7f &&
		    strchr("<>\"", address.p[i]) == NULL);
	HOLDS(address.n == 0 || memchr(address.p, '@', address.n) != NULL);
	line = str_of(arena_fmt(a, "%s:<%.*s>", keyword, STR_FMT(address)));
	HOLDS(smtp_path_read(a, line, keyword, &again, &rest) == SMTP_PATH_OK);
	HOLDS(str_eq(again, address) && rest.n == 0);
}

static void
parameters_hold(struct str words)
{
	struct str name, value;
	size_t left = words.n;

	while (smtp_parameter_next(&words, &name, &value)) {
		HOLDS(name.n > 0 && words.n < left);
		left = words.n;
		HOLDS(memchr(name.p, ' ', name.n) == NULL);
		HOLDS(value.p == NULL || memchr(value.p, ' ', value.n) == NULL);
	}
}

static void
line_holds(struct arena *a, struct str line)
{
	static const char *const keywords[] = { "FROM", "TO" };
	struct str args, address, rest;
	struct str verb = smtp_verb_read(line, &args);

	HOLDS(memchr(line.p, '\r', line.n) == NULL &&
	    memchr(line.p, '\n', line.n) == NULL);
	HOLDS(verb.n + args.n <= line.n);
	if (!smtp_words_ok(line))
		return;
	for (size_t i = 0; i < 2; i++)
		if (smtp_path_read(a, args, keywords[i], &address, &rest) ==
		    SMTP_PATH_OK) {
			address_holds(a, address, keywords[i]);
			parameters_hold(rest);
		}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena *a = arena_new((size_t)4 << 20);
	struct str in = { (const char *)data, n }, line;
	size_t used = 0;

	while (in.n > 0 &&
	    smtp_line_read(in, LINE_MOST, &line, &used) == SMTP_LINE_WHOLE) {
		HOLDS(used == line.n + 2 && used <= LINE_MOST &&
		    memcmp(in.p + line.n, "\r\n", 2) == 0);
		if (line.n > 0)
			line_holds(a, line);
		in = (struct str){ in.p + used, in.n - used };
	}
	arena_free(&a);
	return 0;
}
