/* FETCH items: one row each. */
#include "mail/imap-message.h"

#include "mail/date.h"

static bool
flag_read(struct imap_lexer *x, struct imap_flags *f, size_t *cap)
{
	static const struct str system[] = {
#define FLAG_TEXT(name, text) STR(text),
		IMAP_FLAG_LIST(FLAG_TEXT)
#undef FLAG_TEXT
	};
	struct str word, *all;

	if (!lex_atom(x, &word))
		return false;
	for (size_t i = 0;
	     word.p[0] == '\\' && i < sizeof(system) / sizeof(system[0]); i++) {
		if (str_ieq(word, system[i])) {
			f->system |= 1U << i;
			return true;
		}
	}
	all = f->keywords < *cap ? (struct str *)(uintptr_t)f->keyword
				 : lex_grow(x, (void *)(uintptr_t)f->keyword,
				       f->keywords, cap, sizeof(*all));
	all[f->keywords++] = word;
	f->keyword = all;
	return true;
}

bool
imap_flags_parse(struct imap_lexer *x, struct imap_flags *f)
{
	size_t cap = 0;

	*f = (struct imap_flags){ 0, NULL, 0 };
	if (!lex_open(x))
		return false;
	while (!lex_at(x, ')')) {
		lex_blanks(x);
		if (!flag_read(x, f, &cap))
			return false;
	}
	return lex_close(x);
}

static bool
item_uid(struct imap_lexer *x, struct imap_message *m)
{
	uint32_t uid;

	if (!lex_number(x, &uid))
		return false;
	if (uid == 0)
		return lex_fault(x, "UID 0");
	m->uid = uid;
	return true;
}

static bool
item_flags(struct imap_lexer *x, struct imap_message *m)
{
	if (!imap_flags_parse(x, &m->flags))
		return false;
	m->has |= IMAP_HAS_FLAGS;
	return true;
}

/* A date nobody can read is no reason to refuse the message. */
static bool
item_date(struct imap_lexer *x, struct imap_message *m)
{
	struct str text;

	if (!lex_nstring(x, &text))
		return false;
	if (date_internal_parse(text, &m->internal_date))
		m->has |= IMAP_HAS_DATE;
	else
		m->internal_date = INSTANT_NONE;
	return true;
}

static bool
item_size(struct imap_lexer *x, struct imap_message *m)
{
	if (!lex_number64(x, &m->size))
		return false;
	m->has |= IMAP_HAS_SIZE;
	return true;
}

static bool
item_envelope(struct imap_lexer *x, struct imap_message *m)
{
	if (!imap_envelope_parse(x, &m->envelope))
		return false;
	m->has |= IMAP_HAS_ENVELOPE;
	return true;
}

static bool
item_structure(struct imap_lexer *x, struct imap_message *m)
{
	if (!imap_structure_parse(x, &m->structure))
		return false;
	m->has |= IMAP_HAS_STRUCTURE;
	return true;
}

static bool
item_modseq(struct imap_lexer *x, struct imap_message *m)
{
	if (!lex_open(x) || !lex_number64(x, &m->modseq) || !lex_close(x))
		return false;
	m->has |= IMAP_HAS_MODSEQ;
	return true;
}

/* RFC 8474 4: EMAILID (M6d99ac3275bb4e); THREADID may be NIL. */
static bool
id_read(struct imap_lexer *x, struct str *out)
{
	if (!lex_at(x, '('))
		return lex_nstring(x, out);
	return lex_open(x) && lex_atom(x, out) && lex_close(x);
}

static bool
item_email_id(struct imap_lexer *x, struct imap_message *m)
{
	return id_read(x, &m->email_id);
}

static bool
item_thread_id(struct imap_lexer *x, struct imap_message *m)
{
	return id_read(x, &m->thread_id);
}

static bool
item_gm_msgid(struct imap_lexer *x, struct imap_message *m)
{
	return lex_number64(x, &m->gm_msgid);
}

static bool
item_gm_thrid(struct imap_lexer *x, struct imap_message *m)
{
	return lex_number64(x, &m->gm_thrid);
}

static bool
item_labels(struct imap_lexer *x, struct imap_message *m)
{
	struct str *v = NULL;
	size_t n = 0, cap = 0;

	if (!lex_open(x))
		return false;
	while (!lex_at(x, ')')) {
		lex_blanks(x);
		v = LEX_GROW(x, v, n, &cap);
		if (!lex_astring(x, &v[n++]))
			return false;
	}
	m->label = v;
	m->labels = n;
	m->has |= IMAP_HAS_LABELS;
	return lex_close(x);
}

/* "<17>" behind a section. */
static bool
origin_read(struct imap_lexer *x, struct imap_section *s)
{
	if (!lex_if(x, '<'))
		return true;
	s->partial = true;
	return lex_number64(x, &s->origin) && lex_char(x, '>');
}

/* Up to the "]" that is not inside of quotes (header names may be). */
static bool
section_name(struct imap_lexer *x, struct str *out)
{
	const char *from = x->p;
	bool quoted = false;

	while (x->p < x->end && (quoted || *x->p != ']')) {
		quoted ^= *x->p == '"';
		x->p++;
	}
	*out = (struct str){ from, (size_t)(x->p - from) };
	return lex_char(x, ']');
}

static bool
section_add(
    struct imap_lexer *x, struct imap_message *m, const struct imap_section *s)
{
	/* Few a message: the array grows one by one. */
	struct imap_section *v =
	    ARENA_ARRAY(x->arena, struct imap_section, m->sections + 1);

	if (m->sections >= 64)
		return lex_fault(x, "too many sections");
	if (m->sections > 0)
		memcpy(v, m->section, m->sections * sizeof(*v));
	v[m->sections++] = *s;
	m->section = v;
	return true;
}

static bool
item_section(struct imap_lexer *x, struct imap_message *m)
{
	struct imap_section s = { .partial = false };
	const struct imap_literal *l;

	if (!section_name(x, &s.section) || !origin_read(x, &s) ||
	    !lex_char(x, ' '))
		return false;
	l = lex_literal(x);
	if (!lex_nstring(x, &s.data))
		return false;
	s.size = l != NULL ? l->size : s.data.n;
	s.taken = l != NULL && l->taken;
	return section_add(x, m, &s);
}

static bool
item_binary_size(struct imap_lexer *x, struct imap_message *m)
{
	struct str section;

	(void)m;
	return section_name(x, &section) && lex_char(x, ' ') && lex_skip(x);
}

typedef bool item_fn(struct imap_lexer *, struct imap_message *);

/* Most frequent first. Those that end with "[" take no blank. */
static const struct {
	struct str name;
	item_fn *read;
} items[] = {
	{ STR("UID"), item_uid },
	{ STR("FLAGS"), item_flags },
	{ STR("INTERNALDATE"), item_date },
	{ STR("RFC822.SIZE"), item_size },
	{ STR("ENVELOPE"), item_envelope },
	{ STR("BODYSTRUCTURE"), item_structure },
	{ STR("MODSEQ"), item_modseq },
	{ STR("BODY["), item_section },
	{ STR("BINARY["), item_section },
	{ STR("BINARY.SIZE["), item_binary_size },
	{ STR("BODY"), item_structure },
	{ STR("EMAILID"), item_email_id },
	{ STR("THREADID"), item_thread_id },
	{ STR("X-GM-MSGID"), item_gm_msgid },
	{ STR("X-GM-THRID"), item_gm_thrid },
	{ STR("X-GM-LABELS"), item_labels },
};

/* Letters, digits, "-", ".", "_"; and the "[" that may follow. */
static bool
item_name(struct imap_lexer *x, struct str *out)
{
	const char *p = x->p;

	while (p < x->end && *p != ' ' && *p != '[' && *p != '(' && *p != ')')
		p++;
	if (p < x->end && *p == '[')
		p++;
	*out = (struct str){ x->p, (size_t)(p - x->p) };
	if (out->n == 0)
		return lex_fault(x, "an item's name is missing");
	x->p = p;
	return true;
}

static item_fn *
item_find(struct str name)
{
	for (size_t i = 0; i < sizeof(items) / sizeof(items[0]); i++) {
		if (str_ieq(items[i].name, name))
			return items[i].read;
	}
	return NULL;
}

/* Reads the value, or steps over what cannot be read. */
static bool
item_value(struct imap_lexer *x, struct imap_message *m, struct str name)
{
	struct imap_lexer before = *x;
	item_fn *read = item_find(name);
	struct str section;

	if (read != NULL && read(x, m))
		return true;
	if (read != NULL && m->fault == NULL) {
		m->fault = x->fault;
		m->fault_item = name;
	}
	*x = before;
	if (name.p[name.n - 1] == '[' &&
	    (!section_name(x, &section) || !lex_char(x, ' ')))
		return false;
	return lex_skip(x);
}

bool
imap_message_parse(struct imap_lexer *x, struct imap_message *m)
{
	m->internal_date = INSTANT_NONE;
	if (!lex_open(x))
		return false;
	while (!lex_at(x, ')')) {
		struct str name;

		lex_blanks(x);
		if (!item_name(x, &name))
			return false;
		if (name.p[name.n - 1] != '[' && !lex_char(x, ' '))
			return false;
		if (!item_value(x, m, name))
			return false;
	}
	return lex_close(x);
}

const struct imap_section *
imap_message_section(const struct imap_message *m, const char *name)
{
	struct str want = str_of(name);
	bool prefix = want.n > 0 && want.p[want.n - 1] == ' ';

	for (size_t i = 0; i < m->sections; i++) {
		struct str have = m->section[i].section;

		if (prefix && have.n > want.n)
			have.n = want.n;
		if (str_ieq(have, want))
			return &m->section[i];
	}
	return NULL;
}
