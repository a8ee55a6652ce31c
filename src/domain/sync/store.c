#include "domain/sync/run.h"

#include <stdlib.h>

#include "core/failpoint.h"
#include "domain/event-sql.h"
#include "domain/hold-sql.h"
#include "domain/placement-sql.h"
#include "domain/report-sql.h"
#include "domain/task.h"

#define GONE_MOST 5000 /* placements that one transaction removes */

/* ---- settling ---- */

/* Where they lie is as before. */
static enum rc
settle_flags(struct sync *s, struct ids emails)
{
	if (emails.n == 0)
		return RC_OK;
	TRY(email_hold(s->db, s->account, emails, NULL));
	return email_settle(s->db, s->account, emails, NULL);
}

enum rc
sync_emails_settle(struct sync *s, struct ids emails)
{
	if (emails.n == 0)
		return RC_OK;
	TRY(settle_flags(s, emails));
	return placement_mark_copies(s->db, s->account, emails, NULL);
}

static struct ids
ids_of(struct sync *s, const struct placed_list *list)
{
	int64_t *id = ARENA_ARRAY(s->step, int64_t, list->n);

	for (size_t i = 0; i < list->n; i++)
		id[i] = list->v[i].email_id;
	return (struct ids){ id, list->n };
}

enum rc
sync_placed_settle(struct sync *s, const struct placed_list *list)
{
	return sync_emails_settle(s, ids_of(s, list));
}

/* ---- batches ---- */

struct slice {
	struct sync *s;
	struct sync_batch *batch;
	const struct sync_place *place;
	const struct sync_step *step;
	size_t from, n;
	struct ingested *done;
};

static enum rc
rematch(const struct slice *x)
{
	struct sync_batch *b = x->batch;
	struct placed_list matched;

	TRY(placement_rematch(x->s->db,
	    &(struct placement_rematch_args){ .account = x->s->account,
		.application = x->s->lease->application_id,
		.credential = x->s->access->id,
		.mailbox = x->place->mailbox,
		.uidvalidity = x->place->uidvalidity,
		.uids = { b->uid + x->from, x->n },
		.flags = { b->flags + x->from, x->n },
		.message_ids = { b->message_id + x->from, x->n },
		.subjects = { b->subject + x->from, x->n },
		.froms = { b->from + x->from, x->n },
		.tos = { b->to + x->from, x->n },
		.sent = { b->sent_at + x->from, x->n },
		.received = { b->received_at + x->from, x->n },
		.sizes = { b->size + x->from, x->n },
		.structures = { b->structure + x->from, x->n } },
	    x->s->step, &matched));
	return sync_placed_settle(x->s, &matched);
}

/* The least and the greatest UID of a slice. */
static void
slice_range(const struct slice *x, int64_t *low, int64_t *high)
{
	const int64_t *uid = x->batch->uid + x->from;

	*low = INT64_MAX;
	*high = 0;
	for (size_t i = 0; i < x->n; i++) {
		*low = uid[i] < *low ? uid[i] : *low;
		*high = uid[i] > *high ? uid[i] : *high;
	}
}

/* A column of a slice; one of nothing but NULLs as no array at all, which
 * costs neither side anything. */
static struct texts
column(const struct slice *x, const struct str *v)
{
	v += x->from;
	for (size_t i = 0; i < x->n; i++)
		if (v[i].p != NULL)
			return (struct texts){ v, x->n };
	return (struct texts){ NULL, 0 };
}

static enum rc
ingest(struct slice *x)
{
	struct sync_batch *b = x->batch;
	int64_t low, high;

	slice_range(x, &low, &high);
	return placement_ingest(x->s->db,
	    &(struct placement_ingest_args){ .account = x->s->account,
		.application = x->s->lease->application_id,
		.credential = x->s->access->id,
		.mailbox = x->place->mailbox,
		.uidvalidity = x->place->uidvalidity,
		.uid_next = x->step != NULL ? x->step->uid_next : NULL,
		.uid_low = x->step != NULL ? x->step->uid_low : NULL,
		.uids = { b->uid + x->from, x->n },
		.flags = { b->flags + x->from, x->n },
		.message_ids = { b->message_id + x->from, x->n },
		.in_reply_tos = column(x, b->in_reply_to),
		.referencess = column(x, b->references),
		.subjects = { b->subject + x->from, x->n },
		.froms = { b->from + x->from, x->n },
		.tos = { b->to + x->from, x->n },
		.ccs = column(x, b->cc),
		.bccs = column(x, b->bcc),
		.reply_tos = column(x, b->reply_to),
		.sent = { b->sent_at + x->from, x->n },
		.received = { b->received_at + x->from, x->n },
		.sizes = { b->size + x->from, x->n },
		.attachments = { b->has_attachments + x->from, x->n },
		.structures = { b->structure + x->from, x->n },
		.server_ids = column(x, b->server_id),
		.skip_reasons = column(x, b->skip_reason),
		.low = low,
		.high = high,
		.has_ids = b->has_ids,
		.news_from = x->place->news_from },
	    x->s->step, &x->done);
}

/* What looks like a report about mail of ours is read by a job. */
static enum rc
reports_queue(struct slice *x)
{
	const struct task_new task = {
		.application_id = x->s->lease->application_id,
		.action = "imap_read_reports",
		.priority = 4,
		.credential_id = x->s->access->id,
		.once = true,
		.run_at = INSTANT_NONE,
	};
	struct task_started *started;

	return task_start(x->s->db, x->s->account, &task, x->s->step, &started);
}

/* Also within a pipeline: what it answers lives as the run. */
static enum rc
texts_start(struct sync *s)
{
	const struct task_new task = {
		.application_id = s->lease->application_id,
		.action = "imap_fetch_text",
		.credential_id = s->access->id,
		.once = true,
		.run_at = INSTANT_NONE,
	};
	struct task_started **started =
	    ARENA_NEW(s->arena, struct task_started *);

	return task_start(s->db, s->account, &task, s->arena, started);
}

static enum rc
news_tell(struct slice *x)
{
	struct sync *s = x->s;
	int64_t reports;

	if (x->done->news.n == 0)
		return RC_OK;
	db_pipe_begin(s->db);
	TRY(event_received(
	    s->db, s->account, x->place->mailbox, x->done->news, NULL));
	TRY(hold_arrive(s->db, s->account, x->place->mailbox, x->done->news,
	    s->told_at, NULL));
	TRY(report_note(
	    s->db, s->account, x->place->mailbox, x->done->news, &reports));
	if (!s->texts_queued)
		TRY(texts_start(s));
	TRY(db_pipe_end(s->db));
	return reports > 0 ? reports_queue(x) : RC_OK;
}

static enum rc
slice_tx(struct db *db, void *arg)
{
	struct slice *x = arg;

	(void)db;
	if (x->place->rematch)
		TRY(rematch(x));
	TRY(ingest(x));
	TRY(news_tell(x));
	return sync_emails_settle(x->s, x->done->joined);
}

/* Only mail that may be known already, and news, need more than one
 * statement: a first sync has neither. */
static bool
needs_tx(const struct slice *x)
{
	int64_t low, high;

	slice_range(x, &low, &high);
	return x->place->rematch || x->batch->has_ids ||
	    high >= x->place->news_from;
}

static void
slice_count(const struct slice *x)
{
	x->s->report->stored += x->done->stored;
	x->s->report->skipped += x->done->skipped;
}

static enum rc
slice_write(struct slice *x)
{
	enum rc rc;

	FAILPOINT("sync-batch-before");
	if (needs_tx(x))
		rc = db_tx(x->s->db, slice_tx, x);
	else
		rc = ingest(x);
	if (rc == RC_OK)
		slice_count(x);
	FAILPOINT("sync-batch-after");
	arena_reset(x->s->step);
	return rc;
}

static bool
is_refusal(enum rc rc)
{
	return rc == RC_INVALID || rc == RC_TOO_LARGE;
}

/* Halves a slice until the row that the database refuses stands alone. */
static enum rc
slice_store(struct slice *x)
{
	struct slice half = *x;
	enum rc rc = slice_write(x);

	if (!is_refusal(rc))
		return rc;
	if (x->n == 1) {
		log_warn(&x->s->host->log, "message set aside uid=%lld: %s",
		    (long long)x->batch->uid[x->from], fail_detail());
		sync_batch_spoil(
		    x->batch, x->from, "the database did not take it");
		return slice_write(x);
	}
	half.n = x->n / 2;
	half.step = NULL;
	TRY(slice_store(&half));
	half.from = x->from + half.n;
	half.n = x->n - half.n;
	half.step = x->step;
	return slice_store(&half);
}

enum rc
sync_texts_queue(struct sync *s)
{
	if (s->texts_queued)
		return RC_OK;
	s->texts_queued = true;
	return texts_start(s);
}

/* ---- one batch on its way ---- */

/* A slice, and where its cursor goes, for as long as the write takes. */
struct sync_sending {
	struct slice slice;
	struct sync_step step;
	int64_t uid_next, uid_low;
};

static void
sending_step(struct sync_sending *w, const struct sync_step *step)
{
	if (step == NULL)
		return;
	w->slice.step = &w->step;
	if (step->uid_next != NULL) {
		w->uid_next = *step->uid_next;
		w->step.uid_next = &w->uid_next;
	}
	if (step->uid_low != NULL) {
		w->uid_low = *step->uid_low;
		w->step.uid_low = &w->uid_low;
	}
}

/* The batch that was filled is now the one on its way. */
static void
batches_swap(struct sync *s)
{
	struct sync_batch *full = s->batch;

	s->batch = s->sent;
	s->sent = full;
}

static enum rc
slice_send(struct slice *x)
{
	FAILPOINT("sync-batch-before");
	db_pipe_begin(x->s->db);
	TRY(ingest(x));
	return db_pipe_send(x->s->db);
}

/* What was sent, or could not be: how it ends. */
static enum rc
sending_end(struct sync *s, enum rc rc)
{
	struct sync_sending *w = s->sending;

	s->sending = NULL;
	if (rc == RC_OK) {
		slice_count(&w->slice);
		FAILPOINT("sync-batch-after");
	} else if (is_refusal(rc)) {
		rc = slice_store(&w->slice);
	}
	free(w);
	sync_batch_reset(s->sent);
	arena_reset(s->step);
	return rc;
}

enum rc
sync_settle(struct sync *s)
{
	if (s->sending == NULL)
		return RC_OK;
	return sending_end(s, db_pipe_wait(s->db));
}

enum rc
sync_store_begin(struct sync *s, const struct sync_place *place,
    const struct sync_step *step)
{
	struct slice x = {
		.s = s, .batch = s->batch, .place = place, .n = s->batch->n
	};
	struct sync_sending *w;
	enum rc rc;

	TRY(sync_settle(s));
	if (x.n == 0 || needs_tx(&x))
		return sync_store(s, place, step);
	sync_batch_turn(s->batch);
	TRY(sync_texts_queue(s));
	TRY(sync_beat(s));
	w = calloc(1, sizeof *w);
	if (w == NULL)
		die("out of memory");
	w->slice = x;
	sending_step(w, step);
	batches_swap(s);
	s->sending = w;
	rc = slice_send(&w->slice);
	return rc == RC_OK ? RC_OK : sending_end(s, rc);
}

enum rc
sync_store(struct sync *s, const struct sync_place *place,
    const struct sync_step *step)
{
	struct slice x = { .s = s,
		.batch = s->batch,
		.place = place,
		.step = step,
		.n = s->batch->n };

	TRY(sync_settle(s));
	sync_batch_turn(s->batch);
	/* Somebody waits for it: the job comes with the news (news_tell). */
	if (x.n > 0 && !s->standing)
		TRY(sync_texts_queue(s));
	if (x.n > 0 || step != NULL)
		TRY(slice_store(&x));
	sync_batch_reset(s->batch);
	return sync_beat(s);
}

/* ---- flags ---- */

struct flag_change {
	struct sync *s;
	const struct sync_place *place;
	struct ints uids;
	struct texts flags;
	size_t changed;
};

static enum rc
flags_tx(struct db *db, void *arg)
{
	struct flag_change *c = arg;
	struct placed_list differ;

	TRY(placement_flag(db, c->s->account, c->place->mailbox,
	    c->place->uidvalidity, c->uids, c->flags, c->s->step, &differ));
	c->changed = differ.n;
	return settle_flags(c->s, ids_of(c->s, &differ));
}

enum rc
sync_store_flags(struct sync *s, const struct sync_place *place,
    const int64_t *uid, const struct str *flags, size_t n)
{
	struct flag_change c = { .s = s,
		.place = place,
		.uids = { uid, n },
		.flags = { flags, n } };

	if (n == 0)
		return RC_OK;
	FAILPOINT("sync-flags-before");
	TRY(db_tx(s->db, flags_tx, &c));
	FAILPOINT("sync-flags-after");
	s->report->flags += (int64_t)c.changed;
	arena_reset(s->step);
	return sync_beat(s);
}

/* ---- what is gone ---- */

struct gone {
	struct sync *s;
	const struct sync_place *place; /* NULL: in folders that are gone */
	struct ints firsts, lasts;      /* n 0: of other UIDVALIDITYs */
	size_t n;
};

static enum rc
gone_take(struct gone *g, struct placed_list *list)
{
	struct sync *s = g->s;

	if (g->place == NULL)
		return placement_expunge_removed(
		    s->db, s->account, s->access->id, GONE_MOST, s->step, list);
	if (g->firsts.n == 0)
		return placement_expunge_stale(s->db, s->account,
		    g->place->mailbox, g->place->uidvalidity, GONE_MOST,
		    s->step, list);
	return placement_expunge(s->db, s->account, g->place->mailbox,
	    g->place->uidvalidity, g->firsts, g->lasts, GONE_MOST, s->step,
	    list);
}

static enum rc
gone_tx(struct db *db, void *arg)
{
	struct gone *g = arg;
	struct placed_list list;

	(void)db;
	TRY(gone_take(g, &list));
	g->n = list.n;
	return sync_placed_settle(g->s, &list);
}

static enum rc
gone_all(struct gone *g)
{
	do {
		FAILPOINT("sync-gone-before");
		TRY(db_tx(g->s->db, gone_tx, g));
		FAILPOINT("sync-gone-after");
		g->s->report->expunged += (int64_t)g->n;
		arena_reset(g->s->step);
		TRY(sync_beat(g->s));
	} while (g->n == GONE_MOST);
	return RC_OK;
}

enum rc
sync_store_gone(
    struct sync *s, const struct sync_place *place, const struct imap_set *set)
{
	struct gone g = { .s = s, .place = place };
	int64_t *first = ARENA_ARRAY(s->folder, int64_t, set->n);
	int64_t *last = ARENA_ARRAY(s->folder, int64_t, set->n);

	if (set->n == 0)
		return RC_OK;
	for (size_t i = 0; i < set->n; i++) {
		first[i] = set->range[i].first;
		last[i] = set->range[i].last;
	}
	g.firsts = (struct ints){ first, set->n };
	g.lasts = (struct ints){ last, set->n };
	return gone_all(&g);
}

enum rc
sync_store_all_gone(struct sync *s, const struct sync_place *place)
{
	struct imap_set all;

	arena_reset(s->folder);
	imap_set_init(&all, s->folder);
	imap_set_add(&all, 1, UINT32_MAX);
	TRY(sync_store_gone(s, place, &all));
	return sync_store_stale_gone(s, place);
}

enum rc
sync_store_stale_gone(struct sync *s, const struct sync_place *place)
{
	return gone_all(&(struct gone){ .s = s, .place = place });
}

enum rc
sync_store_removed_gone(struct sync *s)
{
	return gone_all(&(struct gone){ .s = s });
}

enum rc
sync_known(struct sync *s, const struct sync_place *place, struct imap_set *out)
{
	struct uid_range_list list;

	TRY(placement_ranges(s->db, s->account, place->mailbox,
	    place->uidvalidity, s->step, &list));
	for (size_t i = 0; i < list.n; i++)
		imap_set_add(
		    out, (uint32_t)list.v[i].first, (uint32_t)list.v[i].last);
	arena_reset(s->step);
	return RC_OK;
}
