#include "mail/echo.h"

#include "core/buffer.h"

#define RUN       8
#define LEADS     3 /* base64 looks the same after each third byte */
#define FORM_MOST ((size_t)64 << 10)

static bool
holds(struct str line, struct str form)
{
	size_t run = form.n < RUN ? form.n : RUN;

	for (size_t i = 0; run > 0 && i + run <= form.n; i++)
		if (memmem(line.p, line.n, form.p + i, run) != NULL)
			return true;
	return false;
}

static bool
holds_quoted(struct str line, const struct secret *s)
{
	struct buf b;
	bool found;

	buf_init(&b, FORM_MOST);
	for (size_t i = 0; i < s->n; i++) {
		if (s->p[i] == '"' || s->p[i] == '\\')
			buf_putc(&b, '\\');
		buf_putc(&b, (char)s->p[i]);
	}
	found = holds(line, (struct str){ b.p, b.n });
	explicit_bzero(b.p, b.n);
	buf_clear(&b);
	return found;
}

/* With `lead` bytes before it; the characters that are theirs in part are
 * left out, and so is the last where another byte could follow. */
static bool
holds_base64(struct str line, const struct secret *s, size_t lead)
{
	struct arena *a = arena_new(2 * FORM_MOST);
	size_t n = lead + s->n, skip = lead == 0 ? 0 : lead + 1;
	unsigned char *bytes = arena_alloc(a, n);
	char *text;
	bool found;

	memcpy(bytes + lead, s->p, s->n);
	text = base64_encode(a, bytes, n);
	found = holds(line, (struct str){ text + skip, n * 8 / 6 - skip });
	explicit_bzero(bytes, n);
	explicit_bzero(text, strlen(text));
	arena_free(&a);
	return found;
}

bool
echo_of(struct str line, const struct secret *s)
{
	if (s->n == 0 || line.n == 0)
		return false;
	for (size_t lead = 0; lead < LEADS; lead++)
		if (holds_base64(line, s, lead))
			return true;
	return holds(line, (struct str){ (const char *)s->p, s->n }) ||
	    holds_quoted(line, s);
}
