#include "mail/imap-response.h"

#include "core/buffer.h"
#include "mail/imap-code.h"

#define ID_MOST 200 /* characters that are kept of it */

typedef bool data_fn(struct imap_lexer *, struct imap_response *);

static bool
data_status_line(struct imap_lexer *x, struct imap_response *r)
{
	r->text = lex_rest(x);
	imap_code_parse(x->arena, &r->text, &r->code);
	return true;
}

static bool
data_caps(struct imap_lexer *x, struct imap_response *r)
{
	r->text = str_trim(lex_rest(x));
	r->caps = imap_caps_parse(r->text);
	return true;
}

/* Text that may stand in quotes in a line of a log. */
static void
put_plain(struct buf *b, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		buf_putc(b, c > ' ' && c < 0x7f && c != '"' ? c : '_');
	}
}

/* ID ("name" "Dovecot" "version" NIL) or NIL (RFC 2971 3.2), as
 * "name=Dovecot version=" and not longer than a line: whoever asks wants to
 * read it, not to decide by it. */
static bool
id_pairs(struct imap_lexer *x, struct buf *b)
{
	struct str name, value;

	if (!lex_open(x))
		return false;
	while (!lex_at(x, ')')) {
		lex_blanks(x);
		if (!lex_nstring(x, &name) || !lex_char(x, ' ') ||
		    !lex_nstring(x, &value))
			return false;
		if (b->n > 0)
			buf_putc(b, ' ');
		put_plain(b, name);
		buf_putc(b, '=');
		put_plain(b, value);
	}
	return lex_close(x);
}

static bool
data_id(struct imap_lexer *x, struct imap_response *r)
{
	struct buf b;
	bool ok;

	if (!lex_at(x, '('))
		return lex_skip(x);
	buf_init(&b, ID_MOST);
	ok = id_pairs(x, &b);
	r->text = (struct str){ arena_dup(x->arena, b.p, b.n), b.n };
	buf_clear(&b);
	return ok;
}

static void
attribute_note(struct str word, struct imap_folder *f)
{
	static const struct str names[] = {
#define ATTRIBUTE_TEXT(name, text) STR(text),
		IMAP_ATTRIBUTE_LIST(ATTRIBUTE_TEXT)
#undef ATTRIBUTE_TEXT
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (str_ieq(word, names[i]))
			f->is |= 1U << i;
	}
}

static bool
attributes_read(struct imap_lexer *x, struct imap_folder *f)
{
	if (!lex_open(x))
		return false;
	while (!lex_at(x, ')')) {
		struct str word;

		lex_blanks(x);
		if (!lex_atom(x, &word))
			return false;
		attribute_note(word, f);
	}
	if (f->is & IMAP_IS(NONEXISTENT)) /* RFC 9051 7.3.1 */
		f->is |= IMAP_IS(NOSELECT);
	return lex_close(x);
}

/* Extended data: ("OLDNAME" ("x") "CHILDINFO" ("SUBSCRIBED")). */
static bool
folder_extra(struct imap_lexer *x, struct imap_folder *f)
{
	if (!lex_open(x))
		return false;
	while (!lex_at(x, ')')) {
		struct str name;

		lex_blanks(x);
		if (!lex_astring(x, &name) || !lex_char(x, ' '))
			return false;
		if (!str_ieq(name, STR("OLDNAME"))) {
			if (!lex_skip(x))
				return false;
		} else if (!lex_open(x) || !lex_astring(x, &f->old_name) ||
		    !lex_close(x)) {
			return false;
		}
	}
	return lex_close(x);
}

static bool
data_list(struct imap_lexer *x, struct imap_response *r)
{
	struct imap_folder *f = &r->folder;
	struct str delimiter;

	if (!attributes_read(x, f) || !lex_char(x, ' ') ||
	    !lex_nstring(x, &delimiter) || !lex_char(x, ' ') ||
	    !lex_astring(x, &f->name))
		return false;
	if (delimiter.n > 1)
		return lex_fault(x, "a delimiter of several characters");
	f->delimiter = delimiter.n == 1 ? delimiter.p[0] : '\0';
	return !lex_if(x, ' ') || !lex_more(x) || folder_extra(x, f);
}

/* UIDs and UIDVALIDITY are 32 bits; what is beyond is a fault. */
static bool
status_number(struct imap_lexer *x, struct imap_status *s, size_t place)
{
	static const struct {
		size_t offset;
		bool wide;
	} at[] = {
#define STATUS_AT(text, member)                                                \
	{ offsetof(struct imap_status, member),                                \
		IMAP_SAID_PLACE_##text != IMAP_SAID_PLACE_UIDNEXT &&           \
		    IMAP_SAID_PLACE_##text != IMAP_SAID_PLACE_UIDVALIDITY },
		IMAP_STATUS_LIST(STATUS_AT)
#undef STATUS_AT
	};
	uint64_t value;

	if (!lex_number64(x, &value))
		return false;
	if (!at[place].wide && value > UINT32_MAX)
		return lex_fault(x, "number out of range");
	memcpy((char *)s + at[place].offset, &value, sizeof(value));
	s->has |= 1U << place;
	return true;
}

static bool
status_item(struct imap_lexer *x, struct imap_status *s)
{
	static const struct str names[] = {
#define STATUS_TEXT(text, member) STR(#text),
		IMAP_STATUS_LIST(STATUS_TEXT)
#undef STATUS_TEXT
	};
	struct str name;

	if (!lex_atom(x, &name) || !lex_char(x, ' '))
		return false;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (str_ieq(name, names[i]))
			return lex_at(x, 'N') ? lex_skip(x)
					      : status_number(x, s, i);
	}
	if (str_ieq(name, STR("MAILBOXID")))
		return lex_open(x) && lex_atom(x, &s->mailbox_id) &&
		    lex_close(x);
	return lex_skip(x);
}

static bool
data_status(struct imap_lexer *x, struct imap_response *r)
{
	if (!lex_astring(x, &r->status.name) || !lex_char(x, ' ') ||
	    !lex_open(x))
		return false;
	while (!lex_at(x, ')')) {
		lex_blanks(x);
		if (!status_item(x, &r->status))
			return false;
	}
	return lex_close(x);
}

/* SEARCH 2 84 882 (MODSEQ 917162500), in any order (RFC 7162 3.1.5). */
static bool
data_search(struct imap_lexer *x, struct imap_response *r)
{
	struct imap_found *f = &r->found;

	imap_set_init(&f->all, x->arena);
	for (lex_blanks(x); lex_more(x); lex_blanks(x)) {
		uint32_t uid;
		struct str word;

		if (lex_at(x, '('))
			return lex_open(x) && lex_atom(x, &word) &&
			    lex_char(x, ' ') && lex_number64(x, &f->modseq) &&
			    lex_close(x);
		if (!lex_number(x, &uid))
			return false;
		if (uid == 0)
			return lex_fault(x, "UID 0");
		imap_set_gather(&f->all, uid, uid);
	}
	imap_set_settle(&f->all);
	return true;
}

static bool
found_numbers(struct imap_lexer *x, struct imap_found *f)
{
	struct str set;

	if (!lex_atom(x, &set))
		return false;
	return imap_set_parse(&f->all, set, 0) ||
	    lex_fault(x, "a set of numbers is broken");
}

static bool
found_item(struct imap_lexer *x, struct imap_found *f, struct str name)
{
	if (str_ieq(name, STR("ALL")))
		return found_numbers(x, f);
	if (str_ieq(name, STR("COUNT")))
		return f->has_count = lex_number(x, &f->count);
	if (str_ieq(name, STR("MIN")))
		return f->has_min = lex_number(x, &f->min);
	if (str_ieq(name, STR("MAX")))
		return f->has_max = lex_number(x, &f->max);
	if (str_ieq(name, STR("MODSEQ")))
		return lex_number64(x, &f->modseq);
	return lex_skip(x);
}

/* ESEARCH (TAG "L3") UID COUNT 5 ALL 1:9,21 (RFC 4731). */
static bool
data_esearch(struct imap_lexer *x, struct imap_response *r)
{
	struct imap_found *f = &r->found;
	struct str name;

	imap_set_init(&f->all, x->arena);
	if (lex_at(x, '(') &&
	    (!lex_open(x) || !lex_atom(x, &name) || !lex_char(x, ' ') ||
		!lex_astring(x, &f->tag) || !lex_close(x)))
		return false;
	for (lex_blanks(x); lex_more(x); lex_blanks(x)) {
		if (!lex_atom(x, &name))
			return false;
		if (str_ieq(name, STR("UID"))) {
			f->uid = true;
			continue;
		}
		if (!lex_char(x, ' ') || !found_item(x, f, name))
			return false;
	}
	return true;
}

static bool
data_flags(struct imap_lexer *x, struct imap_response *r)
{
	return imap_flags_parse(x, &r->flags);
}

static bool
data_number(struct imap_lexer *x, struct imap_response *r)
{
	if (r->word == IMAP_EXPUNGE && r->number == 0)
		return lex_fault(x, "message 0");
	return true;
}

static bool
data_fetch(struct imap_lexer *x, struct imap_response *r)
{
	r->message.seq = r->number;
	r->message.internal_date = INSTANT_NONE;
	if (r->number == 0)
		return lex_fault(x, "message 0");
	if (!lex_char(x, ' '))
		return false;
	return imap_message_parse(x, &r->message);
}

static bool
data_vanished(struct imap_lexer *x, struct imap_response *r)
{
	struct str word;

	imap_set_init(&r->vanished.set, x->arena);
	if (lex_at(x, '(')) {
		if (!lex_open(x) || !lex_atom(x, &word) || !lex_close(x) ||
		    !lex_char(x, ' '))
			return false;
		r->vanished.earlier = str_ieq(word, STR("EARLIER"));
	}
	if (!lex_atom(x, &word))
		return false;
	return imap_set_parse(&r->vanished.set, word, 0) ||
	    lex_fault(x, "a set of UIDs is broken");
}

/* `numbered`: "* 5 EXISTS"; `tagged`: may end a command. */
static const struct {
	struct str name;
	enum imap_word word;
	bool numbered, tagged;
	data_fn *read;
} words[] = {
	{ STR("FETCH"), IMAP_FETCH, true, false, data_fetch },
	{ STR("OK"), IMAP_OK, false, true, data_status_line },
	{ STR("NO"), IMAP_NO, false, true, data_status_line },
	{ STR("BAD"), IMAP_BAD, false, true, data_status_line },
	{ STR("BYE"), IMAP_BYE, false, false, data_status_line },
	{ STR("PREAUTH"), IMAP_PREAUTH, false, false, data_status_line },
	{ STR("CAPABILITY"), IMAP_CAPABILITY, false, false, data_caps },
	{ STR("ENABLED"), IMAP_ENABLED, false, false, data_caps },
	{ STR("ID"), IMAP_ID, false, false, data_id },
	{ STR("LIST"), IMAP_LIST, false, false, data_list },
	{ STR("XLIST"), IMAP_LIST, false, false, data_list },
	{ STR("LSUB"), IMAP_LSUB, false, false, data_list },
	{ STR("STATUS"), IMAP_STATUS, false, false, data_status },
	{ STR("SEARCH"), IMAP_SEARCH, false, false, data_search },
	{ STR("ESEARCH"), IMAP_ESEARCH, false, false, data_esearch },
	{ STR("FLAGS"), IMAP_FLAGS, false, false, data_flags },
	{ STR("EXISTS"), IMAP_EXISTS, true, false, data_number },
	{ STR("RECENT"), IMAP_RECENT_COUNT, true, false, data_number },
	{ STR("EXPUNGE"), IMAP_EXPUNGE, true, false, data_number },
	{ STR("VANISHED"), IMAP_VANISHED, false, false, data_vanished },
};

static void
word_read(struct imap_lexer *x, struct imap_response *r, bool numbered)
{
	struct str name;

	if (!lex_atom(x, &name))
		return;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (!str_ieq(words[i].name, name))
			continue;
		if (words[i].numbered != numbered ||
		    (r->kind == IMAP_TAGGED && !words[i].tagged))
			break;
		r->word = words[i].word;
		/* The blank is missing where nothing follows ("* SEARCH"). */
		if (!numbered)
			lex_if(x, ' ');
		words[i].read(x, r);
		return;
	}
	r->text = lex_rest(x);
}

static void
untagged(struct imap_lexer *x, struct imap_response *r)
{
	bool numbered = lex_more(x) && *x->p >= '0' && *x->p <= '9';

	if (numbered && (!lex_number(x, &r->number) || !lex_char(x, ' ')))
		return;
	word_read(x, r, numbered);
}

void
imap_response_parse(
    struct arena *a, const struct imap_frame *f, struct imap_response *r)
{
	struct imap_lexer x;

	memset(r, 0, sizeof(*r));
	r->cut = f->cut;
	imap_lexer_open(&x, a, f);
	if (lex_if(&x, '+')) {
		r->kind = IMAP_CONTINUE;
		r->text = str_trim(lex_rest(&x));
		return;
	}
	if (lex_if(&x, '*')) {
		r->kind = IMAP_UNTAGGED;
		if (lex_char(&x, ' '))
			untagged(&x, r);
	} else {
		r->kind = IMAP_TAGGED;
		if (lex_atom(&x, &r->tag) && lex_char(&x, ' '))
			word_read(&x, r, false);
	}
	r->fault = x.fault;
	if (r->word == IMAP_FETCH && r->fault == NULL)
		r->fault = r->message.fault;
	if (r->cut && r->fault == NULL)
		r->fault = "larger than allowed";
}
