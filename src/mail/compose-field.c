#include "mail/compose-field.h"

#include "mail/address.h"
#include "mail/egress.h"
#include "mail/rfc2047.h"

#define LINE          76
#define QUOTED_MOST   60
#define VALUE_MOST    60  /* of a parameter, on one line */
#define ESCAPED_BYTES 18  /* the same, when each becomes three */
#define ID_MOST       900 /* one has to fit into a line */
#define EXTRA_MOST    2000
#define IDS_MOST      100
#define IDS_BYTES     8000
#define IDS_LOOKED    ((size_t)1 << 20)

enum rc
compose_refuse(const char *what, const char *why)
{
	return fail(RC_INVALID, "%s: %s", what, why);
}

enum rc
compose_check(const char *what, struct str s, size_t most)
{
	if (s.n == 0 || egress_text_ok(s, most))
		return RC_OK;
	return compose_refuse(what,
	    s.n > most ? "is too long"
		       : "holds characters that cannot be sent");
}

/* ---- folding ---- */

static size_t
column_of(const struct composer *c)
{
	const struct buf *b = c->out;
	const char *end = b->n > 0 ? memrchr(b->p, '\n', b->n) : NULL;

	return end != NULL ? (size_t)(b->p + b->n - end - 1) : b->n;
}

static void
put(struct composer *c, struct str s)
{
	buf_add(c->out, s.p, s.n);
}

/* How far the text goes on its first line. */
static size_t
first_line(struct str s)
{
	const char *end = s.n > 0 ? memchr(s.p, '\r', s.n) : NULL;

	return end != NULL ? (size_t)(end - s.p) : s.n;
}

/* Behind a blank, or on a line of its own that begins with one. */
static void
put_word(struct composer *c, struct str s)
{
	if (column_of(c) + 1 + first_line(s) > LINE)
		BUF_LIT(c->out, "\r\n");
	BUF_LIT(c->out, " ");
	put(c, s);
}

/* Blanks are where it may be folded, one in front of each next word, so that
 * unfolding gives the same text and no line is of blanks only. */
static void
put_words(struct composer *c, struct str s)
{
	while (s.n > 0) {
		size_t n = 0;

		while (n < s.n && s.p[n] == ' ')
			n++;
		while (n < s.n && s.p[n] != ' ')
			n++;
		if (n < s.n && s.p[0] == ' ' && column_of(c) + n > LINE)
			BUF_LIT(c->out, "\r\n");
		put(c, (struct str){ s.p, n });
		s = (struct str){ s.p + n, s.n - n };
	}
}

/* ---- text ---- */

enum rc
compose_text(struct composer *c, const char *name, struct str s, size_t most,
    const char *what)
{
	struct str words;

	s = str_trim(s);
	if (s.n == 0)
		return RC_OK;
	TRY(compose_check(what, s, most));
	buf_fmt(c->out, "%s:", name);
	words = rfc2047_encode(c->arena, s, column_of(c) + 1);
	BUF_LIT(c->out, " ");
	if (str_eq(words, s))
		put_words(c, s);
	else
		put(c, words);
	BUF_LIT(c->out, "\r\n");
	return RC_OK;
}

/* ---- people ---- */

static struct str
quoted(struct arena *a, struct str name)
{
	char *out = arena_alloc(a, 2 * name.n + 3);
	size_t n = 0;

	out[n++] = '"';
	for (size_t i = 0; i < name.n; i++) {
		if (name.p[i] == '"' || name.p[i] == '\\')
			out[n++] = '\\';
		out[n++] = name.p[i];
	}
	out[n++] = '"';
	return (struct str){ out, n };
}

/* Words of ASCII are quoted (RFC 5322 3.2.4), others encoded. */
static struct str
name_text(struct arena *a, struct str name)
{
	struct str words = rfc2047_encode(a, name, 1);

	if (!str_eq(words, name))
		return words;
	return name.n <= QUOTED_MOST ? quoted(a, name)
				     : rfc2047_words(a, name, 1);
}

static enum rc
person_put(struct composer *c, const struct compose_person *p, bool more,
    const char *what)
{
	struct str name = str_trim(p->name), wire;
	struct arena *a = c->arena;

	TRY(compose_check(
	    arena_fmt(a, "%s.name", what), name, COMPOSE_NAME_MOST));
	if (address_wire(a, p->address, &wire) != RC_OK)
		return fail(RC_INVALID, "%s.address: %s", what,
		    arena_str(a, fail_detail()));
	c->utf8 |= address_is_utf8(wire);
	if (name.n > 0) {
		put_word(c, name_text(a, name));
		wire = str_of(arena_fmt(a, "<%.*s>", STR_FMT(wire)));
	}
	if (more)
		wire = str_of(arena_fmt(a, "%.*s,", STR_FMT(wire)));
	put_word(c, wire);
	return RC_OK;
}

enum rc
compose_people(struct composer *c, const char *name,
    const struct compose_people *people, const char *what)
{
	if (people->n == 0)
		return RC_OK;
	if (people->n > COMPOSE_PEOPLE_MOST)
		return compose_refuse(what, "are too many");
	buf_fmt(c->out, "%s:", name);
	for (size_t i = 0; i < people->n; i++)
		TRY(person_put(c, &people->v[i], i + 1 < people->n,
		    people->n == 1 ? what
				   : arena_fmt(c->arena, "%s[%zu]", what, i)));
	BUF_LIT(c->out, "\r\n");
	return RC_OK;
}

/* ---- ids ---- */

static bool
is_id(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] > 0x7e || s.p[i] == '<' ||
		    s.p[i] == '>')
			return false;
	return s.n > 0 && s.n <= ID_MOST;
}

enum rc
compose_id_read(struct str s, struct str *out, const char *what)
{
	if (s.n >= 2 && s.p[0] == '<' && s.p[s.n - 1] == '>')
		s = (struct str){ s.p + 1, s.n - 2 };
	if (!is_id(s))
		return compose_refuse(what, "is no id");
	*out = s;
	return RC_OK;
}

enum rc
compose_id(
    struct composer *c, const char *name, struct str id, const char *what)
{
	if (id.p == NULL)
		return RC_OK;
	TRY(compose_id_read(id, &id, what));
	buf_fmt(c->out, "%s:", name);
	put_word(c, str_of(arena_fmt(c->arena, "<%.*s>", STR_FMT(id))));
	BUF_LIT(c->out, "\r\n");
	return RC_OK;
}

static bool
is_blank(char ch)
{
	return ch == ' ' || ch == '\t' || ch == ',';
}

/* The next one, and the rest; false at the end. */
static bool
id_next(struct str *s, struct str *id)
{
	size_t n = 0;

	while (s->n > 0 && is_blank(*s->p))
		*s = (struct str){ s->p + 1, s->n - 1 };
	if (s->n == 0)
		return false;
	if (*s->p == '<') {
		while (n < s->n && s->p[n] != '>')
			n++;
		*id = (struct str){ s->p + 1, n - 1 };
		n += n < s->n;
	} else {
		while (n < s->n && !is_blank(s->p[n]) && s->p[n] != '<')
			n++;
		*id = (struct str){ s->p, n };
	}
	*s = (struct str){ s->p + n, s->n - n };
	return true;
}

static size_t
ids_read(struct arena *a, struct str s, struct str **out)
{
	struct str *v = ARENA_ARRAY(a, struct str, s.n / 2 + 1), id;
	size_t n = 0;

	while (id_next(&s, &id))
		if (is_id(id))
			v[n++] = id;
	*out = v;
	return n;
}

/* Where the last ones begin, if the first is kept, too. */
static size_t
ids_from(const struct str *id, size_t n)
{
	size_t from = n, bytes = n > 0 ? id[0].n + 3 : 0;

	while (from > 1 && n - from + 2 <= IDS_MOST &&
	    (bytes += id[from - 1].n + 3) <= IDS_BYTES)
		from--;
	return from;
}

static enum rc
ids_check(struct str s, const char *what)
{
	if (s.n > IDS_LOOKED)
		return compose_refuse(what, "is too long");
	for (size_t i = 0; i < s.n; i++)
		if (((unsigned char)s.p[i] < ' ' && s.p[i] != '\t') ||
		    s.p[i] == 0x7f)
			return compose_refuse(
			    what, "holds characters that cannot be sent");
	return RC_OK;
}

enum rc
compose_ids(
    struct composer *c, const char *name, struct str ids, const char *what)
{
	struct str *id;
	size_t n, from;

	TRY(ids_check(ids, what));
	n = ids_read(c->arena, ids, &id);
	if (n == 0)
		return RC_OK;
	from = ids_from(id, n);
	buf_fmt(c->out, "%s:", name);
	for (size_t i = 0; i < n; i = i == 0 ? from : i + 1)
		put_word(
		    c, str_of(arena_fmt(c->arena, "<%.*s>", STR_FMT(id[i]))));
	BUF_LIT(c->out, "\r\n");
	return RC_OK;
}

/* ---- others ---- */

bool
compose_is_token(struct str s, size_t most)
{
	for (size_t i = 0; i < s.n; i++) {
		char ch = s.p[i];
		bool word = (ch >= 'a' && ch <= 'z') ||
		    (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9');

		if (!word &&
		    (i == 0 || ch == '\0' || strchr("-_.+!#$&^", ch) == NULL))
			return false;
	}
	return s.n > 0 && s.n <= most;
}

/* Ours, the transport's, or of whoever signs. */
static bool
is_reserved(struct str name)
{
	static const struct str names[] = { STR("From"), STR("Sender"),
		STR("Reply-To"), STR("To"), STR("Cc"), STR("Bcc"),
		STR("Subject"), STR("Date"), STR("Message-ID"),
		STR("In-Reply-To"), STR("References"), STR("MIME-Version"),
		STR("Return-Path"), STR("Received"), STR("DKIM-Signature"),
		STR("Authentication-Results"), STR("Delivered-To") };
	static const struct str begins[] = { STR("Content-"), STR("Resent-"),
		STR("ARC-") };

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (str_ieq(name, names[i]))
			return true;
	for (size_t i = 0; i < sizeof begins / sizeof begins[0]; i++)
		if (name.n >= begins[i].n &&
		    str_ieq((struct str){ name.p, begins[i].n }, begins[i]))
			return true;
	return false;
}

enum rc
compose_extra(
    struct composer *c, const struct compose_header *h, const char *what)
{
	struct arena *a = c->arena;

	if (!compose_is_token(h->name, 60) || is_reserved(h->name) ||
	    memchr(h->name.p, ':', h->name.n) != NULL)
		return compose_refuse(arena_fmt(a, "%s.name", what),
		    "cannot be the name of a header");
	return compose_text(c, arena_dup(a, h->name.p, h->name.n), h->value,
	    EXTRA_MOST, arena_fmt(a, "%s.value", what));
}

/* ---- parameters ---- */

static bool
is_plain(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < ' ' || s.p[i] > 0x7e ||
		    strchr("\"\\%=?", s.p[i]) != NULL)
			return false;
	return s.n > 0 && s.n <= VALUE_MOST;
}

/* RFC 2231 7, attribute-char. */
static void
put_escaped(struct buf *b, char ch)
{
	if (compose_is_token((struct str){ &ch, 1 }, 1) || ch == '-' ||
	    ch == '_' || ch == '.')
		buf_putc(b, ch);
	else
		buf_fmt(b, "%%%02X", (unsigned)(unsigned char)ch);
}

/* How many bytes of it go on one line, without cutting a character. */
static size_t
piece_of(struct str s)
{
	size_t n = utf8_cut(s.p, s.n, ESCAPED_BYTES);

	return n > 0 ? n : s.n;
}

/* Without an escape on each byte more would fit; names are short. */
void
compose_parameter(struct composer *c, const char *name, struct str s)
{
	bool many = piece_of(s) < s.n;

	if (is_plain(s)) {
		buf_fmt(c->out, ";\r\n %s=\"%.*s\"", name, STR_FMT(s));
		return;
	}
	for (unsigned i = 0; s.n > 0; i++) {
		size_t n = piece_of(s);

		buf_fmt(c->out, ";\r\n %s*", name);
		if (many)
			buf_fmt(c->out, "%u*", i);
		buf_puts(c->out, i == 0 ? "=utf-8''" : "=");
		for (size_t k = 0; k < n; k++)
			put_escaped(c->out, s.p[k]);
		s = (struct str){ s.p + n, s.n - n };
	}
}
