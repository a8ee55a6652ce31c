/* What users deleted is deleted on the server.
 *
 * A message is marked \Deleted and goes by UID EXPUNGE, which takes nothing
 * else. A server without UIDPLUS knows only the EXPUNGE that takes all that any
 * client has marked, and between a look at those and that command there is
 * always a moment: there it is marked, and the job says that no more was done.
 *
 * On Gmail an expunged message loses one label and stays in All Mail. So it is
 * moved into the bin first, which takes all its labels; a sync finds it there
 * by its id, and from there it goes as anywhere else.
 *
 * What is not where it was has been moved by another client, or was deleted by
 * a run that was killed before it could say so. A sync of all folders tells
 * which; and what moves while that runs, the next one. Nothing is taken for
 * done before. */
#include "domain/sync/run.h"

#include "core/effect.h"
#include "core/failpoint.h"
#include "domain/expunge-sql.h"
#include "domain/placement-sql.h"

#define DUE_MOST    500
#define ASTRAY_MOST 500 /* in one run */

/* Rows of one folder, side by side in expunge_due's order. */
struct group {
	struct sync *s;
	struct sync_place place;
	const struct expunge_due *row;
	size_t n;
	struct imap_set there; /* UIDs that the folder has, as far as we know */
	struct imap_set gone;  /* those that were deleted now */
	int64_t *open;         /* the folder that is selected */
};

/* ---- the server ---- */

static enum rc
mark(struct group *g)
{
	FAILPOINT("expunge-mark-before");
	TRY(imap_store(
	    g->s->imap, &g->there, "+FLAGS.SILENT", "(\\Deleted)", 0, NULL));
	FAILPOINT("expunge-mark-after");
	return RC_OK;
}

/* OK to an EXPUNGE does not say that there was one. */
static enum rc
look_again(struct group *g)
{
	struct imap_set kept;

	TRY(sync_wish_there(g->s, &g->there, &kept));
	imap_set_difference(&g->there, &kept, &g->gone);
	return kept.n == 0
	    ? RC_OK
	    : fail(RC_DENIED,
		  "the server keeps messages in spite of EXPUNGE: %llu",
		  (unsigned long long)imap_set_count(&kept));
}

static enum rc
expunge(struct group *g)
{
	TRY(mark(g));
	if (!(imap_caps(g->s->imap) & IMAP_CAP(UIDPLUS)))
		return fail(RC_DENIED,
		    "without UIDPLUS messages are only marked \\Deleted; they "
		    "go when a mail program expunges the folder");
	FAILPOINT("expunge-command-before");
	TRY(imap_expunge(g->s->imap, &g->there));
	FAILPOINT("expunge-command-after");
	return look_again(g);
}

static bool
needs_bin(const struct group *g)
{
	const uint64_t caps = IMAP_CAP(GM_EXT_1) | IMAP_CAP(MOVE);

	return g->row->bin.p != NULL && (imap_caps(g->s->imap) & caps) == caps;
}

static enum rc
move_to_bin(struct group *g)
{
	struct imap_moved moved;

	g->s->wishes_left = true;
	FAILPOINT("expunge-command-before");
	TRY(imap_move(g->s->imap, &g->there,
	    mailbox_wire(g->s->folder, g->row->bin), g->s->folder, &moved));
	FAILPOINT("expunge-command-after");
	return RC_OK;
}

/* A server that was put back from a backup gives UIDs out again, to other
 * mail: it must not go for the one that was meant. */
static bool
is_meant(const struct expunge_due *row, const struct imap_message *m)
{
	if (row->uid != m->uid || row->is_skipped)
		return row->uid == m->uid;
	return m->has & IMAP_HAS_SIZE && (int64_t)m->size == row->size_bytes &&
	    (!row->is_dated || !(m->has & IMAP_HAS_DATE) ||
		!instant_is(m->internal_date) ||
		m->internal_date.us == row->received_at.us);
}

static enum rc
take_meant(void *arg, const struct imap_message *m)
{
	struct group *g = arg;

	for (size_t i = 0; i < g->n; i++)
		if (is_meant(&g->row[i], m))
			imap_set_gather(&g->there, m->uid, m->uid);
	return RC_OK;
}

static enum rc
look(struct group *g)
{
	const struct imap_fetch how = { .message = take_meant, .arg = g };
	struct imap_set uids = g->there;

	imap_set_init(&g->there, g->s->folder);
	TRY(imap_fetch(
	    g->s->imap, &uids, "UID INTERNALDATE RFC822.SIZE", &how));
	imap_set_settle(&g->there);
	return RC_OK;
}

static enum rc
delete_there(struct group *g)
{
	TRY(look(g));
	if (imap_set_count(&g->there) < g->n)
		g->s->wishes_left = true;
	if (g->there.n == 0)
		return RC_OK;
	if (imap_mailbox(g->s->imap)->read_only)
		return fail(RC_DENIED, "the server opens it read-only");
	return needs_bin(g) ? move_to_bin(g) : expunge(g);
}

/* ---- the tables ---- */

/* Of the rows whose UIDs are in a set. */
struct picked {
	int64_t *email, *uid;
	size_t n;
};

static struct picked
pick(const struct group *g, const struct imap_set *set)
{
	struct picked p = { .email = ARENA_ARRAY(g->s->folder, int64_t, g->n),
		.uid = ARENA_ARRAY(g->s->folder, int64_t, g->n) };

	for (size_t i = 0; i < g->n; i++) {
		if (!imap_set_has(set, (uint32_t)g->row[i].uid))
			continue;
		p.email[p.n] = g->row[i].email_id;
		p.uid[p.n++] = g->row[i].uid;
	}
	return p;
}

static enum rc
confirm_tx(struct db *db, void *arg)
{
	struct group *g = arg;
	struct sync *s = g->s;
	struct picked p = pick(g, &g->gone);
	const struct ints uids = { p.uid, p.n };
	struct placed_list list;

	TRY(placement_expunge(db, s->account, g->place.mailbox,
	    g->place.uidvalidity, uids, uids, (int64_t)p.n, s->step, &list));
	TRY(mailbox_expunged(db, s->account, g->place.mailbox,
	    g->place.uidvalidity, (int64_t)list.n, NULL));
	TRY(sync_placed_settle(s, &list));
	return expunge_done(db, s->account, (struct ids){ p.email, p.n }, NULL);
}

static enum rc
confirm(void *arg)
{
	struct group *g = arg;
	struct sync *s = g->s;

	if (g->gone.n == 0)
		return RC_OK;
	TRY(db_tx(s->db, confirm_tx, g));
	s->report->deleted += (int64_t)imap_set_count(&g->gone);
	arena_reset(s->step);
	return RC_OK;
}

/* A server that cannot now is asked again. What it will not do ends with the
 * job that was made for it, and fails that; a sync leaves it to that job. */
static enum rc
refused(struct group *g, enum rc rc)
{
	struct sync *s = g->s;
	const char *why = arena_fmt(s->arena, "not deleted in %.*s: %s",
	    STR_FMT(g->place.name), fail_detail());
	struct imap_set kept;
	struct picked p;

	log_warn(&s->log, "mailbox=%lld %s", (long long)g->place.mailbox, why);
	if (!sync_alive(s))
		return fail(rc, "%s", why);
	s->wishes_wait |= result_is_transient(rc);
	if (result_is_transient(rc) || !s->has_last_word)
		return RC_OK;
	s->refused_rc = rc;
	s->refused_why = why;
	imap_set_init(&kept, s->folder);
	imap_set_difference(&g->there, &g->gone, &kept);
	p = pick(g, &kept);
	return expunge_refuse(s->db, s->account, (struct ids){ p.email, p.n },
	    s->lease->id, NULL);
}

/* ---- all that is due ---- */

static enum rc
act(void *arg)
{
	struct group *g = arg;
	bool known;
	enum rc rc = sync_wish_open(g->s, &g->place, g->open, &known);

	if (rc == RC_OK && known)
		rc = delete_there(g);
	else if (rc == RC_OK)
		g->s->wishes_left = true;
	return rc == RC_OK ? RC_OK : refused(g, rc);
}

/* The intent was committed by who deleted. */
static const struct effect expunges = EFFECT("expunge", NULL, act, confirm);

static void
group_make(struct group *g, struct sync *s, const struct expunge_due *row,
    const struct expunge_due *end)
{
	*g = (struct group){ .s = s,
		.place = { .wire_name = mailbox_wire(s->folder, row->wire_name),
		    .name = row->name,
		    .mailbox = row->mailbox_id,
		    .uidvalidity = row->uidvalidity },
		.row = row };
	imap_set_init(&g->there, s->folder);
	imap_set_init(&g->gone, s->folder);
	for (; row < end && row->mailbox_id == g->place.mailbox; row++) {
		imap_set_add(&g->there, (uint32_t)row->uid, (uint32_t)row->uid);
		g->n++;
	}
}

static void
note_astray(struct sync *s, const struct expunge_due *row)
{
	s->wishes_left = true;
	if (s->astray == NULL)
		s->astray = ARENA_ARRAY(s->arena, int64_t, ASTRAY_MOST);
	if (s->astray_n < ASTRAY_MOST)
		s->astray[s->astray_n++] = row->email_id;
}

/* What lies nowhere comes last. */
static enum rc
tell_all(struct sync *s, const struct expunge_due_list *due)
{
	const struct expunge_due *row = due->v, *end = due->v + due->n;
	int64_t open = 0;

	while (row < end && row->mailbox_id != 0) {
		struct group g;

		group_make(&g, s, row, end);
		g.open = &open;
		TRY(effect_run(&expunges, &g));
		TRY(sync_beat(s));
		row += g.n;
	}
	for (; row < end; row++)
		note_astray(s, row);
	return RC_OK;
}

/* The email behind which the next are due. */
static int64_t
last_of(const struct expunge_due_list *due)
{
	int64_t last = 0;

	for (size_t i = 0; i < due->n; i++)
		if (due->v[i].email_id > last)
			last = due->v[i].email_id;
	return last;
}

enum rc
sync_expunges_tell(struct sync *s)
{
	struct expunge_due_list due;
	int64_t last = 0;

	s->astray_n = 0;
	for (;;) {
		arena_reset(s->folder);
		TRY(expunge_due(s->db, s->account, s->access->id, s->lease->id,
		    last, DUE_MOST, s->folder, &due));
		if (due.n == 0)
			return RC_OK;
		last = last_of(&due);
		TRY(tell_all(s, &due));
		if (sync_stopped(s))
			return sync_stop(s);
	}
}

enum rc
sync_expunges_end(struct sync *s)
{
	const struct ids astray = { s->astray, s->astray_n };

	return astray.n == 0 ? RC_OK
			     : expunge_done(s->db, s->account, astray, NULL);
}
