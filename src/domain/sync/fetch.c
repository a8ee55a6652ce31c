/* Messages of a folder, from FETCH into the table. */
#include "domain/sync/run.h"

#include <stdio.h>

#include "core/failpoint.h"
#include "domain/mailbox-sql.h"

#define BATCH_FIRST  200
#define BATCH        2000
#define BATCH_SHRINK 10
/* Beyond, it is the server that is ill. */
#define SKIPS_MOST     1000
#define SKIPS_IN_A_ROW 10
/* Runs in which the connection broke at a message before it is set aside. */
#define SUSPECT_RUNS 3
#define PROOF_MORE   2048

struct fetching {
	struct sync *s;
	const struct sync_place *place;
	enum sync_way way;
	struct imap_set wanted; /* what is still to come */
	struct imap_set got;
	size_t batch; /* UIDs a command */
	int64_t total, done;
	int64_t low; /* the cursor that goes with the next rows; 0: none */
	bool shown;  /* some of it is in the table */
	unsigned skips;
	unsigned in_a_row; /* of them, without a message in between */
	uint32_t suspect;  /* asked alone when the connection broke */
	uint64_t broke_at; /* bytes that had come by then */
};

/* ---- while it runs ---- */

/* Flags that changed in between come as FETCH too. */
static bool
is_news_only(const struct imap_message *m)
{
	return !(m->has & (IMAP_HAS_ENVELOPE | IMAP_HAS_STRUCTURE)) &&
	    m->sections == 0 && m->fault == NULL;
}

/* The batch goes into the table by `store`, and the cursor that it completes
 * with it. */
static enum rc
rows_store(struct fetching *f,
    enum rc (*store)(
	struct sync *, const struct sync_place *, const struct sync_step *))
{
	const struct sync_step step = { NULL, &f->low };

	TRY(store(f->s, f->place, f->low > 0 ? &step : NULL));
	f->low = 0;
	f->shown = true;
	return RC_OK;
}

static enum rc
row_add(struct fetching *f, const struct imap_message *m)
{
	struct sync_batch *b = f->s->batch;
	struct sync_row row;

	sync_row_make(m, b->arena, &b->scratch, &row);
	if (sync_batch_add(b, &row))
		return RC_OK;
	TRY(rows_store(f, sync_store_begin));
	b = f->s->batch;
	sync_row_make(m, b->arena, &b->scratch, &row);
	(void)sync_batch_add(b, &row);
	return RC_OK;
}

static enum rc
take(void *arg, const struct imap_message *m)
{
	struct fetching *f = arg;

	if (m->uid == 0 || is_news_only(m) || imap_set_has(&f->got, m->uid))
		return RC_OK;
	imap_set_add(&f->got, m->uid, m->uid);
	f->done++;
	f->in_a_row = 0;
	f->s->unseen += (m->flags.system & IMAP_SEEN) == 0;
	return row_add(f, m);
}

static void
tell_progress(const struct fetching *f)
{
	const struct job_host *h = f->s->host;

	if (h->progress != NULL)
		h->progress(h->progress_arg,
		    arena_dup(f->s->step, f->place->name.p, f->place->name.n),
		    f->done, f->total);
}

/* Where one waits the cursor does, too: what is stored behind it is known by
 * the UIDs that the tables have. */
static bool
cursor_waits(const struct fetching *f)
{
	return f->s->waits.uid != 0 && f->s->waits.way == f->way;
}

/* Without those from `low` on, newest first as they are asked for: what did not
 * come of them is gone. Keeps `got` as short as a few batches. */
static void
set_cut(struct imap_set *set, uint32_t low)
{
	while (set->n > 0 && set->range[set->n - 1].first >= low)
		set->n--;
	if (set->n > 0 && set->range[set->n - 1].last >= low)
		set->range[set->n - 1].last = low - 1;
}

/* A command is complete. Its last rows wait until there are enough for a batch,
 * but those of the first one, for which somebody may be waiting. */
static enum rc
flush(void *arg, const struct imap_set *done)
{
	struct fetching *f = arg;

	FAILPOINT("sync-fetched");
	if (f->way == SYNC_DOWN && done->n > 0 && !cursor_waits(f))
		f->low = done->range[0].first;
	if (!f->shown)
		TRY(rows_store(f, sync_store_begin));
	if (done->n > 0) {
		set_cut(&f->wanted, done->range[0].first);
		set_cut(&f->got, done->range[0].first);
	}
	tell_progress(f);
	return sync_stopped(f->s) ? sync_stop(f->s) : RC_OK;
}

const char *
sync_fetch_items(const struct sync *s)
{
	uint64_t caps = imap_caps(s->imap);

	if (caps & IMAP_CAP(OBJECTID))
		return IMAP_ITEMS_META " EMAILID";
	return caps & IMAP_CAP(GM_EXT_1) ? IMAP_ITEMS_META " X-GM-MSGID"
					 : IMAP_ITEMS_META;
}

static enum rc
fetch_once(struct fetching *f, const struct imap_set *uids)
{
	const struct imap_fetch how = {
		.first_batch = f->batch < BATCH ? f->batch : BATCH_FIRST,
		.batch = f->batch,
		/* In trouble one by one: a NO leaves the session alive. */
		.depth = f->batch < BATCH ? 1 : 2,
		.message = take,
		.flush = flush,
		.arg = f
	};
	const char *why;
	enum rc rc, ended;

	f->s->resumable = true;
	rc = imap_fetch(f->s->imap, uids, sync_fetch_items(f->s), &how);
	f->s->resumable = false;
	if (rc == RC_OK)
		return rows_store(f, sync_store);
	why = arena_str(f->s->folder, fail_detail());
	ended = sync_settle(f->s);
	/* Its rows are to be fetched again, and no cursor may pass them. */
	if (ended != RC_OK)
		f->low = 0;
	TRY(ended);
	return fail(rc, "%s", why);
}

/* ---- when it fails ---- */

static void
subtract_got(struct fetching *f)
{
	struct imap_set left;

	imap_set_init(&left, f->s->folder);
	imap_set_difference(&f->wanted, &f->got, &left);
	f->wanted = left;
}

static enum rc
set_aside(struct fetching *f, uint32_t uid, const char *why)
{
	struct sync_row row;

	if (++f->skips > SKIPS_MOST)
		return fail(RC_PAYLOAD, "the server refuses too many messages");
	if (++f->in_a_row > SKIPS_IN_A_ROW)
		return fail(
		    RC_CONNECTION, "the server shows no message: %s", why);
	log_warn(&f->s->log, "message set aside mailbox=%lld uid=%u: %s",
	    (long long)f->place->mailbox, uid, why);
	sync_row_skip(uid, why, &row);
	(void)sync_batch_add(f->s->batch, &row);
	imap_set_add(&f->got, uid, uid);
	return sync_store(f->s, f->place, NULL);
}

static enum rc
is_there(void *arg, const struct imap_message *m)
{
	(void)m;
	*(bool *)arg = true;
	return RC_OK;
}

/* A message is at fault only where the server answers for it, and not for its
 * contents: one that refuses everything for a while says nothing about it.
 * `out`: the message; empty: it is gone meanwhile. */
static enum rc
ask_flags(struct fetching *f, uint32_t uid, struct imap_set *out)
{
	bool there = false;
	const struct imap_fetch how = { .message = is_there, .arg = &there };

	imap_set_init(out, f->s->folder);
	imap_set_add(out, uid, uid);
	TRY(imap_fetch(f->s->imap, out, IMAP_ITEMS_FLAGS, &how));
	if (there)
		return RC_OK;
	imap_set_add(&f->got, uid, uid);
	subtract_got(f);
	out->n = 0;
	return RC_OK;
}

static enum rc
nothing_shown(uint32_t uid, const char *why)
{
	char text[400];

	snprintf(text, sizeof text, "%s", why);
	return fail(RC_CONNECTION, "the server shows nothing of message %u: %s",
	    uid, text);
}

static enum rc
accuse(struct fetching *f, uint32_t uid, const char *why)
{
	struct imap_set one;

	if (ask_flags(f, uid, &one) != RC_OK)
		return nothing_shown(uid, why);
	if (one.n > 0)
		TRY(set_aside(f, uid, why));
	subtract_got(f);
	return RC_OK;
}

/* The newest of what is left stands first in the next command: asked alone,
 * it is the one at fault. */
static enum rc
refused(struct fetching *f, const char *why)
{
	uint32_t uid = f->wanted.range[f->wanted.n - 1].last;

	if (f->batch > 1) {
		f->batch /= BATCH_SHRINK;
		f->batch = f->batch == 0 ? 1 : f->batch;
		return RC_OK;
	}
	TRY(accuse(f, uid, why));
	f->batch = BATCH_FIRST;
	return RC_OK;
}

static enum rc
again(struct fetching *f)
{
	TRY(sync_reconnect(f->s));
	return sync_reopen(f->s, f->place);
}

/* It waits for another run; the rest of the folder does not wait with it. */
static enum rc
put_off(struct fetching *f, uint32_t uid, enum rc rc, const char *why)
{
	f->s->waits.uid = uid;
	f->s->waits.way = f->way;
	f->s->waits.rc = rc;
	f->s->waits.why = why;
	log_info(&f->s->log, "message put off mailbox=%lld uid=%u: %s",
	    (long long)f->place->mailbox, uid, why);
	f->batch = BATCH_FIRST;
	imap_set_add(&f->got, uid, uid);
	subtract_got(f);
	return RC_OK;
}

/* The connection broke at this message and nowhere else; it is set aside when
 * it does so in several runs. What is shown and cannot be read needs no more
 * than one. */
static enum rc
witness(struct fetching *f, uint32_t uid, enum rc rc)
{
	const char *why = arena_str(f->s->folder, fail_detail());
	int64_t times;

	TRY(mailbox_suspect(f->s->db, f->s->account, f->place->mailbox,
	    f->place->uidvalidity, uid, &times));
	TRY(again(f));
	if (times < SUSPECT_RUNS && result_is_transient(rc))
		return f->way == SYNC_ANY ? fail(rc, "message %u: %s", uid, why)
					  : put_off(f, uid, rc, why);
	f->batch = BATCH_FIRST;
	TRY(set_aside(f, uid, "the server breaks the connection"));
	subtract_got(f);
	return RC_OK;
}

/* A network that cuts each session at the same byte breaks at the same message
 * each time, too. So a session that has carried more than the last one, and
 * flags of this very message, is asked for it: an innocent one is shown. */
static enum rc
confront(struct fetching *f, uint32_t uid)
{
	struct imap_set one;
	enum rc rc;

	TRY(imap_prove(f->s->imap, f->broke_at + PROOF_MORE));
	if (ask_flags(f, uid, &one) != RC_OK)
		return nothing_shown(uid, fail_detail());
	if (one.n == 0)
		return RC_OK;
	rc = fetch_once(f, &one);
	TRY(sync_is_ours(f->s, rc) ? rc : sync_store(f->s, f->place, NULL));
	if (rc == RC_OK)
		imap_set_add(&f->got, uid, uid); /* or gone meanwhile */
	subtract_got(f);
	if (rc == RC_OK || sync_alive(f->s))
		return RC_OK;
	return imap_is_slow(f->s->imap) ? rc : witness(f, uid, rc);
}

static void
shrink(struct fetching *f)
{
	uint64_t n = imap_set_count(&f->wanted);

	if (f->batch > n)
		f->batch = (size_t)n;
	f->batch = f->batch > BATCH_SHRINK ? f->batch / BATCH_SHRINK : 1;
}

/* While one waits no other is looked for: the tables remember one, and a server
 * is not to be dialled again and again. What has come is kept. */
static enum rc
broken_twice(struct fetching *f, enum rc rc, const char *why)
{
	TRY(again(f));
	return fail(rc, "%s", why);
}

/* A connection may break by chance, so the first time nothing is made of it;
 * twice at one message, asked alone, is worth a closer look. (A NO to one of
 * two commands in flight ends the session too.) */
static enum rc
broken(struct fetching *f, enum rc rc)
{
	uint32_t uid = f->wanted.range[f->wanted.n - 1].last;
	char *why = arena_str(f->s->folder, fail_detail());
	bool alone = f->batch == 1, doubted = alone && f->suspect == uid;

	if (sync_stopped(f->s) && f->s->reconnects == 0)
		return sync_stop(f->s);
	if (sync_stopped(f->s)) /* its time went by with that */
		return fail(rc, "%s", why);
	/* No message's fault, and not to be waited for again and again. */
	if (imap_is_slow(f->s->imap))
		return fail(rc, "%s", why);
	if (f->s->waits.uid != 0)
		return broken_twice(f, rc, why);
	if (f->s->reconnects > 0 || !result_is_transient(rc))
		shrink(f);
	f->suspect = alone ? uid : 0;
	f->broke_at = imap_received(f->s->imap);
	log_info(&f->s->log, "connection lost, tried again code=%s: %s",
	    result_code(rc), why);
	TRY(again(f));
	return doubted ? confront(f, uid) : RC_OK;
}

/* Keeps what has come, and decides how to go on: RC_OK is again. */
static enum rc
survive(struct fetching *f, enum rc rc)
{
	char *why = arena_str(f->s->folder, fail_detail());

	if (sync_is_ours(f->s, rc) && !f->s->run->stopping)
		return fail(rc, "%s", why);
	TRY(rows_store(f, sync_store));
	if (f->s->run->stopping)
		return fail(rc, "%s", why);
	subtract_got(f);
	if (f->wanted.n == 0)
		return RC_OK;
	if (sync_alive(f->s))
		return result_is_transient(rc) ? fail(rc, "%s", why)
					       : refused(f, why);
	(void)fail(rc, "%s", why);
	return broken(f, rc);
}

/* What did come of a set, and what did not: those are gone, or the count at
 * the folder's end tells. */
static enum rc
fetch_set(struct fetching *f)
{
	while (f->wanted.n > 0) {
		enum rc rc = fetch_once(f, &f->wanted);

		if (rc == RC_OK)
			return RC_OK;
		TRY(survive(f, rc));
	}
	return RC_OK;
}

/* Takes the `most` oldest UIDs out of `from`. */
static void
take_oldest(struct imap_set *from, uint64_t most, struct imap_set *out)
{
	struct imap_set newer;
	uint64_t n = imap_set_count(from);

	imap_set_init(&newer, from->arena);
	if (n > most)
		imap_set_take_newest(from, n - most, &newer);
	*out = *from;
	*from = newer;
}

static enum rc
fetch_up(struct fetching *f, const struct imap_set *uids)
{
	struct imap_set rest, none;

	imap_set_init(&none, f->s->folder);
	imap_set_init(&rest, f->s->folder);
	imap_set_union(uids, &none, &rest);
	while (rest.n > 0) {
		int64_t next;

		take_oldest(&rest, BATCH, &f->wanted);
		next = (int64_t)f->wanted.range[f->wanted.n - 1].last + 1;
		TRY(fetch_set(f));
		TRY(sync_store(f->s, f->place,
		    cursor_waits(f) ? NULL
				    : &(struct sync_step){ &next, NULL }));
	}
	return RC_OK;
}

enum rc
sync_fetch(struct sync *s, const struct sync_place *place,
    const struct imap_set *uids, enum sync_way way)
{
	struct fetching f = { .s = s,
		.place = place,
		.way = way,
		.batch = way == SYNC_ANY ? BATCH_FIRST : BATCH,
		.total = (int64_t)imap_set_count(uids) };
	struct imap_set none;

	imap_set_init(&none, s->folder);
	imap_set_init(&f.got, s->folder);
	imap_set_init(&f.wanted, s->folder);
	if (way == SYNC_UP)
		return fetch_up(&f, uids);
	imap_set_union(uids, &none, &f.wanted);
	return fetch_set(&f);
}
