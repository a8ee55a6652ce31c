/* Response codes: "[NAME argument]" (RFC 9051 7.1). */
#include "mail/imap-code.h"

enum argument { NOTHING, NUMBER, UIDS, SET, FLAGS, CAPS, TEXT };

static const struct {
	struct str name;
	enum imap_code_id id;
	enum argument argument;
} codes[] = {
#define CODE_ROW(name, text, kind) { STR(text), IMAP_CODE_##name, kind },
	IMAP_CODE_LIST(CODE_ROW)
#undef CODE_ROW
};

static struct str
next_word(struct str *s)
{
	const char *blank = s->n > 0 ? memchr(s->p, ' ', s->n) : NULL;
	struct str word = *s;

	if (blank != NULL)
		word.n = (size_t)(blank - s->p);
	*s = (struct str){ s->p + word.n, s->n - word.n };
	if (s->n > 0)
		*s = (struct str){ s->p + 1, s->n - 1 };
	return word;
}

/* uidvalidity SP set [SP set] (RFC 4315 3). */
static bool
uids_read(struct imap_code *c)
{
	struct str rest = c->argument;
	struct str validity = next_word(&rest), one = next_word(&rest);

	if (!str_uint(validity, UINT32_MAX, &c->number) || c->number == 0)
		return false;
	if (c->id == IMAP_CODE_APPENDUID)
		return rest.n == 0 && imap_set_parse_list(&c->to, one);
	return imap_set_parse_list(&c->from, one) &&
	    imap_set_parse_list(&c->to, rest) &&
	    imap_set_count(&c->from) == imap_set_count(&c->to);
}

/* The text ends with the "]", so its last character is not the ")" of a list
 * only when the server is wrong. */
static bool
flags_read(struct arena *a, struct imap_code *c)
{
	struct imap_frame frame = { .p = c->argument.p, .n = c->argument.n };
	struct imap_lexer x;

	imap_lexer_open(&x, a, &frame);
	return imap_flags_parse(&x, &c->flags);
}

static bool
argument_read(struct arena *a, struct imap_code *c, enum argument kind)
{
	switch (kind) {
	case NOTHING:
	case TEXT: return true;
	case NUMBER: return str_uint(c->argument, UINT64_MAX, &c->number);
	case UIDS: return uids_read(c);
	case SET: return imap_set_parse(&c->to, c->argument, 0);
	case FLAGS: return flags_read(a, c);
	case CAPS: c->caps = imap_caps_parse(c->argument); return true;
	}
	return false;
}

static void
code_understand(struct arena *a, struct imap_code *c)
{
	c->id = IMAP_CODE_OTHER;
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		if (!str_ieq(c->name, codes[i].name))
			continue;
		c->id = codes[i].id;
		c->fault = !argument_read(a, c, codes[i].argument);
		return;
	}
}

void
imap_code_parse(struct arena *a, struct str *text, struct imap_code *c)
{
	const char *end;
	struct str inside;

	imap_set_init(&c->from, a);
	imap_set_init(&c->to, a);
	if (text->n < 3 || text->p[0] != '[')
		return;
	end = memchr(text->p, ']', text->n);
	if (end == NULL)
		return;
	inside = (struct str){ text->p + 1, (size_t)(end - text->p) - 1 };
	c->name = next_word(&inside);
	c->argument = inside.n > 0 ? inside : (struct str){ NULL, 0 };
	code_understand(a, c);
	text->n -= (size_t)(end + 1 - text->p);
	text->p = end + 1;
	*text = str_trim(*text);
}

uint64_t
imap_caps_parse(struct str s)
{
	static const struct str names[] = {
#define CAP_TEXT(name, text) STR(text),
		IMAP_CAP_LIST(CAP_TEXT)
#undef CAP_TEXT
	};
	uint64_t caps = 0;

	while (s.n > 0) {
		struct str word = next_word(&s);

		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
			if (str_ieq(word, names[i]))
				caps |= (uint64_t)1 << i;
		}
	}
	if (caps & IMAP_CAP(IMAP4REV2))
		caps |= IMAP_CAP(ENABLE) | IMAP_CAP(UIDPLUS) | IMAP_CAP(MOVE) |
		    IMAP_CAP(IDLE) | IMAP_CAP(ESEARCH) |
		    IMAP_CAP(LIST_EXTENDED) | IMAP_CAP(LIST_STATUS) |
		    IMAP_CAP(SPECIAL_USE) | IMAP_CAP(NAMESPACE) |
		    IMAP_CAP(UNSELECT) | IMAP_CAP(STATUS_SIZE);
	/* QRESYNC contains CONDSTORE (RFC 7162 3.2.3). */
	if (caps & IMAP_CAP(QRESYNC))
		caps |= IMAP_CAP(CONDSTORE);
	return caps;
}
