/* A message of anybody's making. Parts lie inside of it and inside of their
 * parents, children follow parents, numbers are unique, every text is UTF-8,
 * and decoding does not depend on how the input was cut. */
#include "mail/mime.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static struct arena *arena;

static void
valid(struct str s)
{
	assert(s.n == 0 || utf8_valid(s.p, s.n));
	assert(s.n == 0 || memchr(s.p, '\0', s.n) == NULL);
}

static bool
inside(struct str in, struct str out)
{
	return in.p >= out.p && in.p + in.n <= out.p + out.n;
}

static struct str
decode(const struct mime_part *p, size_t step, struct buf *out)
{
	struct transfer_decoder d;
	bool leaf = !p->multipart && !p->message;

	transfer_begin(
	    &d, leaf ? p->transfer : TRANSFER_PLAIN, transfer_to_buf, out);
	for (size_t at = 0; at < p->body.n; at += step) {
		size_t n = p->body.n - at < step ? p->body.n - at : step;

		if (transfer_feed(&d, p->body.p + at, n) != RC_OK)
			abort();
	}
	if (transfer_end(&d) != RC_OK)
		abort();
	return (struct str){ out->n > 0 ? out->p : "", out->n };
}

static void
content(const struct mime_part *p)
{
	struct buf whole, pieces;

	buf_init(&whole, (size_t)1 << 20);
	buf_init(&pieces, (size_t)1 << 20);
	assert(str_eq(decode(p, p->body.n + 1, &whole), decode(p, 3, &pieces)));
	assert(whole.n == mime_size(p));
	buf_clear(&whole);
	buf_clear(&pieces);
}

static void
part(const struct mime *m, size_t i, struct str raw)
{
	const struct mime_part *p = &m->part[i];

	assert(inside(p->header, raw) && inside(p->body, raw));
	assert(mime_find(m, p->number) == p);
	assert((i == 0) == (p->parent == MIME_NO_PARENT));
	if (i > 0) {
		const struct mime_part *above = &m->part[p->parent];

		assert(p->parent < i && p->level == above->level + 1);
		assert(above->multipart || above->message);
		assert(inside(p->body, above->body));
	}
	valid(p->type);
	valid(p->charset);
	valid(p->filename);
	valid(p->disposition);
	valid(p->content_id);
	valid(p->encoding);
	content(p);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str raw = { (const char *)data, n };
	struct mime_body body;
	struct mime m;

	if (n == 0)
		return 0;
	if (arena == NULL)
		arena = arena_new((size_t)64 << 20);
	if (mime_parse(arena, raw, MIME_PARTS_SHOWN, &m) != RC_OK)
		abort();
	assert(m.n >= 1 && m.n <= MIME_PARTS_SHOWN);
	for (size_t i = 0; i < m.n; i++)
		part(&m, i, raw);
	mime_body(arena, &m, 1000, &body);
	assert(body.text.n <= 1000 && body.html.n <= 1000);
	valid(body.text);
	valid(body.html);
	valid(mime_snippet(arena, &body, 100));
	valid(header_text(arena, m.part[0].header, "Subject", 200));
	arena_reset(arena);
	return 0;
}
