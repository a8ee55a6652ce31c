#include "domain/forward.h"

#include "core/buffer.h"
#include "mail/date.h"
#include "mail/html.h"

#define FORWARD_BYTES ((size_t)32 << 20)

const struct col forward_mail_cols[] = {
	COL(struct forward_mail, id),
	COL(struct forward_mail, subject),
	COL(struct forward_mail, sender),
	COL(struct forward_mail, to),
	COL(struct forward_mail, cc),
	COL(struct forward_mail, sent_at),
	COL_STR(struct forward_mail, snippet),
	COL_END,
};

#define BEGINS "---------- Forwarded message ----------"

static struct str
taken(struct arena *a, struct buf *b)
{
	struct str out = { arena_dup(a, b->n > 0 ? b->p : "", b->n), b->n };

	buf_clear(b);
	return out;
}

static void
put(struct buf *b, struct str s)
{
	if (s.n > 0)
		buf_add(b, s.p, s.n);
}

/* The head of a mail, as far as it has one; `line` writes a line of it. */
static void
head(struct arena *a, const struct forward_mail *m, struct buf *b,
    void (*line)(struct arena *, struct buf *, const char *, const char *))
{
	char date[DATE_TEXT] = "";

	date_print(m->sent_at, date);
	line(a, b, "From", m->sender);
	line(a, b, "Date", date);
	line(a, b, "Subject", m->subject);
	line(a, b, "To", m->to);
	line(a, b, "Cc", m->cc);
}

/* ---- text ---- */

static void
text_line(struct arena *a, struct buf *b, const char *name, const char *value)
{
	(void)a;
	if (value != NULL && *value != '\0')
		buf_fmt(b, "%s: %s\n", name, value);
}

static struct str
text_of(struct arena *a, const struct forward *f)
{
	if (f->text.p != NULL)
		return f->text;
	if (f->html.p != NULL)
		return html_text(a, f->html, FORWARD_BYTES);
	return f->mail->snippet;
}

struct str
forward_text(struct arena *a, const char *said, const struct forward *f,
    size_t n, int64_t left_out)
{
	struct buf b;

	buf_init(&b, FORWARD_BYTES);
	if (said != NULL)
		buf_fmt(&b, "%s\n\n", said);
	for (size_t i = 0; i < n; i++) {
		buf_puts(&b, BEGINS "\n");
		head(a, f[i].mail, &b, text_line);
		buf_putc(&b, '\n');
		put(&b, text_of(a, &f[i]));
		buf_puts(&b, "\n\n");
	}
	if (left_out > 0)
		buf_fmt(&b, "(%lld earlier messages are left out.)\n",
		    (long long)left_out);
	return taken(a, &b);
}

/* ---- HTML ---- */

static void
html_line(struct arena *a, struct buf *b, const char *name, const char *value)
{
	if (value == NULL || *value == '\0')
		return;
	buf_fmt(b, "<b>%s:</b> ", name);
	put(b, html_of_text(a, str_of(value)));
	buf_puts(b, "<br>\n");
}

static struct str
html_of(struct arena *a, const struct forward *f)
{
	if (f->html.p != NULL)
		return html_inside(f->html);
	return html_of_text(a, text_of(a, f));
}

static bool
has_html(const char *said, const struct forward *f, size_t n)
{
	bool has = said != NULL;

	for (size_t i = 0; i < n; i++)
		has = has || f[i].html.p != NULL;
	return has;
}

struct str
forward_html(struct arena *a, const char *said_text, const char *said_html,
    const struct forward *f, size_t n, int64_t left_out)
{
	struct buf b;

	if (!has_html(said_html, f, n))
		return (struct str){ NULL, 0 };
	buf_init(&b, FORWARD_BYTES);
	if (said_html != NULL)
		put(&b, html_inside(str_of(said_html)));
	else if (said_text != NULL)
		put(&b, html_of_text(a, str_of(said_text)));
	for (size_t i = 0; i < n; i++) {
		buf_puts(&b, "\n<br><br>" BEGINS "<br>\n<div>");
		head(a, f[i].mail, &b, html_line);
		buf_puts(&b, "</div><br>\n<div>");
		put(&b, html_of(a, &f[i]));
		buf_puts(&b, "</div>\n");
	}
	if (left_out > 0)
		buf_fmt(&b, "<p>(%lld earlier messages are left out.)</p>\n",
		    (long long)left_out);
	return taken(a, &b);
}
