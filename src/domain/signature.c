#include "domain/signature.h"

#include "core/buffer.h"

const struct col signature_cols[] = {
	COL_ID(struct signature, id, ID_NUMBER),
	COL(struct signature, name),
	COL(struct signature, body_text),
	COL(struct signature, body_html),
	COL(struct signature, is_default),
	COL(struct signature, created_at),
	COL(struct signature, updated_at),
	COL_END,
};

static const char *
as_html(struct arena *a, const char *text)
{
	const char *out;
	struct buf b;

	buf_init(&b, (size_t)16 * SIGNATURE_TEXT_MOST);
	for (const char *p = text; *p != '\0'; p++)
		switch (*p) {
		case '&': buf_puts(&b, "&amp;"); break;
		case '<': buf_puts(&b, "&lt;"); break;
		case '>': buf_puts(&b, "&gt;"); break;
		case '\n': buf_puts(&b, "<br>\n"); break;
		default: buf_putc(&b, *p);
		}
	out = arena_str(a, buf_text(&b));
	buf_clear(&b);
	return out;
}

void
signature_put(struct arena *a, const struct signature *s, const char **text,
    const char **html)
{
	const char *own =
	    s->body_html != NULL ? s->body_html : as_html(a, s->body_text);

	if (*html != NULL)
		*html = arena_fmt(a, "%s<br><br>-- <br>\n%s", *html, own);
	if (*text != NULL || *html == NULL)
		*text = arena_fmt(a, "%s\n\n-- \n%s",
		    *text != NULL ? *text : "", s->body_text);
}
