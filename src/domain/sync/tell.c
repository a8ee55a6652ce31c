/* What users changed about flags goes to the server. */
#include "domain/sync/run.h"

#include <string.h>

#include "core/effect.h"
#include "core/failpoint.h"
#include "domain/flag-sql.h"
#include "domain/placement-sql.h"

#define DUE_MOST 500

/* Rows of one folder and one change, side by side in flag_due's order. */
struct group {
	struct sync *s;
	const struct flag_due *first;
	size_t n;
};

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

static bool
same_group(const struct flag_due *a, const struct flag_due *b)
{
	return a->mailbox_id == b->mailbox_id &&
	    same_texts(&a->flags_add, &b->flags_add) &&
	    same_texts(&a->flags_remove, &b->flags_remove);
}

/* "(\Flagged \Seen)" */
static const char *
flag_list(struct arena *a, const struct texts *flags)
{
	struct buf b;
	const char *out;

	buf_init(&b, 4096);
	buf_putc(&b, '(');
	for (size_t i = 0; i < flags->n; i++) {
		if (i > 0)
			buf_putc(&b, ' ');
		buf_add(&b, flags->v[i].p, flags->v[i].n);
	}
	buf_putc(&b, ')');
	out = arena_dup(a, b.p, b.n);
	buf_clear(&b);
	return out;
}

/* Both ways of saying it may be said again: a crash in between does no harm. */
static enum rc
store_one(struct group *g, const struct imap_set *uids, const char *how,
    const struct texts *flags)
{
	if (flags->n == 0)
		return RC_OK;
	FAILPOINT("flags-store-before");
	TRY(imap_store(
	    g->s->imap, uids, how, flag_list(g->s->folder, flags), 0, NULL));
	FAILPOINT("flags-store-after");
	return RC_OK;
}

static void
group_uids(const struct group *g, struct imap_set *uids)
{
	imap_set_init(uids, g->s->folder);
	for (size_t i = 0; i < g->n; i++)
		imap_set_add(
		    uids, (uint32_t)g->first[i].uid, (uint32_t)g->first[i].uid);
}

static enum rc
group_store(struct group *g)
{
	struct imap_set uids;

	group_uids(g, &uids);
	TRY(store_one(g, &uids, "+FLAGS.SILENT", &g->first->flags_add));
	return store_one(g, &uids, "-FLAGS.SILENT", &g->first->flags_remove);
}

/* OK to a STORE tells nothing of UIDs that are gone (RFC 9051 6.4.9): what
 * another client has moved meanwhile waits for the sync to find it. */
static enum rc
group_seen(struct group *g, bool *told)
{
	struct imap_set uids, there;

	group_uids(g, &uids);
	TRY(sync_wish_there(g->s, &uids, &there));
	for (size_t i = 0; i < g->n; i++)
		told[i] = imap_set_has(&there, (uint32_t)g->first[i].uid);
	return RC_OK;
}

static enum rc
group_note(struct group *g)
{
	int64_t *uid = ARENA_ARRAY(g->s->folder, int64_t, g->n);

	for (size_t i = 0; i < g->n; i++)
		uid[i] = g->first[i].uid;
	g->s->report->told += (int64_t)g->n;
	return placement_flag_change(g->s->db, g->s->account,
	    g->first->mailbox_id, g->first->uidvalidity,
	    (struct ints){ uid, g->n }, g->first->flags_add,
	    g->first->flags_remove, NULL);
}

/* A server that refuses has the last word: the wish is dropped, and the email
 * shows again what the server has. One that cannot now is asked again. */
static enum rc
group_refused(struct group *g, enum rc rc, bool *told)
{
	log_warn(&g->s->log, "flags refused mailbox=%lld messages=%zu: %s",
	    (long long)g->first->mailbox_id, g->n, fail_detail());
	if (!sync_alive(g->s))
		return rc;
	if (result_is_transient(rc)) {
		g->s->wishes_wait = true;
		memset(told, 0, g->n * sizeof *told);
	}
	return RC_OK;
}

/* *open: the folder that is selected. */
static enum rc
group_open(struct group *g, int64_t *open, bool *known)
{
	const struct sync_place place = {
		.wire_name = mailbox_wire(g->s->folder, g->first->wire_name),
		.mailbox = g->first->mailbox_id,
		.uidvalidity = g->first->uidvalidity,
	};

	return sync_wish_open(g->s, &place, open, known);
}

static enum rc
group_done(struct group *g, int64_t *open, bool *told)
{
	bool known;
	enum rc rc = group_open(g, open, &known);

	if (rc == RC_OK && !known) {
		memset(told, 0, g->n * sizeof *told);
		return RC_OK;
	}
	if (rc == RC_OK)
		rc = group_store(g);
	if (rc == RC_OK)
		rc = group_seen(g, told);
	return rc == RC_OK ? group_note(g) : group_refused(g, rc, told);
}

static enum rc
tell_all(struct sync *s, const struct flag_due_list *due, bool *told)
{
	int64_t open = 0;

	memset(told, true, due->n * sizeof *told);
	for (size_t i = 0; i < due->n;) {
		struct group g = { .s = s, .first = &due->v[i], .n = 1 };

		while (
		    i + g.n < due->n && same_group(g.first, &due->v[i + g.n]))
			g.n++;
		TRY(group_done(&g, &open, told + i));
		TRY(sync_beat(s));
		i += g.n;
	}
	return RC_OK;
}

struct told {
	struct sync *s;
	struct ids emails;
	struct ints versions;
};

static enum rc
confirm_tx(struct db *db, void *arg)
{
	struct told *t = arg;

	TRY(email_hold(db, t->s->account, t->emails, NULL));
	TRY(flag_done(db, t->s->account, t->emails, t->versions, NULL));
	return email_settle(db, t->s->account, t->emails, NULL);
}

/* In all folders it lies in? */
static bool
is_told(const struct flag_due_list *due, const bool *told, int64_t email)
{
	for (size_t i = 0; i < due->n; i++)
		if (!told[i] && due->v[i].email_id == email)
			return false;
	return true;
}

/* What is told at one time; the intent was committed with the wishes. */
struct telling {
	struct sync *s;
	struct flag_due_list due;
	bool *told; /* beside `due` */
};

static enum rc
act(void *arg)
{
	struct telling *t = arg;

	t->told = ARENA_ARRAY(t->s->folder, bool, t->due.n);
	return tell_all(t->s, &t->due, t->told);
}

static enum rc
confirm(void *arg)
{
	const struct telling *x = arg;
	struct sync *s = x->s;
	int64_t *email = ARENA_ARRAY(s->folder, int64_t, x->due.n);
	int64_t *version = ARENA_ARRAY(s->folder, int64_t, x->due.n);
	struct told t = { .s = s };
	size_t n = 0;

	for (size_t i = 0; i < x->due.n; i++) {
		if (!is_told(&x->due, x->told, x->due.v[i].email_id))
			continue;
		email[n] = x->due.v[i].email_id;
		version[n++] = x->due.v[i].version;
	}
	s->wishes_left = n < x->due.n;
	t.emails = (struct ids){ email, n };
	t.versions = (struct ints){ version, n };
	return db_tx(s->db, confirm_tx, &t);
}

static const struct effect flags = EFFECT("flags", NULL, act, confirm);

enum rc
sync_flags_tell(struct sync *s)
{
	struct telling t = { .s = s };

	do {
		arena_reset(s->folder);
		TRY(flag_forget_gone(s->db, s->account, s->access->id, NULL));
		TRY(flag_due(s->db, s->account, s->access->id, DUE_MOST,
		    s->folder, &t.due));
		if (t.due.n == 0)
			return RC_OK;
		TRY(effect_run(&flags, &t));
	} while (!s->wishes_left && !sync_stopped(s));
	return RC_OK;
}
