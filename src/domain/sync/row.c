#include "domain/sync/row.h"

#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "mail/date.h"
#include "mail/rfc2047.h"

#define ID_MOST         998 /* a line (RFC 5322 2.1.1) */
#define SUBJECT_MOST    4096
#define REFERENCES_MOST 16384
#define NAME_MOST       512
#define ADDRESS_MOST    512
#define ADDRESSES_MOST  500
#define FLAGS_MOST      64
#define FLAG_MOST       64
#define FILENAME_MOST   512

/* ---- text ---- */

static struct str
clean(struct arena *a, struct str s, size_t max)
{
	if (s.p == NULL)
		return s;
	s.n = s.n > max ? max : s.n;
	if (utf8_valid(s.p, s.n) && memchr(s.p, '\0', s.n) == NULL)
		return (struct str){ arena_dup(a, s.p, s.n), s.n };
	return utf8_repair(a, s);
}

/* One line: folds and other white space become one blank. */
static struct str
one_line(struct arena *a, struct str s, size_t max)
{
	char *out;
	size_t n = 0;

	s = str_trim(s);
	if (s.p == NULL || s.n == 0)
		return (struct str){ NULL, 0 };
	s.n = s.n > max ? max : s.n;
	out = arena_alloc(a, s.n + 1);
	for (size_t i = 0; i < s.n; i++) {
		bool blank = (unsigned char)s.p[i] <= ' ';

		if (!blank)
			out[n++] = s.p[i];
		else if (n > 0 && out[n - 1] != ' ')
			out[n++] = ' ';
	}
	s = (struct str){ out, n };
	return utf8_valid(out, n) ? s : utf8_repair(a, s);
}

/* "References: <a> <b>\r\n\r\n", as BODY[HEADER.FIELDS (REFERENCES)] has it;
 * nothing but CRLF where the message has no such field. */
static struct str
references(const struct imap_message *m, struct arena *a)
{
	const struct imap_section *s =
	    imap_message_section(m, "HEADER.FIELDS ");
	const char *colon;
	struct str value;

	if (s == NULL || s->data.p == NULL)
		return (struct str){ NULL, 0 };
	colon = memchr(s->data.p, ':', s->data.n);
	if (colon == NULL)
		return (struct str){ NULL, 0 };
	value.p = colon + 1;
	value.n = s->data.n - (size_t)(value.p - s->data.p);
	return one_line(a, value, REFERENCES_MOST);
}

/* ---- people ---- */

/* `left`, the divider, `right`. */
static struct str
joined(struct arena *a, struct str left, char divider, struct str right)
{
	char *out = arena_alloc(a, left.n + right.n + 1);

	if (left.n > 0)
		memcpy(out, left.p, left.n);
	out[left.n] = divider;
	if (right.n > 0)
		memcpy(out + left.n + 1, right.p, right.n);
	return (struct str){ out, left.n + 1 + right.n };
}

static struct str
address_text(const struct imap_address *address, struct arena *a)
{
	struct str text = address->mailbox;

	if (address->host.n > 0)
		text = joined(a, address->mailbox, '@', address->host);
	return one_line(a, text, ADDRESS_MOST);
}

static void
write_address(struct jw *w, const struct imap_address *address, struct arena *a)
{
	jw_object(w);
	jw_key(w, "name");
	jw_str(w, rfc2047_decode(a, address->name, NAME_MOST));
	jw_key(w, "address");
	jw_str(w, address_text(address, a));
	jw_object_end(w);
}

/* NULL where there is nobody. */
static struct str
people(const struct imap_addresses *list, struct arena *a, struct buf *scratch)
{
	struct jw w;
	size_t n = 0;

	buf_reset(scratch);
	w = jw_on(scratch);
	jw_array(&w);
	for (size_t i = 0; i < list->n && n < ADDRESSES_MOST; i++) {
		if (list->v[i].mailbox.p == NULL)
			continue;
		write_address(&w, &list->v[i], a);
		n++;
	}
	jw_array_end(&w);
	if (n == 0 || scratch->full)
		return (struct str){ NULL, 0 };
	return (struct str){ arena_dup(a, scratch->p, scratch->n), scratch->n };
}

/* ---- structure ---- */

static bool
is_multipart(const struct imap_part *p)
{
	return str_ieq(p->type, STR("multipart"));
}

static struct str
lower(struct arena *a, struct str s)
{
	char *out;

	if (s.p == NULL)
		return s;
	s = clean(a, s, 128);
	out = (char *)(uintptr_t)s.p;
	for (size_t i = 0; i < s.n; i++)
		if (out[i] >= 'A' && out[i] <= 'Z')
			out[i] = (char)(out[i] + ('a' - 'A'));
	return s;
}

static struct str
filename_of(const struct imap_part *p, struct arena *a)
{
	struct str name = parameter_get(
	    a, p->disposition_parameter, p->disposition_parameters, "filename");

	if (name.p == NULL)
		name = parameter_get(a, p->parameter, p->parameters, "name");
	return one_line(a, name, FILENAME_MOST);
}

/* What a mail program would show as attached: not the inline pictures of an
 * HTML body, not the text itself. */
static bool
is_attachment(const struct imap_part *p, struct str filename)
{
	if (is_multipart(p))
		return false;
	if (str_ieq(p->disposition, STR("attachment")) || p->envelope != NULL)
		return true;
	return filename.p != NULL && p->id.p == NULL &&
	    !str_ieq(p->disposition, STR("inline"));
}

/* Without < > around it. */
static struct str
bare_id(struct str id)
{
	if (id.n >= 2 && id.p[0] == '<' && id.p[id.n - 1] == '>')
		return (struct str){ id.p + 1, id.n - 2 };
	return id;
}

/* What is not there is left out: most parts have a third of the members. */
static void
write_member(struct jw *w, const char *key, struct str value)
{
	if (value.p == NULL)
		return;
	jw_key(w, key);
	jw_str(w, value);
}

/* One object a part, in document order; email_told (SQL) reads them. The names
 * are short because this is the widest column. */
static void
write_part(struct jw *w, const struct imap_structure *s, size_t i,
    struct str filename, struct arena *a)
{
	const struct imap_part *p = &s->part[i];

	jw_object(w);
	write_member(w, "n", clean(a, p->number, 128));
	write_member(w, "p",
	    p->parent < i ? clean(a, s->part[p->parent].number, 128)
			  : (struct str){ NULL, 0 });
	write_member(
	    w, "t", joined(a, lower(a, p->type), '/', lower(a, p->subtype)));
	write_member(w, "c",
	    lower(a, parameter_get(a, p->parameter, p->parameters, "charset")));
	write_member(w, "f", filename);
	write_member(w, "d", lower(a, p->disposition));
	write_member(w, "i", bare_id(one_line(a, p->id, ID_MOST)));
	write_member(w, "e", lower(a, p->encoding));
	JW_INT(w, "s", (int64_t)p->size);
	jw_object_end(w);
}

static void
structure(const struct imap_structure *s, struct arena *a, struct buf *scratch,
    struct sync_row *r)
{
	struct jw w;

	buf_reset(scratch);
	w = jw_on(scratch);
	jw_array(&w);
	for (size_t i = 0; i < s->n; i++) {
		struct str filename = filename_of(&s->part[i], a);

		write_part(&w, s, i, filename, a);
		r->has_attachments |= is_attachment(&s->part[i], filename);
	}
	jw_array_end(&w);
	if (!scratch->full)
		r->structure =
		    (struct str){ arena_dup(a, scratch->p, scratch->n),
			    scratch->n };
	else if (r->skip_reason.p == NULL)
		r->skip_reason = STR("its structure is too large");
}

/* ---- flags ---- */

static int
compare_bytes(const void *a, const void *b)
{
	const struct str *x = a, *y = b;
	int d = memcmp(x->p, y->p, x->n < y->n ? x->n : y->n);

	return d != 0 ? d : (x->n > y->n) - (x->n < y->n);
}

static const struct {
	unsigned bit;
	struct str text;
} system_flags[] = {
#define SYSTEM_FLAG(name, text) { IMAP_##name, { text, sizeof(text) - 1 } },
	IMAP_FLAG_LIST(SYSTEM_FLAG)
#undef SYSTEM_FLAG
};

/* Keywords that could not go back to a server are left out. */
static bool
is_keyword(struct str s)
{
	if (s.n == 0 || s.n > FLAG_MOST)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] >= 0x7f)
			return false;
	return true;
}

static size_t
flags_gather(const struct imap_flags *f, struct str out[FLAGS_MOST])
{
	const unsigned kept = ~(unsigned)(IMAP_RECENT | IMAP_ANY);
	size_t n = 0;

	for (size_t i = 0; i < sizeof system_flags / sizeof *system_flags; i++)
		if (f->system & kept & system_flags[i].bit)
			out[n++] = system_flags[i].text;
	for (size_t i = 0; i < f->keywords && n < FLAGS_MOST; i++)
		if (is_keyword(f->keyword[i]))
			out[n++] = f->keyword[i];
	return n;
}

struct str
sync_flags_text(const struct imap_flags *f, struct arena *a)
{
	struct str list[FLAGS_MOST];
	size_t n = flags_gather(f, list), used = 0;
	char *out;

	if (n == 0)
		return STR("");
	qsort(list, n, sizeof *list, compare_bytes);
	out = arena_alloc(a, n * (FLAG_MOST + 1));
	for (size_t i = 0; i < n; i++) {
		if (i > 0 && str_eq(list[i], list[i - 1]))
			continue;
		if (used > 0)
			out[used++] = ' ';
		memcpy(out + used, list[i].p, list[i].n);
		used += list[i].n;
	}
	return (struct str){ out, used };
}

/* ---- the row ---- */

static struct str
server_id(const struct imap_message *m, struct arena *a)
{
	if (m->email_id.p != NULL && m->email_id.n > 0)
		return one_line(a, m->email_id, 255);
	if (m->gm_msgid != 0)
		return str_of(
		    arena_fmt(a, "gm:%llu", (unsigned long long)m->gm_msgid));
	return (struct str){ NULL, 0 };
}

/* Years that PostgreSQL and our clients can say. */
static instant
sent_at(struct str date)
{
	instant t;

	return date.p != NULL && date_parse(date, &t) ? t : INSTANT_NONE;
}

static bool
same_people(const struct imap_addresses *a, const struct imap_addresses *b)
{
	for (size_t i = 0; i < a->n && a->n == b->n; i++)
		if (!str_eq(a->v[i].name, b->v[i].name) ||
		    !str_eq(a->v[i].mailbox, b->v[i].mailbox) ||
		    !str_eq(a->v[i].host, b->v[i].host))
			return false;
	return a->n == b->n;
}

static void
envelope(const struct imap_envelope *e, struct arena *a, struct buf *scratch,
    struct sync_row *r)
{
	r->message_id = one_line(a, e->message_id, ID_MOST);
	r->in_reply_to = one_line(a, e->in_reply_to, REFERENCES_MOST);
	r->subject = rfc2047_decode(a, e->subject, SUBJECT_MOST);
	r->from = people(&e->from, a, scratch);
	r->to = people(&e->to, a, scratch);
	r->cc = people(&e->cc, a, scratch);
	r->bcc = people(&e->bcc, a, scratch);
	/* Without such a field servers repeat From (RFC 9051 7.5.2). */
	if (!same_people(&e->reply_to, &e->from))
		r->reply_to = people(&e->reply_to, a, scratch);
	r->sent_at = sent_at(e->date);
}

/* INTERNALDATE may be NIL or nonsense; then the Date field, then 1970, but
 * never the time of day: a second sync finds the same. */
static instant
received_at(const struct imap_message *m, const struct sync_row *r)
{
	if (m->has & IMAP_HAS_DATE && instant_is(m->internal_date))
		return m->internal_date;
	return instant_is(r->sent_at) ? r->sent_at : (instant){ 0 };
}

static struct str
fault_of(const struct imap_message *m, struct arena *a)
{
	const unsigned needed = IMAP_HAS_ENVELOPE | IMAP_HAS_STRUCTURE;

	if (m->fault != NULL)
		return one_line(a,
		    str_of(arena_fmt(a, "%.*s: %s", (int)m->fault_item.n,
			m->fault_item.p != NULL ? m->fault_item.p : "",
			m->fault)),
		    255);
	if ((m->has & needed) != needed)
		return STR("the server did not give all of it");
	return (struct str){ NULL, 0 };
}

void
sync_row_make(const struct imap_message *m, struct arena *a,
    struct buf *scratch, struct sync_row *r)
{
	*r = (struct sync_row){ .uid = m->uid, .sent_at = INSTANT_NONE };
	r->flags = sync_flags_text(&m->flags, a);
	r->size = m->size <= INT64_MAX ? (int64_t)m->size : 0;
	r->skip_reason = fault_of(m, a);
	if (m->has & IMAP_HAS_ENVELOPE)
		envelope(&m->envelope, a, scratch, r);
	if (m->has & IMAP_HAS_STRUCTURE)
		structure(&m->structure, a, scratch, r);
	r->references = references(m, a);
	r->received_at = received_at(m, r);
	r->server_id = server_id(m, a);
}

void
sync_row_skip(int64_t uid, const char *why, struct sync_row *r)
{
	*r = (struct sync_row){ .uid = uid,
		.flags = STR(""),
		.sent_at = INSTANT_NONE,
		.skip_reason = str_of(why) };
}
