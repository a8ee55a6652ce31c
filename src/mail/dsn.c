#include "mail/dsn.h"

#include "mail/header.h"
#include "mail/rfc2047.h"
#include "mail/transfer.h"

#define ADDRESS_LONGEST    320
#define STATUS_LONGEST     11
#define DIAGNOSTIC_LONGEST 500
#define ID_LONGEST         998
#define CONTENT_MOST       ((size_t)512 << 10)

static const struct {
	struct str word;
	enum dsn_action action;
} actions[] = {
	{ STR("failed"), DSN_FAILED },
	{ STR("delayed"), DSN_DELAYED },
	{ STR("delivered"), DSN_DELIVERED },
	{ STR("relayed"), DSN_RELAYED },
	{ STR("expanded"), DSN_EXPANDED },
};

const char *
dsn_action_name(enum dsn_action action)
{
	for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++)
		if (actions[i].action == action)
			return actions[i].word.p;
	return "other";
}

/* ---- texts ---- */

static const struct str none = { NULL, 0 };

/* "rfc822; anna@example.org", "smtp; 550 no": what stands behind the type. */
static struct str
typed(struct str s)
{
	const char *end = s.n > 0 ? memchr(s.p, ';', s.n) : NULL;

	if (end != NULL)
		s = (struct str){ end + 1, s.n - (size_t)(end + 1 - s.p) };
	return str_trim(s);
}

static struct str
bare(struct str s)
{
	s = str_trim(s);
	if (s.n >= 2 && s.p[0] == '<' && s.p[s.n - 1] == '>')
		s = (struct str){ s.p + 1, s.n - 2 };
	return s.n > 0 ? s : none;
}

/* The first "<…>". */
static struct str
id_in(struct str s)
{
	const char *open = s.n > 0 ? memchr(s.p, '<', s.n) : NULL;
	const char *close = NULL;

	if (open != NULL)
		close = memchr(open, '>', s.n - (size_t)(open - s.p));
	return close != NULL && close > open + 1
	    ? (struct str){ open + 1, (size_t)(close - open - 1) }
	    : none;
}

static struct str
id_of(struct arena *a, struct str header, const char *name)
{
	return id_in(header_text(a, header, name, ID_LONGEST));
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* How long the status is that `s` begins with ("5.1.1"); 0: it is none. */
static size_t
status_length(struct str s)
{
	size_t n = 0, dots = 0;

	if (s.n == 0 || (s.p[0] != '2' && s.p[0] != '4' && s.p[0] != '5'))
		return 0;
	while (n < s.n && (is_digit(s.p[n]) || s.p[n] == '.')) {
		if (s.p[n] == '.' && (n == 0 || s.p[n - 1] == '.'))
			return 0;
		dots += s.p[n++] == '.';
	}
	return dots == 2 && s.p[1] == '.' && s.p[n - 1] != '.' &&
		n <= STATUS_LONGEST
	    ? n
	    : 0;
}

/* The field may have a comment behind it: "5.0.0 (permanent failure)". */
static struct str
status_of(struct str s)
{
	size_t n;

	s = str_trim(s);
	n = status_length(s);
	return n > 0 ? (struct str){ s.p, n } : none;
}

/* ---- parts ---- */

static bool
is_type(const struct mime_part *p, const char *type)
{
	return str_eq(p->type, str_of(type));
}

/* The first part of this type that lies in the message itself, not in one that
 * it carries. */
static const struct mime_part *
child(const struct mime *m, const char *type)
{
	for (size_t i = 1; i < m->n; i++)
		if (m->part[i].parent == 0 && is_type(&m->part[i], type))
			return &m->part[i];
	return NULL;
}

static struct str
content(struct arena *a, const struct mime_part *p)
{
	struct buf b;
	struct str out;
	enum rc rc;

	buf_init(&b, CONTENT_MOST);
	rc = mime_content(p, transfer_to_buf, &b);
	out.n = rc == RC_OK || rc == RC_TOO_LARGE ? b.n : 0; /* cut */
	out.p = arena_dup(a, out.n > 0 ? b.p : "", out.n);
	buf_clear(&b);
	return out;
}

/* ---- fields in groups ---- */

/* The next run of lines without an empty one; false at the end. */
static bool
group_next(struct str all, size_t *at, struct str *group)
{
	size_t begin, line;

	while (*at < all.n && (all.p[*at] == '\r' || all.p[*at] == '\n'))
		++*at;
	for (begin = line = *at; line < all.n;) {
		const char *end = memchr(all.p + line, '\n', all.n - line);
		size_t next = end != NULL ? (size_t)(end + 1 - all.p) : all.n;

		if (str_trim((struct str){ all.p + line, next - line }).n == 0)
			break;
		line = next;
	}
	*group = (struct str){ all.p + begin, line - begin };
	*at = line;
	return group->n > 0;
}

static enum dsn_action
action_of(struct str word)
{
	for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++)
		if (str_ieq(str_trim(word), actions[i].word))
			return actions[i].action;
	return DSN_OTHER;
}

static struct dsn_rcpt *
rcpt_add(struct dsn *out)
{
	if (out->n == DSN_RCPT_MOST) {
		out->cut = true;
		return NULL;
	}
	return &out->to[out->n++];
}

static struct str
address_field(struct arena *a, struct str group, const char *name)
{
	return bare(typed(header_text(a, group, name, ADDRESS_LONGEST)));
}

/* What it was sent to is the name we know it by; a forwarder's may be another
 * (RFC 3464 2.3.1). */
static void
rcpt_read(struct arena *a, struct str group, struct dsn *out)
{
	struct str address = address_field(a, group, "original-recipient");
	struct dsn_rcpt *to;

	if (address.p == NULL)
		address = address_field(a, group, "final-recipient");
	if (address.p == NULL || (to = rcpt_add(out)) == NULL)
		return;
	to->address = address;
	to->action = action_of(header_text(a, group, "action", 40));
	to->status = status_of(header_text(a, group, "status", 80));
	to->diagnostic =
	    typed(header_text(a, group, "diagnostic-code", DIAGNOSTIC_LONGEST));
}

static void
delivery_read(struct arena *a, const struct mime_part *p, struct dsn *out)
{
	struct str all = content(a, p), group, first;
	size_t top = 0;

	if (group_next(all, &top, &first))
		out->envelope_id = bare(
		    header_text(a, first, "original-envelope-id", ID_LONGEST));
	out->kind = DSN_DELIVERY;
	for (size_t at = 0; !out->cut && group_next(all, &at, &group);) {
		/* the first is about the message; some have it not */
		if (out->message_id.p == NULL)
			out->message_id =
			    id_of(a, group, "x-original-message-id");
		rcpt_read(a, group, out);
	}
}

/* RFC 5965 3.2: one group, in which recipients may come again and again. */
static void
complaint_read(struct arena *a, const struct mime_part *p, struct dsn *out)
{
	struct str all = content(a, p), name, value;
	size_t at = 0;

	out->kind = DSN_COMPLAINT;
	out->feedback = header_text(a, all, "feedback-type", 40);
	out->envelope_id =
	    bare(header_text(a, all, "original-envelope-id", ID_LONGEST));
	while (!out->cut && header_next(all, &at, &name, &value)) {
		struct dsn_rcpt *to;
		struct str address;

		if (!str_ieq(name, STR("original-rcpt-to")))
			continue;
		address =
		    bare(rfc2047_decode(a, str_trim(value), ADDRESS_LONGEST));
		if (address.p == NULL || (to = rcpt_add(out)) == NULL)
			continue;
		to->address = address;
		to->action = DSN_OTHER;
	}
}

/* ---- without a report: Exim's header, which others took over ---- */

/* The first status of an error in what there is to read. */
static struct str
status_in(struct str text)
{
	for (size_t i = 0; i < text.n; i++) {
		struct str rest = { text.p + i, text.n - i };
		size_t n;

		if (i > 0 && (is_digit(text.p[i - 1]) || text.p[i - 1] == '.'))
			continue;
		n = text.p[i] == '5' ? status_length(rest) : 0;
		if (n > 0)
			return (struct str){ rest.p, n };
	}
	return none;
}

static void
failed_add(struct str address, struct str status, struct dsn *out)
{
	struct dsn_rcpt *to;

	address = bare(address);
	if (address.n == 0 || address.n > ADDRESS_LONGEST ||
	    (to = rcpt_add(out)) == NULL)
		return;
	*to = (struct dsn_rcpt){
		.address = address, .action = DSN_FAILED, .status = status
	};
}

static void
failed_read(struct arena *a, const struct mime *m, struct dsn *out)
{
	struct str list = header_text(a, m->part[0].header,
	    "x-failed-recipients", (size_t)ADDRESS_LONGEST * DSN_RCPT_MOST);
	struct mime_body body;
	struct str status;

	if (list.p == NULL)
		return;
	out->kind = DSN_DELIVERY;
	mime_body(a, m, CONTENT_MOST, &body);
	status = body.text.p != NULL ? status_in(body.text) : none;
	while (list.n > 0 && !out->cut) {
		const char *end = memchr(list.p, ',', list.n);
		size_t n = end != NULL ? (size_t)(end - list.p) : list.n;

		failed_add((struct str){ list.p, n }, status, out);
		n += end != NULL;
		list = (struct str){ list.p + n, list.n - n };
	}
	if (body.text.p != NULL) /* a copy of the message stands below */
		out->message_id = id_of(a, body.text, "message-id");
}

/* ---- which mail it is about ---- */

static const struct mime_part *
first_inside(const struct mime *m, const struct mime_part *message)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->part[i].parent == (size_t)(message - m->part))
			return &m->part[i];
	return NULL;
}

/* The message that is given back, or its header (RFC 6522 3). */
static struct str
returned_id(struct arena *a, const struct mime *m)
{
	static const char *const headers[] = { "text/rfc822-headers",
		"message/rfc822-headers", "message/global-headers",
		"message/global", "message/rfc822" };
	const struct mime_part *p, *inside;

	for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
		struct str id;

		p = child(m, headers[i]);
		if (p == NULL)
			continue;
		inside = p->message ? first_inside(m, p) : NULL;
		id = id_of(a, inside != NULL ? inside->header : content(a, p),
		    "message-id");
		if (id.p != NULL)
			return id;
	}
	return none;
}

static void
id_find(struct arena *a, const struct mime *m, struct dsn *out)
{
	struct str returned = returned_id(a, m);

	if (returned.p != NULL)
		out->message_id = returned;
	if (out->message_id.p == NULL)
		out->message_id = id_of(a, m->part[0].header, "in-reply-to");
	if (out->message_id.p != NULL)
		out->message_id.p =
		    arena_dup(a, out->message_id.p, out->message_id.n);
}

void
dsn_read(struct arena *a, const struct mime *m, struct dsn *out)
{
	const struct mime_part *delivery, *complaint;

	*out = (struct dsn){ .kind = DSN_NONE };
	if (m->n == 0)
		return;
	out->to = ARENA_ARRAY(a, struct dsn_rcpt, DSN_RCPT_MOST);
	if (is_type(&m->part[0], "multipart/report")) {
		complaint = child(m, "message/feedback-report");
		delivery = child(m, "message/delivery-status");
		if (delivery == NULL)
			delivery = child(m, "message/global-delivery-status");
		if (complaint != NULL)
			complaint_read(a, complaint, out);
		else if (delivery != NULL)
			delivery_read(a, delivery, out);
	}
	if (out->kind == DSN_NONE)
		failed_read(a, m, out);
	if (out->kind != DSN_NONE)
		id_find(a, m, out);
}
