/* ENVELOPE (RFC 9051 7.5.2). */
#include "mail/imap-message.h"

static bool
address_read(struct imap_lexer *x, struct imap_address *out)
{
	struct str route; /* obsolete */

	return lex_open(x) && lex_nstring(x, &out->name) && lex_char(x, ' ') &&
	    lex_nstring(x, &route) && lex_char(x, ' ') &&
	    lex_nstring(x, &out->mailbox) && lex_char(x, ' ') &&
	    lex_nstring(x, &out->host) && lex_close(x);
}

struct address_list {
	struct imap_address *v;
	size_t n, cap;
	struct str group;
	size_t group_from; /* where the members of the open group begin */
};

/* host NIL begins a group when there is a mailbox, else ends one. */
static void
address_take(
    struct imap_lexer *x, struct address_list *list, struct imap_address *a)
{
	bool begins = a->host.p == NULL && a->mailbox.p != NULL;
	bool ends = a->host.p == NULL && a->mailbox.p == NULL;

	if (begins) {
		list->group = a->mailbox;
		list->group_from = list->n;
		return;
	}
	if (ends && list->group.p != NULL) {
		bool empty = list->n == list->group_from;

		a->group = list->group;
		a->name = (struct str){ NULL, 0 };
		list->group = (struct str){ NULL, 0 };
		if (!empty)
			return;
	} else if (ends && a->name.p == NULL) {
		return;
	} else {
		a->group = list->group;
	}
	list->v = LEX_GROW(x, list->v, list->n, &list->cap);
	list->v[list->n++] = *a;
}

static bool
addresses_read(struct imap_lexer *x, struct imap_addresses *out)
{
	struct address_list list = { .n = 0 };
	struct str nil;

	*out = (struct imap_addresses){ NULL, 0 };
	if (!lex_at(x, '(')) {
		if (!lex_nstring(x, &nil))
			return false;
		return nil.n == 0 || lex_fault(x, "an address list is missing");
	}
	if (!lex_open(x))
		return false;
	while (!lex_at(x, ')')) {
		struct imap_address a = { .group = { NULL, 0 } };

		lex_blanks(x);
		if (!address_read(x, &a))
			return false;
		address_take(x, &list, &a);
	}
	out->v = list.v;
	out->n = list.n;
	return lex_close(x);
}

bool
imap_envelope_parse(struct imap_lexer *x, struct imap_envelope *e)
{
	struct imap_addresses *lists[] = { &e->from, &e->sender, &e->reply_to,
		&e->to, &e->cc, &e->bcc };

	if (!lex_open(x) || !lex_nstring(x, &e->date) || !lex_char(x, ' ') ||
	    !lex_nstring(x, &e->subject))
		return false;
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		if (!lex_char(x, ' ') || !addresses_read(x, lists[i]))
			return false;
	}
	return lex_char(x, ' ') && lex_nstring(x, &e->in_reply_to) &&
	    lex_char(x, ' ') && lex_nstring(x, &e->message_id) && lex_close(x);
}
