/* The folders of the account, and the table of mailboxes. */
#include "domain/sync/run.h"

#include "core/failpoint.h"
#include "domain/mailbox-sql.h"

#define LIST_MS 300000

static enum rc
add(struct sync *s, struct sync_folder *f)
{
	struct mailbox_cursor *k = ARENA_NEW(s->arena, struct mailbox_cursor);

	*k = (struct mailbox_cursor){ .name = f->name,
		.wire_name = f->wire_name,
		.uid_next = 1,
		.uid_low = 1,
		.flags_at = INSTANT_NONE };
	f->known = k;
	return mailbox_add(s->db,
	    &(struct mailbox_add_args){ .account = s->account,
		.application = s->lease->application_id,
		.credential = s->access->id,
		.name = f->name,
		.wire_name = mailbox_wire_text(s->arena, f->wire_name),
		.delimiter = f->delimiter,
		.special_use = f->special_use,
		.attributes = f->attributes,
		.is_selectable = f->is_selectable },
	    &k->id);
}

static enum rc
describe(struct sync *s, const struct sync_folder *f)
{
	if (f->is_renamed)
		log_info(&s->log, "folder renamed mailbox=%lld",
		    (long long)f->known->id);
	return mailbox_describe(s->db,
	    &(struct mailbox_describe_args){ .account = s->account,
		.id = f->known->id,
		.name = f->name,
		.wire_name = mailbox_wire_text(s->arena, f->wire_name),
		.delimiter = f->delimiter,
		.special_use = f->special_use,
		.attributes = f->attributes,
		.is_selectable = f->is_selectable });
}

/* What is gone goes first, so that its name is free; names that were swapped
 * among known folders pass through one that nobody has. */
struct change {
	struct sync *s;
	struct sync_folders *list;
	struct mailbox_cursor_list *known;
	const bool *gone; /* not listed */
};

/* A server that is busy, or whose line was lost, leaves folders out, and their
 * mail must not go with that: only two whole lists, minutes apart, say that
 * one is gone. */
enum fate { STAYS, MISSED, GONE };

static enum fate
fate_of(const struct change *c, size_t k)
{
	const struct mailbox_cursor *known = &c->known->v[k];

	if (!c->gone[k] || !c->list->whole)
		return STAYS;
	if (known->is_overdue)
		return GONE;
	return known->is_missing ? STAYS : MISSED;
}

static enum rc
meet_fates(struct change *c)
{
	for (size_t k = 0; k < c->known->n; k++) {
		int64_t id = c->known->v[k].id;
		enum fate fate = fate_of(c, k);

		if (fate == GONE)
			TRY(mailbox_remove(c->s->db, c->s->account, id));
		if (fate == MISSED)
			TRY(mailbox_miss(c->s->db, c->s->account, id));
	}
	return RC_OK;
}

/* Of folders that get another's name, and of those that wait to be found and
 * whose name another has now. */
static enum rc
park_names(struct change *c)
{
	for (size_t k = 0; k < c->known->n; k++) {
		const struct mailbox_cursor *known = &c->known->v[k];

		if (c->gone[k] && fate_of(c, k) != GONE &&
		    sync_folders_have(c->list, known->wire_name))
			TRY(mailbox_park(c->s->db, c->s->account, known->id));
	}
	for (size_t i = 0; i < c->list->n; i++)
		if (c->list->v[i].is_renamed)
			TRY(mailbox_park(
			    c->s->db, c->s->account, c->list->v[i].known->id));
	return RC_OK;
}

static enum rc
change_tx(struct db *db, void *arg)
{
	struct change *c = arg;

	(void)db;
	TRY(meet_fates(c));
	TRY(park_names(c));
	for (size_t i = 0; i < c->list->n; i++) {
		struct sync_folder *f = &c->list->v[i];

		if (f->known == NULL)
			TRY(add(c->s, f));
		else if (sync_folder_differs(f))
			TRY(describe(c->s, f));
	}
	return RC_OK;
}

static bool
is_change(const struct change *c)
{
	for (size_t k = 0; k < c->known->n; k++)
		if (fate_of(c, k) != STAYS)
			return true;
	for (size_t i = 0; i < c->list->n; i++)
		if (c->list->v[i].known == NULL ||
		    sync_folder_differs(&c->list->v[i]))
			return true;
	return false;
}

/* A list without INBOX is a server's fault (RFC 9051 5.1), and would make us
 * forget everything. */
static bool
is_whole(const struct sync_folders *list)
{
	for (size_t i = 0; i < list->n; i++)
		if (imap_is_inbox(list->v[i].wire_name))
			return true;
	return false;
}

enum rc
sync_list_ask(struct sync *s, bool counted, struct sync_folders *list)
{
	struct imap_listed *listed;
	size_t n;

	/* Thousands of STATUS, each within its own time, are too many. */
	imap_until(s->imap, clock_steady_ms() + LIST_MS);
	TRY(imap_list(s->imap, counted, s->arena, &listed, &n, &list->whole));
	imap_until(s->imap, 0);
	sync_folders_take(list, listed, n, s->arena);
	if (!list->whole)
		log_warn(&s->log,
		    "a line of the server's list of folders "
		    "cannot be read; none is taken for gone");
	if (!is_whole(list))
		return fail(list->whole ? RC_PAYLOAD : RC_CONNECTION,
		    "the server lists no INBOX");
	return RC_OK;
}

enum rc
sync_list_known(struct sync *s, struct mailbox_cursor_list *out)
{
	TRY(mailbox_cursors(
	    s->db, s->account, s->access->id, false, s->arena, out));
	for (size_t i = 0; i < out->n; i++)
		out->v[i].wire_name =
		    mailbox_wire(s->arena, out->v[i].wire_name);
	return RC_OK;
}

enum rc
sync_list(
    struct sync *s, struct sync_folders *list, bool counted, bool *condstore)
{
	struct mailbox_cursor_list known;
	struct change c = { .s = s, .list = list, .known = &known };
	bool *gone;

	TRY(sync_list_known(s, &known));
	TRY(sync_list_ask(s, counted || known.n > 0, list));
	TRY(sync_connected(s));
	*condstore =
	    imap_caps(s->imap) & (IMAP_CAP(CONDSTORE) | IMAP_CAP(QRESYNC));
	c.gone = gone = ARENA_ARRAY(s->arena, bool, known.n);
	sync_folders_match(list, known.v, known.n, gone);
	s->report->folders = (int64_t)list->n;
	if (!is_change(&c))
		return RC_OK;
	FAILPOINT("sync-folders-before");
	TRY(db_tx(s->db, change_tx, &c));
	FAILPOINT("sync-folders-after");
	return RC_OK;
}
