/* What there is to read in a message, and what is attached to it. */
#include "mail/charset.h"
#include "mail/html.h"
#include "mail/mime.h"

/* Snippets are made from this much of the text. */
#define SNIPPET_FROM ((size_t)16 * 1024)

static bool
is_below(const struct mime *m, size_t part, const char *type)
{
	for (size_t i = m->part[part].parent; i != MIME_NO_PARENT;
	     i = m->part[i].parent) {
		if (str_eq(m->part[i].type, str_of(type)))
			return true;
	}
	return false;
}

static bool
is_in_message(const struct mime *m, size_t part)
{
	for (size_t i = m->part[part].parent; i != MIME_NO_PARENT;
	     i = m->part[i].parent) {
		if (m->part[i].message)
			return true;
	}
	return false;
}

static bool
type_is(const struct mime_part *p, const char *type)
{
	return str_eq(p->type, str_of(type));
}

static bool
is_text(const struct mime_part *p)
{
	return type_is(p, "text/plain") || type_is(p, "text/html");
}

static bool
is_signature(const struct mime_part *p)
{
	return type_is(p, "application/pgp-signature") ||
	    type_is(p, "application/pkcs7-signature") ||
	    type_is(p, "application/x-pkcs7-signature");
}

bool
mime_is_attachment(const struct mime *m, size_t part)
{
	const struct mime_part *p = &m->part[part];

	if (p->multipart || is_in_message(m, part))
		return false;
	if (str_eq(p->disposition, STR("attachment")) || p->message)
		return true;
	if (is_signature(p))
		return false;
	if (is_text(p))
		return p->filename.n > 0;
	/* A picture of the HTML, told by its place or by being named there. */
	if (is_below(m, part, "multipart/related"))
		return p->content_id.n == 0 && p->filename.n > 0;
	/* Another form of the text, as an invitation's calendar. */
	return p->filename.n > 0 || !is_below(m, part, "multipart/alternative");
}

bool
mime_has_attachments(const struct mime *m)
{
	for (size_t i = 0; i < m->n; i++) {
		if (mime_is_attachment(m, i))
			return true;
	}
	return false;
}

/* Line ends LF, at most `max` bytes. */
static struct str
tidy(struct arena *a, struct str text, size_t max, bool *truncated)
{
	char *out;
	size_t n = 0;

	if (text.n > max) {
		*truncated = true;
		text.n = utf8_cut(text.p, text.n, max);
	}
	out = arena_alloc(a, text.n + 1);
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] != '\r' || i + 1 == text.n ||
		    text.p[i + 1] != '\n')
			out[n++] = text.p[i];
	}
	return (struct str){ out, n };
}

struct str
mime_text(struct arena *a, struct str content, struct str charset, size_t max,
    bool *truncated, bool *lossy)
{
	struct arena *scratch;
	struct str text;

	/* No charset makes fewer bytes out of more than four. */
	if (content.n > 4 * max) {
		*truncated = true;
		content.n = 4 * max;
	}
	scratch = arena_new(16 * content.n + 65536);
	text = charset_to_utf8(scratch, charset, content, lossy);
	text = tidy(a, text, max, truncated);
	arena_free(&scratch);
	return text;
}

/* What is collected for one of the two bodies. */
struct collecting {
	struct arena *arena;
	struct buf out;
	size_t max;
	bool any;
};

static void
collect(struct collecting *c, const struct mime_part *p, struct mime_body *body)
{
	size_t room = c->max - c->out.n;
	struct buf raw;
	struct str text;

	buf_init(&raw, 4 * room + 4);
	if (mime_content(p, transfer_to_buf, &raw) != RC_OK)
		body->truncated = true; /* longer than there is room for */
	text =
	    mime_text(c->arena, (struct str){ raw.n > 0 ? raw.p : "", raw.n },
		p->charset, room, &body->truncated, &body->lossy);
	buf_clear(&raw);
	if (c->out.n > 0 && c->out.p[c->out.n - 1] != '\n' && room > 0)
		buf_putc(&c->out, '\n');
	buf_add(&c->out, text.p, utf8_cut(text.p, text.n, c->max - c->out.n));
	c->any = true;
	if (body->charset.p == NULL)
		body->charset = p->charset;
}

static struct str
collected(struct arena *a, struct collecting *c)
{
	struct str none = { NULL, 0 }, text = { NULL, c->out.n };

	if (c->any)
		text.p = arena_dup(a, c->out.n > 0 ? c->out.p : "", c->out.n);
	buf_clear(&c->out);
	arena_free(&c->arena);
	return c->any ? text : none;
}

static struct str
collect_all(struct arena *a, const struct mime *m, struct str type, size_t max,
    struct mime_body *body)
{
	struct collecting c = { .max = max };

	buf_init(&c.out, max);
	for (size_t i = 0; i < m->n; i++) {
		const struct mime_part *p = &m->part[i];

		if (!str_eq(p->type, type) || is_in_message(m, i) ||
		    mime_is_attachment(m, i))
			continue;
		if (c.out.n == max) {
			body->truncated = true;
			break;
		}
		c.arena = arena_new(max + 65536);
		collect(&c, p, body);
		arena_free(&c.arena);
	}
	return collected(a, &c);
}

void
mime_body(
    struct arena *a, const struct mime *m, size_t max, struct mime_body *out)
{
	*out = (struct mime_body){ .truncated = false };
	out->text = collect_all(a, m, STR("text/plain"), max, out);
	out->html = collect_all(a, m, STR("text/html"), max, out);
}

/* Past the line feed, or the end. */
static size_t
next_line(struct str s, size_t at)
{
	const char *lf = memchr(s.p + at, '\n', s.n - at);

	return lf != NULL ? (size_t)(lf - s.p) + 1 : s.n;
}

/* One line of text to the snippet: words with one blank between them. */
static void
add_line(struct buf *out, struct str line, size_t *chars)
{
	bool blank = out->n > 0;

	for (size_t i = 0; i<line.n && * chars> 0; i++) {
		unsigned char c = (unsigned char)line.p[i];

		if (c <= ' ' || c == 0x7f) {
			blank = out->n > 0;
			continue;
		}
		if ((c & 0xc0) != 0x80) {
			if (blank && --*chars == 0)
				return;
			if (blank)
				buf_putc(out, ' ');
			blank = false;
			--*chars;
		}
		buf_putc(out, (char)c);
		/* the rest of the last character */
		while (*chars == 0 && i + 1 < line.n &&
		    ((unsigned char)line.p[i + 1] & 0xc0) == 0x80)
			buf_putc(out, line.p[++i]);
	}
}

struct str
mime_snippet(struct arena *a, const struct mime_body *b, size_t chars)
{
	struct str text = b->text, line;
	struct buf out;
	struct str snippet;

	if (str_trim(text).n == 0 && b->html.p != NULL)
		text = html_text(a, b->html, SNIPPET_FROM);
	if (text.n > SNIPPET_FROM)
		text.n = utf8_cut(text.p, text.n, SNIPPET_FROM);
	buf_init(&out, SNIPPET_FROM + 4);
	for (size_t at = 0; at < text.n && chars > 0; at += line.n) {
		line = (struct str){ text.p + at, next_line(text, at) - at };
		if (str_eq(str_trim(line), STR("--")))
			break; /* the signature */
		if (line.p[0] != '>')
			add_line(&out, line, &chars);
	}
	snippet =
	    (struct str){ arena_dup(a, out.n > 0 ? out.p : "", out.n), out.n };
	buf_clear(&out);
	return snippet;
}
