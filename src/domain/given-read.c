/* What a message that was handed over says of itself. */
#include <string.h>

#include "domain/given.h"
#include "mail/date.h"
#include "mail/header.h"
#include "mail/people.h"

#define PEOPLE_MOST     1000
#define FROM_MOST       50
#define SUBJECT_MOST    998
#define REFERENCES_MOST 65536
#define ID_MOST         900
#define STEM_BYTES      16

struct reading {
	struct arena *arena;
	struct str header;
	const char *sender;
	struct given_head *head;
	struct buf *out;
};

/* ---- what goes on ---- */

static bool
is_one_of(struct str name, const char *const *names)
{
	for (; *names != NULL; names++)
		if (str_ieq(name, str_of(*names)))
			return true;
	return false;
}

/* What comes first may be no field ("From me Mon Jan 1"): readers would take
 * that line, or what is behind it, for different things. */
static enum rc
fields_copy(struct reading *r)
{
	static const char *const hidden[] = { "Bcc", "Resent-Bcc", NULL };
	struct str name, value;
	size_t at = 0, before = 0;

	while (header_next(r->header, &at, &name, &value)) {
		if (name.p != r->header.p + before)
			break;
		before = at;
		if (!is_one_of(name, hidden))
			buf_add(r->out, name.p,
			    (size_t)(r->header.p + at - name.p));
	}
	return before + 2 == r->header.n
	    ? RC_OK
	    : fail(RC_INVALID, "A line of the header is no field.");
}

/* ---- single fields ---- */

static size_t
count(struct str header, const char *field)
{
	struct str name, value;
	size_t at = 0, n = 0;

	while (header_next(header, &at, &name, &value))
		n += str_ieq(name, str_of(field));
	return n;
}

static enum rc
singles_check(const struct reading *r)
{
	static const char *const singles[] = { "From", "Sender", "Message-ID",
		"Date" };

	for (size_t i = 0; i < sizeof singles / sizeof *singles; i++)
		if (count(r->header, singles[i]) > 1)
			return fail(RC_INVALID,
			    "The header has more than one %s.", singles[i]);
	return RC_OK;
}

static bool
is_message_id(struct str s)
{
	if (s.n < 3 || s.n > ID_MOST || s.p[0] != '<' || s.p[s.n - 1] != '>')
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] == 0x7f ||
		    (i > 0 && s.p[i] == '<') || (i + 1 < s.n && s.p[i] == '>'))
			return false;
	return true;
}

static const char *
id_make(const struct reading *r)
{
	unsigned char dice[STEM_BYTES];
	char stem[2 * STEM_BYTES + 1];

	random_bytes(dice, sizeof dice);
	hex_encode(dice, sizeof dice, stem);
	return arena_fmt(r->arena, "<%s%s>", stem, strrchr(r->sender, '@'));
}

static enum rc
id_read(struct reading *r)
{
	struct str id = str_trim(header_find(r->header, "Message-ID"));

	r->head->own = id.n > 0;
	if (id.n == 0) {
		r->head->message_id = id_make(r);
		buf_fmt(r->out, "Message-ID: %s\r\n", r->head->message_id);
		return RC_OK;
	}
	if (!is_message_id(id))
		return fail(RC_INVALID, "Its Message-ID is none.");
	r->head->message_id = arena_dup(r->arena, id.p, id.n);
	return RC_OK;
}

static void
date_read(struct reading *r)
{
	struct str date = header_find(r->header, "Date");
	char text[DATE_TEXT];

	if (date.p != NULL && date_parse(date, &r->head->date))
		return;
	r->head->date = clock_now();
	if (str_trim(date).n > 0)
		return;
	r->head->own = false;
	date_print(r->head->date, text);
	buf_fmt(r->out, "Date: %s\r\n", text);
}

static struct str
text_read(const struct reading *r, const char *name, size_t most)
{
	struct str s = header_text(r->arena, r->header, name, most);

	return s.n > 0 ? s : (struct str){ NULL, 0 };
}

/* ---- people ---- */

/* Those whom a reader would take it to be from: read to the last byte. */
static enum rc
authors_read(struct reading *r)
{
	struct str from = header_find(r->header, "From");
	struct str sender = header_find(r->header, "Sender");

	if (from.p == NULL ||
	    !people_read(r->arena, from, FROM_MOST, &r->head->from) ||
	    r->head->from.n == 0)
		return fail(RC_INVALID, "Its From names nobody.");
	if (sender.p != NULL &&
	    (!people_read(r->arena, sender, 1, &r->head->sender) ||
		r->head->sender.n == 0))
		return fail(RC_INVALID, "Its Sender names nobody.");
	return RC_OK;
}

/* For lists, as far as it can be read. */
static void
others_read(struct reading *r, const char *name, struct compose_people *out)
{
	struct str value = header_find(r->header, name);

	if (value.p != NULL)
		(void)people_read(r->arena, value, PEOPLE_MOST, out);
}

static bool
is_ascii(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] > 0x7e)
			return false;
	return true;
}

enum rc
given_head_read(struct arena *a, struct str header, const char *sender,
    struct given_head *head, struct buf *out)
{
	struct reading r = { a, header, sender, head, out };

	*head = (struct given_head){ .utf8 = !is_ascii(header) };
	TRY(singles_check(&r));
	TRY(authors_read(&r));
	TRY(id_read(&r));
	date_read(&r);
	TRY(fields_copy(&r));
	BUF_LIT(out, "\r\n");
	others_read(&r, "To", &head->to);
	others_read(&r, "Cc", &head->cc);
	others_read(&r, "Reply-To", &head->reply_to);
	head->subject = text_read(&r, "Subject", SUBJECT_MOST);
	head->in_reply_to = text_read(&r, "In-Reply-To", ID_MOST);
	head->references = text_read(&r, "References", REFERENCES_MOST);
	return out->full ? fail(RC_INVALID, "Its header is too long.") : RC_OK;
}
