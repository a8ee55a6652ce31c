/* Folders: LIST, STATUS, SELECT, and what changes them. */
#include "mail/imap-session.h"

#define STATUS_WINDOW 50

/* A STATUS for each folder would count messages where only MESSAGES matters;
 * HIGHESTMODSEQ only where it is known (RFC 7162 3.1.7). */
static void
put_status_items(const struct imap *im, struct imap_command *cmd)
{
	imap_command_puts(cmd, "(MESSAGES UIDNEXT UIDVALIDITY UNSEEN");
	if (imap_caps(im) & IMAP_CAP(CONDSTORE))
		imap_command_puts(cmd, " HIGHESTMODSEQ");
	if (imap_caps(im) & IMAP_CAP(OBJECTID))
		imap_command_puts(cmd, " MAILBOXID");
	imap_command_puts(cmd, ")");
}

struct listing {
	struct arena *arena;
	bool counted; /* with a STATUS each */
	struct imap_listed *v;
	size_t n, cap;
	bool too_many;
	bool garbled; /* a folder's line could not be read */
};

static struct str
str_keep(struct arena *a, struct str s)
{
	return s.p == NULL ? s : (struct str){ arena_dup(a, s.p, s.n), s.n };
}

static void
listing_add(struct listing *l, const struct imap_folder *f)
{
	struct imap_listed *at;

	if (l->n == IMAP_FOLDERS_MOST) {
		l->too_many = true;
		return;
	}
	if (l->n == l->cap) {
		struct imap_listed *bigger;

		l->cap = l->cap * 2 + 16;
		bigger = ARENA_ARRAY(l->arena, struct imap_listed, l->cap);
		if (l->n > 0)
			memcpy(bigger, l->v, l->n * sizeof(*bigger));
		l->v = bigger;
	}
	at = &l->v[l->n++];
	*at = (struct imap_listed){ .folder = *f };
	at->folder.name = str_keep(l->arena, f->name);
	at->folder.old_name = str_keep(l->arena, f->old_name);
}

static void
status_keep(
    struct listing *l, struct imap_listed *at, const struct imap_status *s)
{
	at->status = *s;
	at->status.name = at->folder.name;
	at->status.mailbox_id = str_keep(l->arena, s->mailbox_id);
	at->has_status = true;
}

bool
imap_is_inbox(struct str folder)
{
	return str_ieq(folder, STR("INBOX"));
}

bool
imap_same_folder(struct str a, struct str b)
{
	return str_eq(a, b) || (imap_is_inbox(a) && imap_is_inbox(b));
}

/* Servers send the STATUS behind its LIST, so the search from the end is
 * short; it is bounded all the same. */
static void
listing_status(struct listing *l, const struct imap_status *s)
{
	for (size_t i = l->n; i > 0; i--) {
		if (imap_same_folder(l->v[i - 1].folder.name, s->name)) {
			status_keep(l, &l->v[i - 1], s);
			return;
		}
	}
}

static void
listing_data(void *arg, const struct imap_response *r)
{
	struct listing *l = arg;

	l->garbled |= r->fault != NULL && r->word == IMAP_LIST;
	if (r->fault != NULL)
		return;
	if (r->word == IMAP_LIST)
		listing_add(arg, &r->folder);
	else if (r->word == IMAP_STATUS)
		listing_status(arg, &r->status);
}

static bool
can_select(const struct imap_folder *f)
{
	return (f->is & (IMAP_IS(NOSELECT) | IMAP_IS(NONEXISTENT))) == 0;
}

static void
put_list(const struct imap *im, struct imap_command *cmd, bool counted)
{
	uint64_t caps = imap_caps(im);
	bool special = (caps & IMAP_CAP(SPECIAL_USE)) != 0;

	imap_command_puts(cmd, " \"\" \"*\"");
	if (counted && (caps & IMAP_CAP(LIST_STATUS))) {
		imap_command_fmt(
		    cmd, " RETURN (%sSTATUS ", special ? "SPECIAL-USE " : "");
		put_status_items(im, cmd);
		imap_command_puts(cmd, ")");
	} else if (special && (caps & IMAP_CAP(LIST_EXTENDED))) {
		imap_command_puts(cmd, " RETURN (SPECIAL-USE)");
	}
}

static enum rc
status_send(struct imap *im, struct imap_call *c, struct str name)
{
	struct imap_command cmd;

	TRY(imap_begin(im, &cmd));
	imap_command_puts(&cmd, " ");
	imap_command_astring(&cmd, name);
	imap_command_puts(&cmd, " ");
	put_status_items(im, &cmd);
	return imap_send(im, c, &cmd);
}

/* A folder that was refused stays without status; the others count. */
static enum rc
status_done(struct imap *im, struct imap_call *c)
{
	enum rc rc = imap_wait(im, c);

	return im->broken != RC_OK ? rc : RC_OK;
}

static enum rc
list_each_status(struct imap *im, struct listing *l)
{
	struct imap_call call[STATUS_WINDOW];
	size_t sent = 0, waited = 0;

	for (size_t i = 0; i < l->n || waited < sent;) {
		if (i < l->n && sent - waited < STATUS_WINDOW) {
			struct imap_call *c = &call[sent % STATUS_WINDOW];

			if (!can_select(&l->v[i++].folder))
				continue;
			*c = (struct imap_call)IMAP_CALL(
			    IMAP_DO_STATUS, listing_data, l);
			TRY(status_send(im, c, l->v[i - 1].folder.name));
			sent++;
		} else {
			TRY(status_done(im, &call[waited % STATUS_WINDOW]));
			waited++;
		}
	}
	return RC_OK;
}

static enum rc
list_once(struct imap *im, struct listing *l, uint64_t *caps)
{
	struct imap_call c = IMAP_CALL(IMAP_DO_LIST, listing_data, l);
	struct imap_command cmd;
	enum rc rc = imap_begin(im, &cmd);

	*caps = imap_caps(im);
	im->garbled = false;
	TRY(rc);
	put_list(im, &cmd, l->counted);
	rc = imap_run(im, &c, &cmd);
	/* One whose first word is lost may have been a folder's, too. */
	l->garbled |= im->garbled;
	return rc;
}

enum rc
imap_list(struct imap *im, bool counted, struct arena *a,
    struct imap_listed **out, size_t *n, bool *whole)
{
	struct listing l = { .arena = a, .counted = counted };
	uint64_t assumed;
	enum rc rc = list_once(im, &l, &assumed);

	/* What was remembered of the server is no longer so: once more. */
	if (im->broken == RC_OK && assumed != imap_caps(im)) {
		l = (struct listing){ .arena = a, .counted = counted };
		TRY(imap_ready(im));
		rc = list_once(im, &l, &assumed);
	}
	TRY(rc);
	if (l.too_many)
		return fail(
		    RC_TOO_LARGE, "more than %d folders", IMAP_FOLDERS_MOST);
	if (counted && !(assumed & IMAP_CAP(LIST_STATUS)))
		TRY(list_each_status(im, &l));
	*out = l.v;
	*n = l.n;
	*whole = !l.garbled;
	return RC_OK;
}

enum rc
imap_status(
    struct imap *im, struct arena *a, struct str name, struct imap_status *out)
{
	struct listing l = { .arena = a };
	struct imap_call c = IMAP_CALL(IMAP_DO_STATUS, listing_data, &l);

	listing_add(&l, &(struct imap_folder){ .name = name });
	TRY(status_send(im, &c, name));
	TRY(imap_wait(im, &c));
	if (!l.v[0].has_status)
		return fail(RC_NO_FOLDER, "the server told no status");
	*out = l.v[0].status;
	return RC_OK;
}

/* --- SELECT --- */

static void
select_data(void *arg, const struct imap_response *r)
{
	struct imap *im = arg;
	const struct imap_changes *c = &im->changes;

	if (r->word == IMAP_VANISHED && r->fault == NULL && c->vanished != NULL)
		c->vanished(c->arg, &r->vanished.set, r->vanished.earlier);
	if (r->word == IMAP_FETCH && c->message != NULL)
		c->message(c->arg, &r->message);
}

static bool
put_select(const struct imap *im, struct imap_command *cmd,
    const struct imap_known *known)
{
	uint64_t caps = imap_caps(im);
	bool resync = (caps & IMAP_CAP(QRESYNC)) && known != NULL &&
	    known->uidvalidity != 0 && known->modseq != 0;

	if (resync) {
		imap_command_fmt(cmd, " (QRESYNC (%u %llu", known->uidvalidity,
		    (unsigned long long)known->modseq);
		/* Only where it is short: it merely spares old VANISHED. */
		if (known->uids != NULL && known->uids->n > 0 &&
		    known->uids->n < 300) {
			imap_command_puts(cmd, " ");
			imap_set_print(known->uids, &cmd->text);
		}
		imap_command_puts(cmd, "))");
	} else if (caps & IMAP_CAP(CONDSTORE)) {
		imap_command_puts(cmd, " (CONDSTORE)");
	}
	return resync;
}

enum rc
imap_select(struct imap *im, struct str name, bool read_only,
    const struct imap_known *known, const struct imap_changes *changes,
    struct imap_mailbox *out, bool *qresync)
{
	struct imap_call c = IMAP_CALL(
	    read_only ? IMAP_DO_EXAMINE : IMAP_DO_SELECT, select_data, im);
	struct imap_command cmd;

	im->changes =
	    changes != NULL ? *changes : (struct imap_changes){ .arg = NULL };
	/* QRESYNC in a SELECT needs it enabled, thus known (RFC 7162 3.2.3). */
	TRY(imap_ready(im));
	TRY(imap_begin(im, &cmd));
	imap_command_puts(&cmd, " ");
	imap_command_astring(&cmd, name);
	*qresync = put_select(im, &cmd, known);
	TRY(imap_run(im, &c, &cmd));
	*out = *imap_mailbox(im);
	*qresync = *qresync && out->highestmodseq != 0 &&
	    out->uidvalidity == known->uidvalidity;
	if (out->uidvalidity == 0)
		return imap_break(
		    im, fail(RC_PAYLOAD, "the server told no UIDVALIDITY"));
	return RC_OK;
}

/* --- CREATE, DELETE, RENAME, SUBSCRIBE --- */

static enum rc
folder_command(
    struct imap *im, enum imap_verb verb, struct str one, struct str two)
{
	struct imap_call c = IMAP_CALL(verb, NULL, NULL);
	struct imap_command cmd;

	TRY(imap_begin(im, &cmd));
	imap_command_puts(&cmd, " ");
	imap_command_astring(&cmd, one);
	if (two.p != NULL) {
		imap_command_puts(&cmd, " ");
		imap_command_astring(&cmd, two);
	}
	return imap_run(im, &c, &cmd);
}

#define NO_STR ((struct str){ NULL, 0 })

enum rc
imap_folder_create(struct imap *im, struct str name)
{
	return folder_command(im, IMAP_DO_CREATE, name, NO_STR);
}

enum rc
imap_folder_delete(struct imap *im, struct str name)
{
	return folder_command(im, IMAP_DO_DELETE, name, NO_STR);
}

enum rc
imap_folder_rename(struct imap *im, struct str from, struct str to)
{
	return folder_command(im, IMAP_DO_RENAME, from, to);
}

enum rc
imap_folder_subscribe(struct imap *im, struct str name, bool on)
{
	return folder_command(
	    im, on ? IMAP_DO_SUBSCRIBE : IMAP_DO_UNSUBSCRIBE, name, NO_STR);
}
