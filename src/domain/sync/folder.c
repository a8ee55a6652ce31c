/* One folder, from its cursor to the server's present state. */
#include "domain/sync/run.h"

#include <string.h>

#include "core/failpoint.h"
#include "domain/mailbox-sql.h"
#include "domain/snippet-sql.h"

#define RANGE_DIRECT  1000              /* UIDs asked for without a search */
#define NEWER_FEW     100               /* to be asked for twice over */
#define VANISHED_MOST ((size_t)2 << 20) /* ranges */
#define FLAGS_BUFFER  1000
#define FLAGS_BATCH   100000 /* UIDs a command: each has its time limit */
#define FLAGS_TEXT    ((size_t)8 * 1024 * 1024)

struct folder {
	struct sync *s;
	const struct sync_folder *listed;
	struct sync_place place;
	struct imap_mailbox open;
	bool opening;              /* SELECT is under way */
	bool qresync;              /* it has told what changed */
	bool fresh;                /* the walk begins with this run */
	bool doubt;                /* the sets are compared in any case */
	bool flags_compared;       /* all of them */
	int64_t uid_next, uid_low; /* as they were */
	uint64_t modseq;           /* as it was; 0: none */
	struct imap_set vanished;
	/* changed flags on their way into the table */
	int64_t uid[FLAGS_BUFFER];
	struct str flags[FLAGS_BUFFER];
	size_t n;
	struct arena *text; /* of `flags`; owned */
	enum rc rc;         /* what went wrong in a callback */
};

/* ---- changed flags ---- */

static enum rc
flags_flush(struct folder *f)
{
	size_t n = f->n;

	f->n = 0;
	TRY(sync_store_flags(f->s, &f->place, f->uid, f->flags, n));
	arena_reset(f->text);
	return RC_OK;
}

static enum rc
flags_take(void *arg, const struct imap_message *m)
{
	struct folder *f = arg;

	if (m->uid == 0 || !(m->has & IMAP_HAS_FLAGS))
		return RC_OK;
	f->uid[f->n] = m->uid;
	f->flags[f->n++] = sync_flags_text(&m->flags, f->text);
	return f->n < FLAGS_BUFFER ? RC_OK : flags_flush(f);
}

/* What SELECT tells of known mail; a message told twice counts once. */
static void
on_message(void *arg, const struct imap_message *m)
{
	struct folder *f = arg;

	if (f->opening && f->rc == RC_OK && f->place.uidvalidity != 0)
		f->rc = flags_take(f, m);
}

static void
on_vanished(void *arg, const struct imap_set *set, bool earlier)
{
	struct folder *f = arg;

	if (!f->opening || !earlier)
		return; /* the next poll tells again */
	if (f->vanished.n + set->n > VANISHED_MOST) {
		f->rc = fail(
		    RC_PAYLOAD, "the server says that more is gone than was");
		return;
	}
	for (size_t i = 0; i < set->n; i++)
		imap_set_gather(
		    &f->vanished, set->range[i].first, set->range[i].last);
}

/* ---- opening ---- */

static enum rc
open_folder(struct folder *f)
{
	const struct mailbox_cursor *k = f->listed->known;
	const struct imap_changes changes = {
		.vanished = on_vanished, .message = on_message, .arg = f
	};
	struct imap_known known = { .uidvalidity = (uint32_t)k->uidvalidity,
		.modseq = (uint64_t)k->highestmodseq };
	enum rc rc;

	f->place.uidvalidity = k->uidvalidity;
	f->opening = true;
	rc = imap_select(f->s->imap, f->listed->wire_name, true, &known,
	    &changes, &f->open, &f->qresync);
	f->opening = false;
	TRY(rc);
	TRY(f->rc);
	if (f->open.uidvalidity == 0 || f->open.uids_not_sticky)
		return fail(RC_PAYLOAD, "the server's UIDs do not last");
	imap_set_settle(&f->vanished);
	return RC_OK;
}

enum rc
sync_reopen(struct sync *s, const struct sync_place *place)
{
	struct imap_mailbox open;
	bool qresync;

	TRY(imap_select(
	    s->imap, place->wire_name, true, NULL, NULL, &open, &qresync));
	if (open.uidvalidity != place->uidvalidity)
		return fail(RC_CONNECTION, "UIDVALIDITY has changed");
	return RC_OK;
}

static enum rc
search(struct folder *f, const char *criteria, struct imap_set *out)
{
	struct imap_found found;

	TRY(imap_search(f->s->imap, f->s->folder, criteria,
	    (struct str){ NULL, 0 }, &found));
	*out = found.all;
	return RC_OK;
}

static uint32_t
next_of(uint32_t uid)
{
	return uid < UINT32_MAX ? uid + 1 : uid;
}

/* Where the server does not say UIDNEXT, the newest UID does, which must not
 * take the cursor back when that message goes. */
static enum rc
find_uidnext(struct folder *f)
{
	const struct mailbox_cursor *k = f->listed->known;
	struct imap_set all;

	if (f->open.uidnext != 0)
		return RC_OK;
	TRY(search(f, "ALL", &all));
	f->open.uidnext = all.n > 0 ? next_of(all.range[all.n - 1].last) : 1;
	if (k->uidvalidity == (int64_t)f->open.uidvalidity &&
	    k->uid_next > (int64_t)f->open.uidnext)
		f->open.uidnext = (uint32_t)k->uid_next;
	return RC_OK;
}

/* A folder that came back from a backup, or another one under its name: UIDs
 * that were given out are given out again, to other mail. Nothing but the mail
 * itself tells which is which. */
static enum rc
set_apart(struct folder *f)
{
	const struct mailbox_cursor *k = f->listed->known;

	log_warn(&f->s->log, "UIDNEXT went back mailbox=%lld from=%lld to=%u",
	    (long long)k->id, (long long)k->uid_next, f->open.uidnext);
	return mailbox_set_apart(
	    f->s->db, f->s->account, f->s->access->id, k->id, NULL);
}

/* The cursor, or a new one where UIDVALIDITY is new. Its modseq is that of
 * before the walk: what changes during it will be told then. */
static enum rc
begin(struct folder *f)
{
	const struct mailbox_cursor *k = f->listed->known;
	int64_t modseq = (int64_t)f->open.highestmodseq;

	f->uid_next = k->uid_next;
	f->uid_low = k->uid_low;
	f->modseq = (uint64_t)k->highestmodseq;
	f->place.news_from = k->news_from;
	f->place.rematch = k->is_stale;
	if (k->uidvalidity == (int64_t)f->open.uidvalidity &&
	    k->uid_next <= (int64_t)f->open.uidnext)
		return RC_OK;
	if (k->uidvalidity == (int64_t)f->open.uidvalidity)
		TRY(set_apart(f));
	else if (k->uidvalidity != 0)
		log_warn(&f->s->log,
		    "UIDVALIDITY changed mailbox=%lld "
		    "from=%lld to=%u",
		    (long long)k->id, (long long)k->uidvalidity,
		    f->open.uidvalidity);
	f->place.uidvalidity = f->open.uidvalidity;
	f->place.rematch = k->uidvalidity != 0;
	f->uid_next = f->uid_low = f->place.news_from = f->open.uidnext;
	f->fresh = true;
	f->modseq = 0;
	FAILPOINT("sync-begin-before");
	TRY(mailbox_begin(f->s->db, f->s->account, k->id, f->open.uidvalidity,
	    f->uid_next, modseq > 0 ? &modseq : NULL));
	FAILPOINT("sync-begin-after");
	return RC_OK;
}

/* ---- flags and losses of what is known ---- */

/* The UIDs whose mail is known: what the cursor has passed, and where that
 * waits for a message, what was stored behind it. */
static void
known_range(const struct folder *f, int64_t *first, int64_t *end)
{
	bool all = f->listed->known->is_waiting;

	*first = all ? 1 : f->uid_low;
	*end = all ? (int64_t)f->open.uidnext : f->uid_next;
}

static enum rc
fetch_flags(struct folder *f, uint64_t since)
{
	const struct imap_fetch how = { .changed_since = since,
		.first_batch = FLAGS_BATCH,
		.batch = FLAGS_BATCH,
		.message = flags_take,
		.arg = f };
	struct imap_set set;
	int64_t first, end;

	known_range(f, &first, &end);
	if (end <= first)
		return RC_OK;
	imap_set_init(&set, f->s->folder);
	imap_set_add(&set, (uint32_t)first, (uint32_t)(end - 1));
	TRY(imap_fetch(f->s->imap, &set, IMAP_ITEMS_FLAGS, &how));
	return flags_flush(f);
}

static enum rc
follow_known(struct folder *f)
{
	if (f->fresh) {
		f->flags_compared = true;
		return RC_OK;
	}
	TRY(flags_flush(f));
	TRY(sync_store_gone(f->s, &f->place, &f->vanished));
	/* An index that was lost and made anew counts from the beginning: what
	 * changed under the old numbers nobody can tell. */
	f->doubt = f->open.highestmodseq < f->modseq;
	if (f->qresync && !f->doubt)
		return RC_OK;
	if (f->modseq > 0 && f->open.highestmodseq > 0 && !f->doubt)
		return f->modseq == f->open.highestmodseq
		    ? RC_OK
		    : fetch_flags(f, f->modseq);
	f->flags_compared = true;
	return fetch_flags(f, 0);
}

/* ---- new mail ---- */

/* As many messages as there are UIDs: none is missing. */
static bool
is_dense(const struct folder *f)
{
	return f->open.exists > 0 && f->open.exists == f->open.uidnext - 1;
}

/* The UIDs that exist from `first` to `last`. */
static enum rc
existing(struct folder *f, int64_t first, int64_t last, struct imap_set *out)
{
	struct imap_set range, found;

	imap_set_init(&range, f->s->folder);
	imap_set_init(out, f->s->folder);
	if (last < first)
		return RC_OK;
	imap_set_add(&range, (uint32_t)first, (uint32_t)last);
	if (last - first < RANGE_DIRECT || is_dense(f)) {
		*out = range;
		return RC_OK;
	}
	TRY(search(f,
	    arena_fmt(f->s->folder, "UID %lld:%lld", (long long)first,
		(long long)last),
	    &found));
	imap_set_intersection(&found, &range, out);
	return RC_OK;
}

/* Without those that a run has stored whose time was over in the middle of a
 * command: however little comes in a run, the next goes on behind it. */
static enum rc
still_wanted(struct folder *f, struct imap_set *set)
{
	struct imap_set known, left;

	if (f->fresh || imap_set_count(set) == 0)
		return RC_OK;
	imap_set_init(&known, f->s->folder);
	imap_set_init(&left, f->s->folder);
	TRY(sync_known(f->s, &f->place, &known));
	imap_set_difference(set, &known, &left);
	*set = left;
	return RC_OK;
}

/* Has a message of this way been put off? */
static bool
waits(const struct folder *f, enum sync_way way)
{
	return f->s->waits.uid != 0 && f->s->waits.way == way;
}

static enum rc
move_cursor(struct folder *f, const int64_t *next, const int64_t *low)
{
	return mailbox_move_cursor(f->s->db, f->s->account, f->place.mailbox,
	    f->place.uidvalidity, next, low, NULL);
}

static enum rc
fetch_newer(struct folder *f)
{
	int64_t next = f->open.uidnext;
	struct imap_set set;

	if (next <= f->uid_next)
		return RC_OK;
	TRY(existing(f, f->uid_next, next - 1, &set));
	if (imap_set_count(&set) > NEWER_FEW || f->listed->known->is_waiting)
		TRY(still_wanted(f, &set));
	TRY(sync_moves(f->s, &f->place, &set));
	TRY(sync_fetch(f->s, &f->place, &set, SYNC_UP));
	return waits(f, SYNC_UP) ? RC_OK : move_cursor(f, &next, NULL);
}

static enum rc
fetch_older(struct folder *f)
{
	const int64_t one = 1;
	struct imap_set set;

	if (f->uid_low <= 1)
		return RC_OK;
	TRY(existing(f, 1, f->uid_low - 1, &set));
	TRY(still_wanted(f, &set));
	/* What a walk of earlier runs left is no news. */
	if (f->fresh)
		TRY(sync_moves(f->s, &f->place, &set));
	TRY(sync_fetch(f->s, &f->place, &set, SYNC_DOWN));
	return waits(f, SYNC_DOWN) ? RC_OK : move_cursor(f, NULL, &one);
}

/* ---- the ledger ---- */

/* What the server shows no way to fetch. */
static enum rc
set_aside(struct folder *f, const struct imap_set *set)
{
	struct imap_walk walk = { .set = set };
	struct sync_row row;
	uint32_t uid;

	while (imap_set_next(&walk, &uid)) {
		sync_row_skip(
		    uid, "the server lists it and does not show it", &row);
		if (!sync_batch_add(f->s->batch, &row)) {
			TRY(sync_store(f->s, &f->place, NULL));
			(void)sync_batch_add(f->s->batch, &row);
		}
	}
	return sync_store(f->s, &f->place, NULL);
}

static enum rc
compare(struct folder *f, struct imap_set *lost, struct imap_set *gone,
    uint32_t *exists)
{
	struct imap_set all, known;

	imap_set_init(&known, f->s->folder);
	imap_set_init(lost, f->s->folder);
	imap_set_init(gone, f->s->folder);
	TRY(search(f, "ALL", &all));
	TRY(sync_known(f->s, &f->place, &known));
	imap_set_difference(&all, &known, lost);
	imap_set_difference(&known, &all, gone);
	*exists = (uint32_t)imap_set_count(&all);
	return RC_OK;
}

/* Whatever the reason for a wrong count: the sets of UIDs are made equal. What
 * is listed twice over and does not come is set aside. */
static enum rc
reconcile(struct folder *f, uint32_t *exists)
{
	struct imap_set lost, gone, still, never;

	f->s->report->compared++;
	TRY(compare(f, &lost, &gone, exists));
	log_info(&f->s->log,
	    "folder compared mailbox=%lld lost=%llu "
	    "gone=%llu",
	    (long long)f->place.mailbox,
	    (unsigned long long)imap_set_count(&lost),
	    (unsigned long long)imap_set_count(&gone));
	TRY(sync_store_gone(f->s, &f->place, &gone));
	if (lost.n == 0)
		return RC_OK;
	TRY(sync_moves(f->s, &f->place, &lost));
	TRY(sync_fetch(f->s, &f->place, &lost, SYNC_ANY));
	TRY(compare(f, &still, &gone, exists));
	/* What is new in it has come meanwhile, and the next poll has it. */
	imap_set_init(&never, f->s->folder);
	imap_set_intersection(&lost, &still, &never);
	*exists -= (uint32_t)(imap_set_count(&still) - imap_set_count(&never));
	return set_aside(f, &never);
}

static enum rc
check_count(struct folder *f, uint32_t *exists)
{
	int64_t held;

	*exists = imap_mailbox(f->s->imap)->exists;
	TRY(mailbox_held(f->s->db, f->s->account, f->place.mailbox, &held));
	return held == (int64_t)*exists && !f->doubt ? RC_OK
						     : reconcile(f, exists);
}

/* As the server said; where it was not asked (sync_list), as the walk has seen.
 * NULL: unknown. */
static const int64_t *
unseen_of(const struct folder *f, int64_t *unseen)
{
	const struct imap_status *said = &f->listed->status;

	*unseen = said->has & IMAP_SAID(UNSEEN) ? (int64_t)said->unseen
						: f->s->unseen;
	return f->fresh || said->has & IMAP_SAID(UNSEEN) ? unseen : NULL;
}

static enum rc
in_step(struct folder *f)
{
	int64_t modseq = (int64_t)f->open.highestmodseq;
	int64_t held, unseen;
	uint32_t exists;

	TRY(check_count(f, &exists));
	if (f->place.rematch)
		TRY(sync_store_stale_gone(f->s, &f->place));
	FAILPOINT("sync-step-before");
	TRY(mailbox_in_step(f->s->db,
	    &(struct mailbox_in_step_args){ .account = f->s->account,
		.id = f->place.mailbox,
		.uidvalidity = f->place.uidvalidity,
		.modseq = modseq > 0 ? &modseq : NULL,
		.messages = exists,
		.unseen = unseen_of(f, &unseen),
		.flags_compared = f->flags_compared },
	    &held));
	FAILPOINT("sync-step-after");
	f->s->report->missing += (int64_t)exists - held;
	return RC_OK;
}

/* First words that a run could not read for the folder's sake. The job that
 * reads them is there before they are due: a run that ends in between leaves
 * none without it. */
static enum rc
texts_again(struct folder *f)
{
	struct sync *s = f->s;

	if (!f->listed->known->texts_missed)
		return RC_OK;
	TRY(sync_texts_queue(s));
	return snippet_in_step(s->db, s->account, f->place.mailbox, NULL);
}

/* ---- the whole ---- */

static enum rc
follow(struct folder *f)
{
	TRY(open_folder(f));
	TRY(find_uidnext(f));
	TRY(begin(f));
	TRY(follow_known(f));
	TRY(fetch_newer(f));
	TRY(fetch_older(f));
	if (f->s->waits.uid != 0)
		return fail(f->s->waits.rc, "message %u: %s", f->s->waits.uid,
		    f->s->waits.why);
	TRY(in_step(f));
	TRY(texts_again(f));
	return f->listed->known->skips_due && !f->fresh
	    ? sync_skipped_retry(f->s, &f->place)
	    : RC_OK;
}

/* A NO alone may also come from a server that is ill: it has to last, and
 * INBOX to be there. */
static enum rc
refused(struct folder *f)
{
	struct imap_mailbox inbox;
	bool for_long, qresync;

	TRY(mailbox_refuse(
	    f->s->db, f->s->account, f->place.mailbox, &for_long));
	if (!for_long || f->place.uidvalidity == 0 ||
	    imap_select(f->s->imap, STR("INBOX"), true, NULL, NULL, &inbox,
		&qresync) != RC_OK)
		return RC_OK;
	log_info(&f->s->log, "folder is gone, though listed mailbox=%lld",
	    (long long)f->place.mailbox);
	TRY(sync_store_all_gone(f->s, &f->place));
	return mailbox_close(f->s->db, f->s->account, f->place.mailbox);
}

static enum rc
note_failure(struct folder *f, enum rc why)
{
	char *detail = arena_str(f->s->arena, fail_detail());

	if (why == RC_STALE || f->s->run->stopping)
		return fail(why, "%s", detail);
	TRY(mailbox_failed(f->s->db, f->s->account, f->place.mailbox,
	    result_code(why), detail, NULL, NULL));
	if (why == RC_NO_FOLDER)
		TRY(refused(f));
	return fail(
	    why, "%.*s: %s", (int)f->place.name.n, f->place.name.p, detail);
}

static void
text_end(void *arg)
{
	struct folder *f = arg;

	arena_free(&f->text);
}

/* One for the whole run: while a folder is open, the session may still tell of
 * it. */
static struct folder *
slot(struct sync *s)
{
	struct arena *text;

	if (s->slot == NULL) {
		s->slot = ARENA_NEW(s->arena, struct folder);
		s->slot->text = arena_new(FLAGS_TEXT);
		arena_defer(s->arena, text_end, s->slot);
	}
	text = s->slot->text;
	arena_reset(text);
	memset(s->slot, 0, sizeof *s->slot);
	s->slot->text = text;
	return s->slot;
}

enum rc
sync_folder(struct sync *s, const struct sync_folder *listed)
{
	struct folder *f = slot(s);
	enum rc rc;

	f->s = s;
	f->listed = listed;
	s->unseen = 0;
	f->place = (struct sync_place){ .wire_name = listed->wire_name,
		.name = listed->name,
		.mailbox = listed->known->id };
	s->waits.uid = 0;
	imap_set_init(&f->vanished, s->folder);
	rc = follow(f);
	return rc == RC_OK ? RC_OK : note_failure(f, rc);
}
