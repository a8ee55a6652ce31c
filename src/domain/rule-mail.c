/* What rules look at, out of a message. */
#include "domain/rule-match.h"

#include <string.h>

#include "mail/header.h"
#include "mail/html.h"
#include "mail/mime.h"
#include "mail/rfc2047.h"

#define TEXT_MOST    ((size_t)1 << 20) /* of each, plain text and HTML */
#define FIELDS_MOST  500               /* header lines */
#define FIELD_MOST   2000              /* bytes of one */
#define PEOPLE_MOST  ((size_t)16384)   /* bytes of a header of addresses */
#define ADDRESS_LIST 500
#define FILES_MOST   200

struct list {
	struct str *v;
	size_t n, most;
};

static struct list
list_new(struct arena *a, size_t most)
{
	return (struct list){ ARENA_ARRAY(a, struct str, most), 0, most };
}

static void
list_add(struct list *l, struct str s)
{
	if (l->n < l->most && s.n > 0)
		l->v[l->n++] = s;
}

static struct texts
texts_of(const struct list *l)
{
	return (struct texts){ l->v, l->n };
}

/* ---- people ---- */

static bool
divides(char c)
{
	return (unsigned char)c <= ' ' || strchr("<>()[],;:\"'", c) != NULL;
}

/* Whatever looks like an address, quoted names and comments included: what a
 * sender hides in them is looked at, too. */
static void
addresses_add(struct list *l, struct list *domains, struct str text)
{
	for (size_t i = 0, begin; i < text.n; i++) {
		const char *at;

		for (begin = i; i < text.n && !divides(text.p[i]);)
			i++;
		at = memchr(text.p + begin, '@', i - begin);
		if (at == NULL || at == text.p + begin)
			continue;
		list_add(l, (struct str){ text.p + begin, i - begin });
		if (domains != NULL)
			list_add(domains,
			    (struct str){
				at + 1, (size_t)(text.p + i - at) - 1 });
	}
}

static void
people_add(struct list *l, struct list *domains, struct str text)
{
	if (text.n == 0)
		return;
	list_add(l, text);
	addresses_add(l, domains, text);
}

/* ---- headers ---- */

static bool
is_one_of(struct str name, const char *const *names)
{
	for (; *names != NULL; names++)
		if (str_ieq(name, str_of(*names)))
			return true;
	return false;
}

struct reading {
	struct arena *arena;
	struct list headers, senders, recipients, domains, files;
};

static void
field_add(struct reading *r, struct str name, struct str value)
{
	static const char *const from[] = { "From", "Sender", "Reply-To",
		"Return-Path", NULL };
	static const char *const to[] = { "To", "Cc", "Bcc", "Delivered-To",
		"X-Original-To", NULL };
	struct str text = rfc2047_decode(r->arena, value, PEOPLE_MOST);

	if (is_one_of(name, from))
		people_add(&r->senders, &r->domains, text);
	if (is_one_of(name, to))
		people_add(&r->recipients, NULL, text);
	text.n = utf8_cut(text.p, text.n, FIELD_MOST);
	name = utf8_repair(r->arena, name);
	text = str_of(arena_fmt(
	    r->arena, "%.*s: %.*s", STR_FMT(name), STR_FMT(str_trim(text))));
	list_add(&r->headers, text);
}

static void
headers_read(struct reading *r, struct str header)
{
	struct str name, value;
	size_t at = 0;

	while (r->headers.n < r->headers.most &&
	    header_next(header, &at, &name, &value))
		field_add(r, name, value);
}

/* ---- the whole ---- */

static void
reading_begin(struct reading *r, struct arena *a)
{
	*r = (struct reading){ .arena = a,
		.headers = list_new(a, FIELDS_MOST),
		.senders = list_new(a, ADDRESS_LIST),
		.recipients = list_new(a, ADDRESS_LIST),
		.domains = list_new(a, ADDRESS_LIST),
		.files = list_new(a, FILES_MOST) };
}

static void
reading_end(const struct reading *r, struct rule_mail *out)
{
	out->headers = texts_of(&r->headers);
	out->senders = texts_of(&r->senders);
	out->recipients = texts_of(&r->recipients);
	out->domains = texts_of(&r->domains);
	out->files = texts_of(&r->files);
}

static void
files_read(struct reading *r, const struct mime *m)
{
	for (size_t i = 0; i < m->n; i++) {
		if (!mime_is_attachment(m, i))
			continue;
		list_add(&r->files, m->part[i].filename);
		list_add(&r->files, m->part[i].type);
	}
}

/* Both forms of a message: what stands in one of them only counts, too. */
static struct str
text_read(struct arena *a, const struct mime *m)
{
	struct mime_body body;
	struct str html;

	mime_body(a, m, TEXT_MOST, &body);
	if (body.html.p == NULL)
		return body.text.p != NULL ? body.text : STR("");
	html = html_text(a, body.html, TEXT_MOST);
	if (body.text.p == NULL)
		return html;
	return str_of(
	    arena_fmt(a, "%.*s\n%.*s", STR_FMT(body.text), STR_FMT(html)));
}

void
rule_mail_read(
    struct arena *a, struct str raw, int64_t size, struct rule_mail *out)
{
	struct reading r;
	struct mime m;

	if (raw.n > MIME_MESSAGE_MOST)
		raw.n = MIME_MESSAGE_MOST;
	reading_begin(&r, a);
	*out = (struct rule_mail){ .size = size };
	if (mime_parse(a, raw, MIME_PARTS_SHOWN, &m) != RC_OK)
		m.n = 0;
	if (m.n > 0) {
		headers_read(&r, m.part[0].header);
		files_read(&r, &m);
		out->text = text_read(a, &m);
		out->subject =
		    header_text(a, m.part[0].header, "Subject", PEOPLE_MOST);
	}
	reading_end(&r, out);
}

static struct str
text_or_none(const char *s)
{
	return s != NULL ? str_of(s) : STR("");
}

void
rule_mail_of(
    struct arena *a, const struct rule_seen *seen, struct rule_mail *out)
{
	struct reading r;

	reading_begin(&r, a);
	people_add(&r.senders, &r.domains, text_or_none(seen->senders));
	people_add(&r.recipients, NULL, text_or_none(seen->recipients));
	for (size_t i = 0; i < seen->files.n; i++)
		list_add(&r.files, seen->files.v[i]);
	*out = (struct rule_mail){ .subject = text_or_none(seen->subject),
		.text = text_or_none(seen->snippet),
		.size = seen->size_bytes };
	list_add(&r.headers,
	    str_of(arena_fmt(a, "Subject: %.*s", STR_FMT(out->subject))));
	list_add(&r.headers,
	    str_of(arena_fmt(
		a, "From: %s", seen->senders != NULL ? seen->senders : "")));
	list_add(&r.headers,
	    str_of(arena_fmt(a, "To: %s",
		seen->recipients != NULL ? seen->recipients : "")));
	reading_end(&r, out);
}
