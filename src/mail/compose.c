#include "mail/compose.h"

#include "core/secret.h"
#include "mail/compose-field.h"
#include "mail/date.h"
#include "mail/header.h"
#include "mail/transfer.h"

#define MEMORY        ((size_t)96 << 20)
#define FILENAME_MOST 255
#define TYPE_MOST     255
#define NAME_MOST     127 /* RFC 6838 4.2 */
#define TEXT_LINE     998
#define TEXT_MOST     ((size_t)8 << 20)
#define BOUNDARY_HEX  28

struct body {
	struct composer c;
	const struct compose *in;
	struct str seed;
	unsigned boundaries;
	bool whole; /* the part at hand is all there is */
};

/* ---- parts ---- */

static enum transfer
transfer_for(struct str text)
{
	size_t odd = 0;

	for (size_t i = 0; i < text.n; i++)
		odd += (unsigned char)text.p[i] > 0x7e || text.p[i] == '=';
	/* three bytes for one, against four for three */
	return odd > text.n / 6 ? TRANSFER_BASE64 : TRANSFER_QUOTED;
}

/* Lines end with LF, as the writers of encodings take them; or with CRLF, as
 * base64 of text has them (RFC 2045 6.8). */
static struct str
text_lines(struct arena *a, struct str s, bool crlf)
{
	char *out = arena_alloc(a, 2 * s.n + 1);
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		bool end = s.p[i] == '\n' || s.p[i] == '\r';

		if (s.p[i] == '\r' && i + 1 < s.n && s.p[i + 1] == '\n')
			i++;
		if (end && crlf)
			out[n++] = '\r';
		out[n++] = (char)(end ? '\n' : s.p[i]);
	}
	return (struct str){ out, n };
}

/* The line end before a boundary is the boundary's: what ends with one needs
 * another. */
static void
text_put(struct body *b, const char *type, struct str text)
{
	struct buf *out = b->c.out;
	bool base64 = transfer_for(text) == TRANSFER_BASE64;
	struct str lines = text_lines(b->c.arena, text, base64);

	buf_fmt(out,
	    "Content-Type: %s; charset=utf-8\r\n"
	    "Content-Transfer-Encoding: %s\r\n\r\n",
	    type, base64 ? "base64" : "quoted-printable");
	if (base64)
		transfer_base64(out, lines);
	else
		transfer_quote(out, lines);
	if (!b->whole && !base64 &&
	    (lines.n == 0 || lines.p[lines.n - 1] == '\n'))
		BUF_LIT(out, "\r\n");
}

/* As it is: lines of ASCII that any server takes. */
static bool
is_clean(struct str s)
{
	size_t column = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\r' && i + 1 < s.n && s.p[i + 1] == '\n') {
			i++;
			column = 0;
			continue;
		}
		if (s.p[i] == '\0' || s.p[i] == '\r' || s.p[i] == '\n' ||
		    (unsigned char)s.p[i] > 0x7f || ++column > TEXT_LINE)
			return false;
	}
	return true;
}

/* Messages must not be encoded (RFC 2046 5.2.1). */
static bool
is_message(struct str type)
{
	static const struct str begin = STR("message/");

	return type.n >= begin.n &&
	    str_ieq((struct str){ type.p, begin.n }, begin);
}

/* "=_" is in no text that base64 or quoted-printable write; what goes as it is
 * is looked through. */
static bool
is_in_any_file(const struct body *b, struct str mark)
{
	for (size_t i = 0; i < b->in->files; i++) {
		const struct compose_file *f = &b->in->file[i];

		if (is_message(f->content_type) && f->bytes.n > 0 &&
		    memmem(f->bytes.p, f->bytes.n, mark.p, mark.n) != NULL)
			return true;
	}
	return false;
}

static const char *
boundary(struct body *b)
{
	unsigned char hash[SHA256_SIZE];
	char hex[2 * SHA256_SIZE + 1];
	const char *out;

	do {
		out = arena_fmt(
		    b->c.arena, "%u %.*s", ++b->boundaries, STR_FMT(b->seed));
		sha256(out, strlen(out), hash);
		hex_encode(hash, sizeof hash, hex);
		out = arena_fmt(b->c.arena, "=_%.*s", BOUNDARY_HEX, hex);
	} while (is_in_any_file(b, str_of(out)));
	return out;
}

static const char *
multipart_begin(struct body *b, const char *type)
{
	const char *mark = boundary(b);

	buf_fmt(b->c.out,
	    "Content-Type: multipart/%s;\r\n boundary=\"%s\"\r\n\r\n", type,
	    mark);
	b->whole = false;
	return mark;
}

static void
part_begin(struct body *b, const char *mark)
{
	buf_fmt(b->c.out, "--%s\r\n", mark);
}

static void
multipart_end(struct body *b, const char *mark)
{
	buf_fmt(b->c.out, "--%s--\r\n", mark);
}

/* ---- files ---- */

static const struct str unknown_type = STR("application/octet-stream");

static bool
is_type(struct str s)
{
	const char *slash = s.n > 0 ? memchr(s.p, '/', s.n) : NULL;
	struct str name;

	if (slash == NULL)
		return false;
	name = (struct str){ s.p, (size_t)(slash - s.p) };
	return compose_is_token(name, NAME_MOST) &&
	    compose_is_token(
		(struct str){ slash + 1, s.n - name.n - 1 }, NAME_MOST);
}

/* The type, and of its parameters the charset. */
static enum rc
type_read(struct body *b, const struct compose_file *f, const char *what,
    struct header_value *out)
{
	struct str type = str_trim(f->content_type);

	*out = (struct header_value){ .main = unknown_type };
	if (type.n == 0)
		return RC_OK;
	TRY(compose_check(what, type, TYPE_MOST));
	header_value_read(b->c.arena, type, out);
	if (!is_type(out->main))
		return compose_refuse(what, "is no content type");
	if (str_starts(out->main, STR("multipart/")))
		return compose_refuse(what, "is not for a file");
	return RC_OK;
}

static void
charset_put(struct body *b, const struct header_value *type)
{
	struct str charset =
	    parameter_find(type->parameter, type->parameters, "charset");

	if (charset.p != NULL && str_starts(type->main, STR("text/")) &&
	    compose_is_token(charset, 60))
		compose_parameter(&b->c, "charset", charset);
}

static bool
is_related(const struct body *b, const struct compose_file *f)
{
	return b->in->html.p != NULL && f->is_inline && f->content_id.n > 0;
}

static void
file_content(struct body *b, struct str bytes, bool as_is)
{
	struct buf *out = b->c.out;

	buf_fmt(out, "Content-Transfer-Encoding: %s\r\n\r\n",
	    as_is ? "7bit" : "base64");
	if (!as_is)
		transfer_base64(out, bytes);
	else
		buf_add(out, bytes.p, bytes.n);
	if (as_is || bytes.n == 0)
		BUF_LIT(out, "\r\n");
}

static enum rc
file_head(struct body *b, const struct compose_file *f, const char *what,
    const struct header_value *type)
{
	struct arena *a = b->c.arena;
	struct buf *out = b->c.out;
	struct str filename = str_trim(f->filename);

	TRY(compose_check(
	    arena_fmt(a, "%s.filename", what), filename, FILENAME_MOST));
	buf_fmt(out, "Content-Type: %.*s", STR_FMT(type->main));
	charset_put(b, type);
	buf_fmt(out, "\r\nContent-Disposition: %s",
	    f->is_inline ? "inline" : "attachment");
	if (filename.n > 0)
		compose_parameter(&b->c, "filename", filename);
	BUF_LIT(out, "\r\n");
	return f->content_id.n == 0
	    ? RC_OK
	    : compose_id(&b->c, "Content-ID", f->content_id,
		  arena_fmt(a, "%s.content_id", what));
}

static enum rc
file_put(struct body *b, const char *mark, size_t i)
{
	const struct compose_file *f = &b->in->file[i];
	const char *what = arena_fmt(b->c.arena, "attachments[%zu]", i);
	struct header_value type;
	bool as_is;

	TRY(type_read(
	    b, f, arena_fmt(b->c.arena, "%s.content_type", what), &type));
	as_is = is_message(type.main) && is_clean(f->bytes);
	if (is_message(type.main) && !as_is)
		type = (struct header_value){ .main = unknown_type };
	part_begin(b, mark);
	TRY(file_head(b, f, what, &type));
	file_content(b, f->bytes, as_is);
	return RC_OK;
}

static enum rc
files_put(struct body *b, const char *mark, bool related)
{
	for (size_t i = 0; i < b->in->files; i++)
		if (is_related(b, &b->in->file[i]) == related)
			TRY(file_put(b, mark, i));
	return RC_OK;
}

static size_t
files_count(const struct body *b, bool related)
{
	size_t n = 0;

	for (size_t i = 0; i < b->in->files; i++)
		n += is_related(b, &b->in->file[i]) == related;
	return n;
}

/* ---- the body, from the inside ---- */

/* The HTML, with the pictures it shows. */
static enum rc
html_put(struct body *b)
{
	const char *mark;

	if (files_count(b, true) == 0) {
		text_put(b, "text/html", b->in->html);
		return RC_OK;
	}
	mark = multipart_begin(b, "related; type=\"text/html\"");
	part_begin(b, mark);
	text_put(b, "text/html", b->in->html);
	TRY(files_put(b, mark, true));
	multipart_end(b, mark);
	return RC_OK;
}

static enum rc
words_put(struct body *b)
{
	const struct compose *in = b->in;
	const char *mark;

	if (in->html.p != NULL && in->text.p == NULL)
		return html_put(b);
	if (in->html.p == NULL) {
		text_put(b, "text/plain", in->text);
		return RC_OK;
	}
	mark = multipart_begin(b, "alternative");
	part_begin(b, mark);
	text_put(b, "text/plain", in->text);
	part_begin(b, mark);
	TRY(html_put(b));
	multipart_end(b, mark);
	return RC_OK;
}

static enum rc
body_put(struct body *b)
{
	const char *mark;

	if (files_count(b, false) == 0)
		return words_put(b);
	mark = multipart_begin(b, "mixed");
	part_begin(b, mark);
	TRY(words_put(b));
	TRY(files_put(b, mark, false));
	multipart_end(b, mark);
	return RC_OK;
}

/* ---- the header ---- */

static enum rc
from_put(struct composer *c, const struct compose_person *from,
    struct str message_id)
{
	struct compose_people people = { from, 1 };

	TRY(compose_people(c, "From", &people, "from"));
	return compose_id(c, "Message-ID", message_id, "message_id");
}

static enum rc
people_put(struct body *b)
{
	const struct compose *in = b->in;
	struct compose_people sender = { &in->sender,
		in->sender.address.p != NULL };
	struct composer *c = &b->c;

	TRY(compose_people(c, "Sender", &sender, "sender"));
	TRY(compose_people(c, "Reply-To", &in->reply_to, "reply_to"));
	TRY(compose_people(c, "To", &in->to, "to"));
	TRY(compose_people(c, "Cc", &in->cc, "cc"));
	/* All of them are in the envelope alone. */
	if (in->to.n + in->cc.n == 0)
		BUF_LIT(c->out, "To: undisclosed-recipients:;\r\n");
	return RC_OK;
}

static enum rc
head_put(struct body *b)
{
	const struct compose *in = b->in;
	struct composer *c = &b->c;
	char date[DATE_TEXT];

	if (in->from.address.p != NULL)
		TRY(from_put(c, &in->from, in->message_id));
	TRY(people_put(b));
	TRY(compose_text(
	    c, "Subject", in->subject, COMPOSE_SUBJECT_MOST, "subject"));
	(void)date_print(in->date, date);
	buf_fmt(c->out, "Date: %s\r\n", date);
	TRY(compose_ids(c, "In-Reply-To", in->in_reply_to, "in_reply_to"));
	TRY(compose_ids(c, "References", in->references, "references"));
	for (size_t i = 0; i < in->extras; i++)
		TRY(compose_extra(
		    c, &in->extra[i], arena_fmt(c->arena, "headers[%zu]", i)));
	BUF_LIT(c->out, "MIME-Version: 1.0\r\n");
	return RC_OK;
}

/* ---- all of it ---- */

static enum rc
text_check(const char *what, struct str s)
{
	if (s.n > TEXT_MOST)
		return compose_refuse(what, "is too long");
	if (s.n > 0 &&
	    (!utf8_valid(s.p, s.n) || memchr(s.p, '\0', s.n) != NULL))
		return compose_refuse(what, "is not text");
	return RC_OK;
}

static enum rc
input_check(const struct compose *in)
{
	TRY(text_check("text", in->text));
	TRY(text_check("html", in->html));
	if (in->files > COMPOSE_FILES_MOST)
		return compose_refuse("attachments", "are too many");
	if (in->extras > COMPOSE_EXTRA_MOST)
		return compose_refuse("headers", "are too many");
	return instant_is(in->date) ? RC_OK
				    : compose_refuse("date", "is missing");
}

static enum rc
put_all(struct body *b)
{
	TRY(input_check(b->in));
	TRY(head_put(b));
	return body_put(b);
}

static enum rc
finish(struct composer *c, enum rc rc, bool *utf8)
{
	*utf8 = c->utf8;
	arena_free(&c->arena);
	if (rc == RC_OK && c->out->full)
		return fail(RC_TOO_LARGE, "the message is too large");
	return rc;
}

enum rc
compose(const struct compose *in, struct buf *out, bool *utf8)
{
	struct body b = { .c = { .arena = arena_new(MEMORY), .out = out },
		.in = in,
		.seed = in->seed.p != NULL ? in->seed : in->message_id,
		.whole = true };

	return finish(&b.c, put_all(&b), utf8);
}

enum rc
compose_from(const struct compose_person *from, struct str message_id,
    struct buf *out, bool *utf8)
{
	struct composer c = { .arena = arena_new(MEMORY), .out = out };

	return finish(&c, from_put(&c, from, message_id), utf8);
}
