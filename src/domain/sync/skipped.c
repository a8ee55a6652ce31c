/* What was set aside is tried again, about once a day: the server was mended,
 * or we were. */
#include "domain/sync/run.h"

#include "core/failpoint.h"
#include "domain/placement-sql.h"
#include "domain/skipped-sql.h"

#define TRIES_MOST 20 /* a folder and run */

/* ---- one message ---- */

static enum rc
take(void *arg, const struct imap_message *m)
{
	struct sync_batch *b = ((struct sync *)arg)->batch;
	struct sync_row row;

	if (m->sections == 0 && !(m->has & IMAP_HAS_ENVELOPE))
		return RC_OK; /* news of its flags */
	sync_row_make(m, b->arena, &b->scratch, &row);
	if (row.skip_reason.p == NULL && b->n == 0)
		(void)sync_batch_add(b, &row);
	return RC_OK;
}

struct mending {
	struct sync *s;
	const struct sync_place *place;
};

static enum rc
mend_tx(struct db *db, void *arg)
{
	const struct mending *m = arg;
	struct sync *s = m->s;
	struct sync_batch *b = s->batch;
	struct placed_list list;

	TRY(skipped_mend(db,
	    &(struct skipped_mend_args){ .account = s->account,
		.credential = s->access->id,
		.mailbox = m->place->mailbox,
		.uidvalidity = m->place->uidvalidity,
		.uids = { b->uid, b->n },
		.flags = { b->flags, b->n },
		.message_ids = { b->message_id, b->n },
		.in_reply_tos = { b->in_reply_to, b->n },
		.referencess = { b->references, b->n },
		.subjects = { b->subject, b->n },
		.froms = { b->from, b->n },
		.tos = { b->to, b->n },
		.ccs = { b->cc, b->n },
		.bccs = { b->bcc, b->n },
		.reply_tos = { b->reply_to, b->n },
		.sent = { b->sent_at, b->n },
		.received = { b->received_at, b->n },
		.sizes = { b->size, b->n },
		.attachments = { b->has_attachments, b->n },
		.structures = { b->structure, b->n },
		.server_ids = { b->server_id, b->n } },
	    s->step, &list));
	return sync_placed_settle(s, &list);
}

/* What the database does not take stays as it is. */
static enum rc
mend(struct sync *s, const struct sync_place *place)
{
	struct mending m = { s, place };
	enum rc rc = RC_OK;

	if (s->batch->n == 0)
		return RC_OK;
	TRY(sync_texts_queue(s));
	FAILPOINT("sync-mend-before");
	rc = db_tx(s->db, mend_tx, &m);
	FAILPOINT("sync-mend-after");
	if (rc == RC_OK)
		s->report->stored++;
	sync_batch_reset(s->batch);
	arena_reset(s->step);
	return rc == RC_INVALID || rc == RC_TOO_LARGE ? RC_OK : rc;
}

/* *alive: the session can be used on. A message that is refused again stays. */
static enum rc
try_one(
    struct sync *s, const struct sync_place *place, uint32_t uid, bool *alive)
{
	const struct imap_fetch how = { .message = take, .arg = s };
	struct imap_set set;
	enum rc rc;

	imap_set_init(&set, s->folder);
	imap_set_add(&set, uid, uid);
	TRY(skipped_try(s->db, s->account, place->mailbox, uid, NULL));
	rc = imap_fetch(s->imap, &set, sync_fetch_items(s), &how);
	if (rc == RC_OK)
		return mend(s, place);
	sync_batch_reset(s->batch);
	if (s->run->stopping || rc == RC_STALE)
		return rc;
	*alive = sync_alive(s);
	return RC_OK;
}

/* ---- a folder ---- */

enum rc
sync_skipped_retry(struct sync *s, const struct sync_place *place)
{
	struct skipped_list due;
	bool alive = true;
	size_t n = 0;

	TRY(skipped_due(s->db, s->account, place->mailbox, place->uidvalidity,
	    TRIES_MOST, s->folder, &due));
	for (; n < due.n && alive; n++) {
		TRY(try_one(s, place, (uint32_t)due.v[n].uid, &alive));
		TRY(sync_beat(s));
	}
	if (n == due.n && n < TRIES_MOST)
		TRY(skipped_rest(s->db, s->account, place->mailbox, NULL));
	return alive ? RC_OK : sync_reconnect(s); /* the others: next run */
}
