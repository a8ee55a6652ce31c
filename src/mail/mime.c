#include "mail/mime.h"

#include "mail/rfc2047.h"

#define BOUNDARY_MOST   256
#define FILENAME_MOST   512
#define TOKEN_MOST      128
#define CONTENT_ID_MOST 256
#define SCRATCH         ((size_t)32 * 1024 * 1024)

/* A part whose end has not come yet and that has something inside. */
struct open {
	size_t part;
	struct str boundary; /* p == NULL: a message; "": none */
	size_t children;
	bool ended; /* what follows is the epilogue */
	bool digest;
};

struct scan {
	struct arena *arena;
	struct arena *scratch;
	struct str raw;
	size_t at;    /* the line at hand */
	size_t floor; /* behind the last header or delimiter */
	struct mime *m;
	size_t cap, most;
	struct open open[MIME_DEPTH_MOST];
	size_t depth;
	size_t leaf; /* the part that is being read, or MIME_NO_PARENT: between
		      * parts */
};

static const struct str nothing = { NULL, 0 };

/* The line at `at`, its end included. */
static struct str
line_at(const struct scan *s)
{
	const char *p = s->raw.p + s->at;
	size_t left = s->raw.n - s->at;
	const char *lf = memchr(p, '\n', left);

	return (struct str){ p, lf != NULL ? (size_t)(lf - p) + 1 : left };
}

static bool
is_empty_line(struct str line)
{
	return (line.n == 1 && line.p[0] == '\n') ||
	    (line.n == 2 && line.p[0] == '\r' && line.p[1] == '\n');
}

/* Which open multipart a line delimits; `end`: it is the last delimiter. A
 * boundary is a prefix of the line (RFC 2046 5.1.1); of several the longest,
 * then the innermost. MIME_NO_PARENT: it delimits nothing. */
static size_t
delimits(const struct scan *s, struct str line, bool *end)
{
	size_t best = MIME_NO_PARENT, best_n = 0;

	if (line.n < 3 || line.p[0] != '-' || line.p[1] != '-')
		return MIME_NO_PARENT;
	line = (struct str){ line.p + 2, line.n - 2 };
	while (line.n > 0 && strchr(" \t\r\n", line.p[line.n - 1]) != NULL &&
	    line.p[line.n - 1] != '\0')
		line.n--;
	for (size_t i = s->depth; i-- > 0;) {
		struct str b = s->open[i].boundary;

		if (b.n == 0 || s->open[i].ended || b.n > line.n ||
		    (best != MIME_NO_PARENT && b.n <= best_n) ||
		    memcmp(b.p, line.p, b.n) != 0)
			continue;
		best = i;
		best_n = b.n;
		*end = line.n >= b.n + 2 && line.p[b.n] == '-' &&
		    line.p[b.n + 1] == '-';
		if (line.n == b.n || (*end && line.n == b.n + 2))
			break; /* there is no better one */
	}
	return best;
}

/* The header at hand: up to the empty line, a delimiter or the end. */
static struct str
header_at(struct scan *s)
{
	size_t begin = s->at;
	struct str line;
	bool end;

	for (; s->at < s->raw.n; s->at += line.n) {
		line = line_at(s);
		if (is_empty_line(line) ||
		    delimits(s, line, &end) != MIME_NO_PARENT)
			break;
	}
	line = (struct str){ s->raw.p + begin, s->at - begin };
	/* The empty line is neither header nor body. */
	if (s->at < s->raw.n && is_empty_line(line_at(s)))
		s->at += line_at(s).n;
	return line;
}

/* A copy that outlives the scratch arena, cut between characters. */
static struct str
keep(struct scan *s, struct str text, size_t max)
{
	if (text.p == NULL)
		return nothing;
	text.n = utf8_cut(text.p, text.n, max);
	return (struct str){ arena_dup(s->arena, text.p, text.n), text.n };
}

/* A word of header tokens (RFC 2045 5.1), lower case; false where it is not
 * one: it would end up in somebody's Content-Type. */
static bool
is_token(struct str t, bool slash)
{
	size_t slashes = 0;

	for (size_t i = 0; i < t.n; i++) {
		char c = t.p[i];

		slashes += c == '/';
		if (c <= ' ' || c >= 0x7f ||
		    strchr("()<>@,;:\\\"[]?=", c) != NULL ||
		    (c == '/' && (!slash || i == 0 || i == t.n - 1)))
			return false;
	}
	return t.n > 0 && t.n <= TOKEN_MOST && slashes == (slash ? 1u : 0u);
}

/* What the fields of a part say. */
struct fields {
	struct header_value type, disposition;
	struct str encoding, content_id;
};

static void
fields_read(struct scan *s, struct str header, struct fields *f)
{
	struct str value[4] = { nothing, nothing, nothing, nothing };
	static const struct str names[4] = { STR("Content-Type"),
		STR("Content-Disposition"), STR("Content-Transfer-Encoding"),
		STR("Content-ID") };
	struct header_value encoding;
	struct str name, v;
	size_t at = 0;

	while (header_next(header, &at, &name, &v)) {
		for (size_t i = 0; i < 4; i++) {
			if (value[i].p == NULL && str_ieq(name, names[i]))
				value[i] = v;
		}
	}
	header_value_read(s->scratch, value[0], &f->type);
	header_value_read(s->scratch, value[1], &f->disposition);
	header_value_read(s->scratch, value[2], &encoding);
	f->encoding = encoding.main;
	f->content_id = rfc2047_decode(s->scratch, value[3], CONTENT_ID_MOST);
}

static struct str
parameter_of(const struct header_value *v, const char *name)
{
	return parameter_find(v->parameter, v->parameters, name);
}

static struct str
without_brackets(struct str id)
{
	if (id.p == NULL)
		return id;
	id = str_trim(id);
	if (id.n >= 2 && id.p[0] == '<' && id.p[id.n - 1] == '>')
		return (struct str){ id.p + 1, id.n - 2 };
	return id;
}

static void
part_fill(struct scan *s, struct mime_part *p, const struct fields *f,
    const char *preset)
{
	struct str name = parameter_of(&f->disposition, "filename");
	struct str encoding = f->encoding;

	if (name.n == 0)
		name = parameter_of(&f->type, "name");
	if (name.n == 0)
		name = nothing;
	p->type = is_token(f->type.main, true)
	    ? keep(s, f->type.main, TOKEN_MOST)
	    : str_of(preset);
	p->charset = keep(s, parameter_of(&f->type, "charset"), TOKEN_MOST);
	p->filename = keep(s, name, FILENAME_MOST);
	if (is_token(f->disposition.main, false))
		p->disposition = keep(s, f->disposition.main, TOKEN_MOST);
	p->content_id =
	    keep(s, without_brackets(f->content_id), CONTENT_ID_MOST);
	p->encoding = is_token(encoding, false) ? keep(s, encoding, TOKEN_MOST)
						: STR("7bit");
	p->transfer = transfer_of(p->encoding);
}

static struct mime_part *
part_new(struct scan *s)
{
	struct mime *m = s->m;

	if (m->n == s->cap) {
		size_t cap = s->cap == 0 ? 8 : 2 * s->cap;
		struct mime_part *grown =
		    ARENA_ARRAY(s->arena, struct mime_part, cap);

		if (m->n > 0)
			memcpy(grown, m->part, m->n * sizeof(*grown));
		m->part = grown;
		s->cap = cap;
	}
	memset(&m->part[m->n], 0, sizeof(m->part[m->n]));
	return &m->part[m->n++];
}

static bool
ends_in_text(struct str number)
{
	return number.n >= 4 &&
	    str_eq((struct str){ number.p + number.n - 4, 4 }, STR("TEXT"));
}

/* The number of the part that begins, below what is open. A multipart right
 * below a message, or at the root, has none of its own. */
static struct str
number_of(struct scan *s, bool multipart)
{
	struct open *above = s->depth > 0 ? &s->open[s->depth - 1] : NULL;
	struct str base =
	    above != NULL ? s->m->part[above->part].number : nothing;
	char *text;

	if (above == NULL)
		return multipart ? STR("TEXT") : STR("1");
	if (above->boundary.p == NULL)
		text = arena_fmt(s->arena, "%.*s.%s", STR_FMT(base),
		    multipart ? "TEXT" : "1");
	else if (ends_in_text(base))
		text = arena_fmt(s->arena, "%.*s%zu", (int)base.n - 4, base.p,
		    above->children);
	else
		text = arena_fmt(
		    s->arena, "%.*s.%zu", STR_FMT(base), above->children);
	return str_of(text);
}

static bool
type_is(const struct mime_part *p, const char *type)
{
	return str_eq(p->type, str_of(type));
}

/* Puts the part on the stack when it has something inside. */
static void
descend(struct scan *s, size_t part, struct str boundary)
{
	struct mime_part *p = &s->m->part[part];
	struct open *o = &s->open[s->depth];

	s->leaf = part;
	if (!p->multipart && !p->message)
		return;
	s->depth++;
	*o = (struct open){ .part = part };
	if (p->multipart) {
		if (boundary.n == 0 || boundary.n > BOUNDARY_MOST)
			boundary = STR(""); /* nothing delimits it */
		o->boundary = keep(s, boundary, BOUNDARY_MOST);
		o->digest = type_is(p, "multipart/digest");
	}
	s->leaf = MIME_NO_PARENT;
}

/* Whether the part is opened, and what it is called when it cannot be. */
static void
classify(struct scan *s, struct mime_part *p)
{
	struct str multi = STR("multipart/");
	bool multipart = str_starts(p->type, multi);
	bool message =
	    type_is(p, "message/rfc822") || type_is(p, "message/global");

	if ((multipart || message) && s->depth == MIME_DEPTH_MOST) {
		s->m->cut = true;
		multipart = message = false;
		p->type = STR("application/octet-stream");
	}
	p->multipart = multipart;
	p->message = message;
}

/* Reads the header at hand and begins the part. */
static void
part_begin(struct scan *s)
{
	struct open *above = s->depth > 0 ? &s->open[s->depth - 1] : NULL;
	struct str header = header_at(s), boundary;
	struct mime_part *p = part_new(s);
	size_t self = s->m->n - 1;
	struct fields f;

	fields_read(s, header, &f);
	part_fill(s, p, &f,
	    above != NULL && above->digest ? "message/rfc822" : "text/plain");
	boundary = parameter_of(&f.type, "boundary");
	classify(s, p);
	s->floor = s->at;
	p->header = header;
	p->body = (struct str){ s->raw.p + s->at, 0 };
	p->parent = above != NULL ? above->part : MIME_NO_PARENT;
	p->level = s->depth;
	if (above != NULL)
		above->children++;
	p->number = number_of(s, p->multipart);
	descend(s, self, boundary);
	arena_reset(s->scratch);
}

/* A part, and when it is a message, the part inside of that, and so on. */
static void
parts_begin(struct scan *s)
{
	do {
		if (s->m->n == s->most) {
			s->m->cut = true;
			return;
		}
		part_begin(s);
	} while (s->depth > 0 && s->leaf == MIME_NO_PARENT &&
	    s->open[s->depth - 1].boundary.p == NULL);
}

static void
part_end(struct scan *s, size_t part, const char *end)
{
	struct mime_part *p = &s->m->part[part];

	p->body.n = (size_t)(end - p->body.p);
}

/* Where the content before the delimiter at hand ends: the line end in front
 * of that belongs to it (RFC 2046 5.1.1), unless it ends a header or another
 * delimiter. At the end of the message nothing does. */
static const char *
content_end(const struct scan *s)
{
	size_t end = s->at;

	if (s->at < s->raw.n) {
		if (end > s->floor && s->raw.p[end - 1] == '\n')
			end--;
		if (end > s->floor && s->raw.p[end - 1] == '\r')
			end--;
	}
	return s->raw.p + end;
}

/* A multipart in which no delimiter came has one part, the text that stands
 * there; so does IMAP count it, and it can be read. */
static void
part_only(struct scan *s, size_t multipart)
{
	struct mime_part *p;

	if (s->m->n == s->most) {
		s->m->cut = true;
		return;
	}
	s->open[s->depth - 1].children = 1;
	p = part_new(s);
	p->body = s->m->part[multipart].body;
	p->header = (struct str){ p->body.p, 0 };
	p->parent = multipart;
	p->level = s->depth;
	p->type = STR("text/plain");
	p->encoding = STR("7bit");
	p->number = number_of(s, false);
}

/* Ends whatever is open above `depth`. */
static void
close_to(struct scan *s, size_t depth)
{
	const char *end = content_end(s);

	if (s->leaf != MIME_NO_PARENT)
		part_end(s, s->leaf, end);
	s->leaf = MIME_NO_PARENT;
	for (; s->depth > depth; s->depth--) {
		const struct open *o = &s->open[s->depth - 1];

		part_end(s, o->part, end);
		if (o->boundary.p != NULL && o->children == 0)
			part_only(s, o->part);
	}
}

static void
scan_lines(struct scan *s)
{
	while (s->at < s->raw.n) {
		struct str line = line_at(s);
		bool end = false;
		size_t which = delimits(s, line, &end);

		if (which == MIME_NO_PARENT) {
			s->at += line.n;
			continue;
		}
		if (s->m->n == s->most && !end) {
			s->m->cut = true;
			s->at = s->raw.n; /* the last part runs to the end */
			return;
		}
		close_to(s, which + 1);
		s->at += line.n;
		s->floor = s->at;
		if (end)
			s->open[which].ended = true;
		else
			parts_begin(s);
	}
}

enum rc
mime_parse(struct arena *a, struct str raw, size_t most, struct mime *m)
{
	struct scan s = { .arena = a, .raw = raw, .m = m };

	*m = (struct mime){ NULL, 0, false };
	if (raw.n > MIME_MESSAGE_MOST)
		return fail(RC_PAYLOAD, "message of %zu bytes", raw.n);
	if (raw.p == NULL)
		s.raw = STR("");
	s.most = most < MIME_PARTS_MOST ? most : MIME_PARTS_MOST;
	s.most = s.most > 0 ? s.most : 1;
	s.scratch = arena_new(SCRATCH);
	s.leaf = MIME_NO_PARENT;
	parts_begin(&s);
	scan_lines(&s);
	close_to(&s, 0);
	arena_free(&s.scratch);
	return RC_OK;
}

const struct mime_part *
mime_find(const struct mime *m, struct str number)
{
	for (size_t i = 0; i < m->n; i++) {
		if (str_eq(m->part[i].number, number))
			return &m->part[i];
	}
	return NULL;
}

static enum transfer
content_transfer(const struct mime_part *p)
{
	/* Only leaves may have one (RFC 2045 6.4). */
	return p->multipart || p->message ? TRANSFER_PLAIN : p->transfer;
}

enum rc
mime_content(const struct mime_part *p, transfer_sink *sink, void *ctx)
{
	return transfer_decode(content_transfer(p), p->body, sink, ctx);
}

uint64_t
mime_size(const struct mime_part *p)
{
	return transfer_size(content_transfer(p), p->body);
}
