#include "domain/sync/folders.h"

#include <stdlib.h>
#include <string.h>

#include "mail/mutf7.h"

#define SHOWN_MOST     4000 /* bytes of a name, for people */
#define FLAGS_PAUSE_US (INT64_C(600) * 1000000)

/* ---- what LIST and STATUS say ---- */

static const struct {
	unsigned is;
	const char *use;
} uses[] = {
	{ IMAP_IS(INBOX), "inbox" },
	{ IMAP_IS(ALL) | IMAP_IS(ALLMAIL), "all" },
	{ IMAP_IS(ARCHIVE), "archive" },
	{ IMAP_IS(DRAFTS), "drafts" },
	{ IMAP_IS(STARRED) | IMAP_IS(XSTARRED), "flagged" },
	{ IMAP_IS(JUNK) | IMAP_IS(SPAM), "junk" },
	{ IMAP_IS(SENT), "sent" },
	{ IMAP_IS(TRASH), "trash" },
	{ IMAP_IS(IMPORTANT), "important" },
};

static const char *
special_use(const struct imap_folder *f)
{
	if (imap_is_inbox(f->name))
		return "inbox";
	for (size_t i = 0; i < sizeof uses / sizeof *uses; i++)
		if (f->is & uses[i].is)
			return uses[i].use;
	return NULL;
}

static const struct str attribute_texts[] = {
#define ATTRIBUTE_TEXT(name, text) { text, sizeof(text) - 1 },
	IMAP_ATTRIBUTE_LIST(ATTRIBUTE_TEXT)
#undef ATTRIBUTE_TEXT
};
#define ATTRIBUTES (sizeof attribute_texts / sizeof *attribute_texts)

static struct texts
attributes(const struct imap_folder *f, struct arena *a)
{
	/* They come and go with what lies in the folder. */
	const unsigned fleeting = IMAP_IS(MARKED) | IMAP_IS(UNMARKED);
	struct str *v = ARENA_ARRAY(a, struct str, ATTRIBUTES);
	size_t n = 0;

	for (unsigned i = 0; i < ATTRIBUTES; i++)
		if (f->is & ~fleeting & 1u << i)
			v[n++] = attribute_texts[i];
	return (struct texts){ v, n };
}

static bool
is_usable(struct str wire_name)
{
	return wire_name.n > 0 &&
	    memchr(wire_name.p, '\0', wire_name.n) == NULL;
}

static void
take(const struct imap_listed *l, struct arena *a, struct sync_folder *x)
{
	const unsigned closed = IMAP_IS(NOSELECT) | IMAP_IS(NONEXISTENT);
	const struct imap_folder *f = &l->folder;
	bool exact;

	*x = (struct sync_folder){ .wire_name = f->name,
		.old_name = f->old_name,
		.special_use = special_use(f),
		.attributes = attributes(f, a),
		.is_selectable = (f->is & closed) == 0 };
	x->name = imap_is_inbox(f->name) ? STR("INBOX")
					 : mutf7_decode(a, f->name, &exact);
	x->name.n = utf8_cut(x->name.p, x->name.n, SHOWN_MOST);
	if (f->delimiter != '\0')
		x->delimiter = arena_dup(a, &f->delimiter, 1);
	if (l->has_status)
		x->status = l->status;
}

bool
sync_folders_have(const struct sync_folders *list, struct str wire_name)
{
	for (size_t i = 0; i < list->n; i++)
		if (imap_same_folder(list->v[i].wire_name, wire_name))
			return true;
	return false;
}

/* Overlapping namespaces list one twice; what is said in one place only is
 * kept. */
static bool
is_listed(const struct sync_folders *list, const struct imap_listed *l)
{
	for (size_t i = list->n; i > 0; i--) {
		struct sync_folder *f = &list->v[i - 1];

		if (!imap_same_folder(f->wire_name, l->folder.name))
			continue;
		if (f->status.has == 0 && l->has_status)
			f->status = l->status;
		return true;
	}
	return false;
}

void
sync_folders_take(struct sync_folders *list, const struct imap_listed *listed,
    size_t n, struct arena *a)
{
	list->v = ARENA_ARRAY(a, struct sync_folder, n);
	list->n = 0;
	for (size_t i = 0; i < n; i++)
		if (is_usable(listed[i].folder.name) &&
		    !is_listed(list, &listed[i]))
			take(&listed[i], a, &list->v[list->n++]);
}

/* ---- matching ---- */

static uint64_t
uidvalidity_of(const struct sync_folder *f)
{
	return f->status.has & IMAP_SAID(UIDVALIDITY) ? f->status.uidvalidity
						      : 0;
}

/* Nothing speaks against it: neither side's UIDVALIDITY is known, or they are
 * the same. */
static bool
may_be_same(const struct sync_folder *f, const struct mailbox_cursor *k)
{
	return uidvalidity_of(f) == 0 || k->uidvalidity == 0 ||
	    uidvalidity_of(f) == (uint64_t)k->uidvalidity;
}

static void
match_names(struct sync_folders *list, struct mailbox_cursor *known, size_t n,
    bool *gone, bool surely)
{
	for (size_t k = 0; k < n; k++) {
		for (size_t i = 0; i < list->n && gone[k]; i++) {
			struct sync_folder *f = &list->v[i];

			if (f->known != NULL ||
			    !imap_same_folder(
				f->wire_name, known[k].wire_name) ||
			    (surely && !may_be_same(f, &known[k])))
				continue;
			f->known = &known[k];
			gone[k] = false;
		}
	}
}

static void
rename_to(struct sync_folder *f, struct mailbox_cursor *known, bool *gone)
{
	f->known = known;
	f->is_renamed = true;
	*gone = false;
}

static void
match_old_names(struct sync_folders *list, struct mailbox_cursor *known,
    size_t n, bool *gone)
{
	for (size_t i = 0; i < list->n; i++) {
		if (list->v[i].known != NULL || list->v[i].old_name.p == NULL)
			continue;
		for (size_t k = 0; k < n; k++)
			if (gone[k] && list->v[i].known == NULL &&
			    imap_same_folder(
				list->v[i].old_name, known[k].wire_name))
				rename_to(&list->v[i], &known[k], &gone[k]);
	}
}

/* The only listed folder with this UIDVALIDITY; NULL: none or several. */
static struct sync_folder *
only_listed(const struct sync_folders *list, uint64_t uidvalidity)
{
	struct sync_folder *found = NULL;

	for (size_t i = 0; i < list->n; i++) {
		if (uidvalidity_of(&list->v[i]) != uidvalidity)
			continue;
		if (found != NULL)
			return NULL;
		found = &list->v[i];
	}
	return found;
}

static bool
is_only_known(const struct mailbox_cursor *known, size_t n, size_t k)
{
	for (size_t i = 0; i < n; i++)
		if (i != k && known[i].uidvalidity == known[k].uidvalidity)
			return false;
	return true;
}

/* Servers that give all folders one UIDVALIDITY match nothing here. */
static void
match_uidvalidity(struct sync_folders *list, struct mailbox_cursor *known,
    size_t n, bool *gone)
{
	for (size_t k = 0; k < n; k++) {
		struct sync_folder *f;

		if (!gone[k] || known[k].uidvalidity == 0 ||
		    !is_only_known(known, n, k))
			continue;
		f = only_listed(list, (uint64_t)known[k].uidvalidity);
		if (f != NULL && f->known == NULL &&
		    f->status.has & IMAP_SAID(UIDNEXT) &&
		    f->status.uidnext >= (uint64_t)known[k].uid_next)
			rename_to(f, &known[k], &gone[k]);
	}
}

void
sync_folders_match(struct sync_folders *list, struct mailbox_cursor *known,
    size_t n, bool *gone)
{
	for (size_t k = 0; k < n; k++)
		gone[k] = true;
	match_names(list, known, n, gone, true);
	match_old_names(list, known, n, gone);
	match_uidvalidity(list, known, n, gone);
	match_names(list, known, n, gone, false);
}

/* ---- what is new ---- */

static bool
same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool
same_texts(const struct texts *a, const struct texts *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (!str_eq(a->v[i], b->v[i]))
			return false;
	return true;
}

bool
sync_folder_differs(const struct sync_folder *f)
{
	const struct mailbox_cursor *k = f->known;

	return k->is_missing || !str_eq(f->wire_name, k->wire_name) ||
	    !str_eq(f->name, k->name) ||
	    !same_text(f->delimiter, k->delimiter) ||
	    !same_text(f->special_use, k->special_use) ||
	    !same_texts(&f->attributes, &k->attributes) ||
	    f->is_selectable != k->is_selectable;
}

static bool
said(
    const struct sync_folder *f, unsigned bit, uint64_t value, int64_t expected)
{
	return f->status.has & bit && expected >= 0 &&
	    value == (uint64_t)expected;
}

/* Without CONDSTORE nothing tells of changed flags but a changed number of
 * unseen messages: they are compared every ten minutes. */
static bool
flags_may_differ(const struct sync_folder *f, bool condstore)
{
	const struct mailbox_cursor *k = f->known;
	/* Below zero: a clock was set back. */
	int64_t age = clock_now().us - k->flags_at.us;

	if (condstore && k->highestmodseq != 0)
		return !said(f, IMAP_SAID(HIGHESTMODSEQ),
		    f->status.highestmodseq, k->highestmodseq);
	return !instant_is(k->flags_at) || age < 0 || age > FLAGS_PAUSE_US ||
	    !said(f, IMAP_SAID(UNSEEN), f->status.unseen, k->server_unseen);
}

bool
sync_folder_is_due(const struct sync_folder *f, bool condstore)
{
	const struct mailbox_cursor *k = f->known;
	const struct imap_status *s = &f->status;

	if (!f->is_selectable)
		return false;
	return k->uidvalidity == 0 || k->is_stale || k->uid_low > 1 ||
	    k->skips_due || k->texts_missed ||
	    !said(f, IMAP_SAID(UIDVALIDITY), s->uidvalidity, k->uidvalidity) ||
	    !said(f, IMAP_SAID(UIDNEXT), s->uidnext, k->uid_next) ||
	    !said(f, IMAP_SAID(MESSAGES), s->messages,
		k->stored_messages + k->skipped_messages) ||
	    flags_may_differ(f, condstore);
}
