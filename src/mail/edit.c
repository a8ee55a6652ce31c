#include "mail/edit.h"

#include <stdlib.h>
#include <string.h>

#include "mail/html.h"
#include "mail/mime.h"
#include "mail/rfc2047.h"
#include "mail/transfer.h"

#define CUTS_MOST  4000
#define ID_MOST    900
#define NOTE       "[Attachment removed]"
#define HTML_MOST  ((size_t)4 << 20)
#define WRITE_MOST ((size_t)80 << 20)

/* A run of the message, and what stands there instead. */
struct cut {
	size_t from, to, order;
	struct str by;
};

struct work {
	struct arena *arena;
	struct str raw;
	const struct mail_edit *edit;
	struct mime mime;
	struct cut *cut;
	size_t cuts;
	bool *gone; /* a part each */
	struct mail_edited *out;
	bool full;
};

static size_t
offset(const struct work *w, const char *p)
{
	return (size_t)(p - w->raw.p);
}

static void
cut(struct work *w, size_t from, size_t to, struct str by)
{
	if (w->cuts == CUTS_MOST) {
		w->full = true;
		return;
	}
	w->cut[w->cuts] = (struct cut){ from, to, w->cuts, by };
	w->cuts++;
}

static struct str
copied(struct work *w, struct buf *b)
{
	struct str s = { arena_dup(w->arena, b->p != NULL ? b->p : "", b->n),
		b->n };

	w->full = w->full || b->full;
	buf_clear(b);
	return s;
}

/* ---- header fields ---- */

/* Behind the line, and those that are folded onto it. */
static size_t
field_end(struct str header, size_t at)
{
	while (at < header.n) {
		const char *nl = memchr(header.p + at, '\n', header.n - at);

		at = nl != NULL ? (size_t)(nl - header.p) + 1 : header.n;
		if (at >= header.n ||
		    (header.p[at] != ' ' && header.p[at] != '\t'))
			return at;
	}
	return header.n;
}

/* The first field of that name becomes `line` ("" removes it), the others go;
 * where there is none it comes last. */
static void
field_set(
    struct work *w, struct str header, const char *called, struct str line)
{
	size_t at = 0, base = offset(w, header.p);
	struct str name, value;
	bool done = line.n == 0;

	while (header_next(header, &at, &name, &value)) {
		size_t from = (size_t)(name.p - header.p);

		if (!str_ieq(name, str_of(called)))
			continue;
		cut(w, base + from, base + field_end(header, from),
		    done ? STR("") : line);
		done = true;
	}
	if (done)
		return;
	if (header.n > 0 && header.p[header.n - 1] != '\n')
		line = str_of(arena_fmt(w->arena, "\r\n%s", line.p));
	cut(w, base + header.n, base + header.n, line);
}

static void
field_write(
    struct work *w, struct str header, const char *called, const char *value)
{
	field_set(w, header, called,
	    str_of(arena_fmt(w->arena, "%s: %s\r\n", called, value)));
}

static void
subject_set(struct work *w)
{
	struct str words =
	    rfc2047_encode(w->arena, w->edit->subject, sizeof "Subject: " - 1);

	field_write(w, w->mime.part[0].header, "Subject",
	    arena_fmt(w->arena, "%.*s", STR_FMT(words)));
}

/* "<a@b>" of one line, without what would end or widen a header. */
static bool
is_id(struct str id)
{
	if (id.n < 5 || id.n > ID_MOST || id.p[0] != '<' ||
	    id.p[id.n - 1] != '>' || memchr(id.p, '@', id.n) == NULL)
		return false;
	for (size_t i = 0; i < id.n; i++)
		if ((unsigned char)id.p[i] <= ' ' ||
		    (unsigned char)id.p[i] >= 0x7f)
			return false;
	return true;
}

static void
id_set(struct work *w)
{
	struct str header = w->mime.part[0].header;
	struct str id = str_trim(header_find(header, "Message-ID"));

	w->out->message_id = is_id(id)
	    ? arena_fmt(w->arena, "<edited-%.*s", (int)id.n - 1, id.p + 1)
	    : arena_fmt(w->arena, "<edited-%s>", w->edit->fallback);
	field_write(w, header, "Message-ID", w->out->message_id);
}

/* ---- texts ---- */

static bool
is_in_message(const struct mime *m, size_t part)
{
	for (size_t i = m->part[part].parent; i != MIME_NO_PARENT;
	     i = m->part[i].parent)
		if (m->part[i].message)
			return true;
	return false;
}

static bool
is_readable(const struct work *w, size_t i, const char *type)
{
	return str_eq(w->mime.part[i].type, str_of(type)) &&
	    !is_in_message(&w->mime, i) && !mime_is_attachment(&w->mime, i);
}

static struct str
rendered(struct work *w, struct str text)
{
	struct buf b;

	buf_init(&b, WRITE_MOST);
	buf_puts(&b, "<html><body><p>");
	for (size_t i = 0; i < text.n; i++) {
		switch (text.p[i]) {
		case '<': buf_puts(&b, "&lt;"); break;
		case '>': buf_puts(&b, "&gt;"); break;
		case '&': buf_puts(&b, "&amp;"); break;
		case '"': buf_puts(&b, "&quot;"); break;
		case '\r': break;
		case '\n': buf_puts(&b, "<br>\n"); break;
		default: buf_putc(&b, text.p[i]);
		}
	}
	buf_puts(&b, "</p></body></html>\n");
	return copied(w, &b);
}

/* Line ends are \n, and there is one at the end. */
static struct str
lines(struct work *w, struct str text)
{
	struct buf b;

	buf_init(&b, WRITE_MOST);
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] != '\r' || i + 1 == text.n ||
		    text.p[i + 1] != '\n')
			buf_putc(&b, text.p[i]);
	if (b.n > 0 && b.p[b.n - 1] != '\n')
		buf_putc(&b, '\n');
	return copied(w, &b);
}

static struct str
quoted(struct work *w, struct str text)
{
	struct buf b;

	buf_init(&b, WRITE_MOST);
	transfer_quote(&b, lines(w, text));
	return copied(w, &b);
}

/* A multipart without any delimiter is one text, which has its header. */
static struct str
header_of(const struct work *w, const struct mime_part *p)
{
	const struct mime_part *parent =
	    p->parent != MIME_NO_PARENT ? &w->mime.part[p->parent] : NULL;

	return parent != NULL && p->header.n == 0 &&
		p->header.p == parent->body.p
	    ? parent->header
	    : p->header;
}

static void
content_set(struct work *w, const struct mime_part *p, const char *type,
    struct str text)
{
	struct str header = header_of(w, p);
	size_t from = offset(w, p->body.p);

	if (header.p == w->mime.part[0].header.p &&
	    header_find(header, "MIME-Version").p == NULL)
		field_write(w, header, "MIME-Version", "1.0");
	field_write(w, header, "Content-Type",
	    arena_fmt(w->arena, "%s; charset=utf-8", type));
	field_write(w, header, "Content-Transfer-Encoding", "quoted-printable");
	/* What had no fields at all has no empty line behind them either. */
	if (header.n == 0 && header.p == p->body.p)
		cut(w, from, from, STR("\r\n"));
	cut(w, from, from + p->body.n, quoted(w, text));
}

/* The first of its kind gets the text; of the others nothing is left. */
static bool
texts_set(struct work *w, const char *type, struct str text)
{
	bool done = false;

	for (size_t i = 0; i < w->mime.n; i++) {
		if (w->gone[i] || !is_readable(w, i, type))
			continue;
		content_set(w, &w->mime.part[i], type, done ? STR("") : text);
		done = true;
	}
	return done;
}

static enum rc
texts_edit(struct work *w)
{
	const struct mail_edit *e = w->edit;
	struct str text = e->text, html = e->html;
	bool done;

	if (text.p == NULL && html.p == NULL)
		return RC_OK;
	if (text.p == NULL)
		text = html_text(w->arena, html, HTML_MOST);
	if (html.p == NULL)
		html = rendered(w, text);
	done = texts_set(w, "text/plain", text);
	done = texts_set(w, "text/html", html) || done;
	return done ? RC_OK
		    : fail(RC_CONFLICT, "There is no text in the message.");
}

/* ---- attachments ---- */

static void
removed_note(struct work *w, const struct mime_part *p)
{
	w->out->removed[w->out->removed_n++] =
	    p->filename.n > 0 ? p->filename : p->type;
}

/* Is any other child of its parent left? */
static bool
has_sibling(const struct work *w, size_t part)
{
	size_t parent = w->mime.part[part].parent;

	for (size_t i = 0; i < w->mime.n; i++)
		if (i != part && !w->gone[i] && parent != MIME_NO_PARENT &&
		    w->mime.part[i].parent == parent)
			return true;
	return false;
}

/* From its delimiter to the next one. */
static void
part_cut(struct work *w, const struct mime_part *p)
{
	size_t from = offset(w, p->header.p);
	size_t to = offset(w, p->body.p) + p->body.n;

	if (from > 0) /* the end of the delimiter's line */
		from--;
	while (from > 0 && w->raw.p[from - 1] != '\n')
		from--;
	if (to < w->raw.n && w->raw.p[to] == '\r')
		to++;
	if (to < w->raw.n && w->raw.p[to] == '\n')
		to++;
	cut(w, from, to, STR(""));
}

/* The last one of its multipart, or all of the message, becomes a line. */
static void
part_blank(struct work *w, const struct mime_part *p)
{
	size_t from = offset(w, p->body.p);

	field_write(w, p->header, "Content-Type", "text/plain; charset=utf-8");
	field_set(w, p->header, "Content-Transfer-Encoding", STR(""));
	field_set(w, p->header, "Content-Disposition", STR(""));
	field_set(w, p->header, "Content-ID", STR(""));
	cut(w, from, from + p->body.n, STR(NOTE "\r\n"));
}

static void
strip(struct work *w)
{
	for (size_t i = 0; i < w->mime.n; i++) {
		if (!mime_is_attachment(&w->mime, i))
			continue;
		w->gone[i] = true;
		removed_note(w, &w->mime.part[i]);
	}
	for (size_t i = 0; i < w->mime.n; i++) {
		if (!mime_is_attachment(&w->mime, i))
			continue;
		if (has_sibling(w, i)) {
			part_cut(w, &w->mime.part[i]);
		} else {
			part_blank(w, &w->mime.part[i]);
			w->gone[i] = false;
		}
	}
}

/* ---- the whole ---- */

static int
by_place(const void *a, const void *b)
{
	const struct cut *x = a, *y = b;

	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	return (x->order > y->order) - (x->order < y->order);
}

static void
write_out(struct work *w)
{
	size_t at = 0;
	struct buf b;

	qsort(w->cut, w->cuts, sizeof *w->cut, by_place);
	buf_init(&b, WRITE_MOST);
	for (size_t i = 0; i < w->cuts; i++) {
		const struct cut *c = &w->cut[i];

		if (c->from > at)
			buf_add(&b, w->raw.p + at, c->from - at);
		buf_add(&b, c->by.p, c->by.n);
		at = c->to > at ? c->to : at;
	}
	buf_add(&b, w->raw.p + at, w->raw.n - at);
	w->out->bytes = copied(w, &b);
}

static bool
is_wanted(const struct work *w)
{
	return w->edit->subject.p != NULL || w->edit->text.p != NULL ||
	    w->edit->html.p != NULL || w->out->removed_n > 0;
}

enum rc
mail_edit(struct arena *a, struct str raw, const struct mail_edit *edit,
    struct mail_edited *out)
{
	struct work w = { .arena = a, .raw = raw, .edit = edit, .out = out };

	*out = (struct mail_edited){ .changed = false };
	TRY(mime_parse(a, raw, MIME_PARTS_MOST, &w.mime));
	if (w.mime.n == 0)
		return fail(RC_PAYLOAD, "the message is empty");
	w.cut = ARENA_ARRAY(a, struct cut, CUTS_MOST);
	w.gone = ARENA_ARRAY(a, bool, w.mime.n);
	out->removed = ARENA_ARRAY(a, struct str, w.mime.n);
	if (edit->strip)
		strip(&w);
	if (!is_wanted(&w))
		return RC_OK;
	TRY(texts_edit(&w));
	if (edit->subject.p != NULL)
		subject_set(&w);
	id_set(&w);
	write_out(&w);
	out->changed = true;
	return w.full ? fail(RC_TOO_LARGE, "there is too much to be changed")
		      : RC_OK;
}
