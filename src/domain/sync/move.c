/* Mail that another client moved or copied, on servers that have no id for a
 * message. Three sieves: sizes and times of what is new in the folder, the
 * envelopes of what is left, and of what is left then the bytes; or, where
 * nobody knows the bytes of mail that it is alike to, whether that lies where
 * it lay (proof.c). Done before the new mail is fetched, so that nobody sees a
 * moved message as a new one; and whichever of the two folders comes first,
 * since a message that still lies elsewhere counts as well as one that has
 * vanished. */
#include "domain/sync/run.h"

#include <string.h>

#include "core/failpoint.h"
#include "domain/move-sql.h"
#include "domain/placement-sql.h"
#include "domain/snippet-sql.h"

#define SIZES      5000 /* that one statement compares */
#define CHUNK      100  /* messages whose envelopes are in memory */
#define LYING_MOST 500  /* emails that a chunk is alike to */
/* Looked at in vain in one run. What is beyond is new mail. */
#define LOOKED_MOST 5000

struct moving {
	struct sync *s;
	const struct sync_place *place;
	struct imap_set *set;  /* the caller's */
	struct imap_set sized; /* of the same size as mail with a hash */
	struct imap_set dated; /* of size and time of mail without one */
	int64_t *uid, *size;   /* of all in the set */
	instant *received;
	size_t n, most;
	/* of the chunk at hand, which is in the batch */
	bool is_dated;
	struct ids gone;   /* emails that lie nowhere any more */
	size_t row[CHUNK]; /* places in the batch */
	struct str hash[CHUNK];
	size_t hashes;
	struct imap_set placed;
	struct ids alike; /* emails that were placed without a hash */
};

/* ---- is it worth while? ---- */

static enum rc
ask(struct sync *s)
{
	bool any;

	if (s->moves.asked)
		return RC_OK;
	s->moves.asked = true;
	TRY(move_possible(s->db, s->account, s->access->id, &any));
	s->moves.off = !any ||
	    (imap_caps(s->imap) & (IMAP_CAP(OBJECTID) | IMAP_CAP(GM_EXT_1))) !=
		0;
	return RC_OK;
}

/* ---- sizes and times ---- */

/* A time that is not the server's proves nothing: see received_at of row.c. */
static instant
server_time(const struct imap_message *m)
{
	return m->has & IMAP_HAS_DATE ? m->internal_date : INSTANT_NONE;
}

static enum rc
take_size(void *arg, const struct imap_message *m)
{
	struct moving *x = arg;

	if (!(m->has & IMAP_HAS_SIZE) || x->n == x->most)
		return RC_OK;
	x->uid[x->n] = m->uid;
	x->received[x->n] = server_time(m);
	x->size[x->n++] = m->size <= INT64_MAX ? (int64_t)m->size : 0;
	return RC_OK;
}

static enum rc
compare_sizes(struct moving *x, size_t from, size_t n)
{
	struct sync *s = x->s;
	struct move_sized_list list;

	TRY(move_by_size(s->db,
	    &(struct move_by_size_args){ .account = s->account,
		.credential = s->access->id,
		.mailbox = x->place->mailbox,
		.uidvalidity = x->place->uidvalidity,
		.uids = { x->uid + from, n },
		.sizes = { x->size + from, n },
		.received = { x->received + from, n } },
	    s->step, &list));
	for (size_t i = 0; i < list.n; i++)
		imap_set_gather(list.v[i].is_dated ? &x->dated : &x->sized,
		    (uint32_t)list.v[i].uid, (uint32_t)list.v[i].uid);
	arena_reset(s->step);
	return sync_beat(s);
}

static enum rc
sieve_sizes(struct moving *x)
{
	const struct imap_fetch how = { .message = take_size, .arg = x };

	x->most = (size_t)imap_set_count(x->set);
	x->uid = ARENA_ARRAY(x->s->folder, int64_t, x->most);
	x->size = ARENA_ARRAY(x->s->folder, int64_t, x->most);
	x->received = ARENA_ARRAY(x->s->folder, instant, x->most);
	TRY(imap_fetch(
	    x->s->imap, x->set, "UID INTERNALDATE RFC822.SIZE", &how));
	for (size_t i = 0; i < x->n; i += SIZES)
		TRY(compare_sizes(x, i, x->n - i < SIZES ? x->n - i : SIZES));
	imap_set_settle(&x->sized);
	imap_set_settle(&x->dated);
	return RC_OK;
}

/* ---- envelopes ---- */

static size_t
row_of(const struct sync_batch *b, int64_t uid)
{
	size_t i = 0;

	while (i < b->n && b->uid[i] != uid)
		i++;
	return i;
}

/* What has no room (envelopes of many kilobytes each) is new mail; and what is
 * told twice comes once. */
static enum rc
take_envelope(void *arg, const struct imap_message *m)
{
	struct sync_batch *b = ((struct moving *)arg)->s->batch;
	struct sync_row row;

	if (!(m->has & IMAP_HAS_ENVELOPE) || b->n == CHUNK ||
	    row_of(b, m->uid) < b->n)
		return RC_OK;
	sync_row_make(m, b->arena, &b->scratch, &row);
	row.received_at =
	    row.skip_reason.p == NULL ? server_time(m) : INSTANT_NONE;
	(void)sync_batch_add(b, &row);
	return RC_OK;
}

static enum rc
fetch_envelopes(struct moving *x, const struct imap_set *uids)
{
	const struct imap_fetch how = { .message = take_envelope, .arg = x };

	sync_batch_reset(x->s->batch);
	return imap_fetch(x->s->imap, uids,
	    x->is_dated
		? "UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE"
		: "UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE",
	    &how);
}

/* Of emails without a hash: those that are elsewhere get one, and
 * sieve_envelopes finds it. */
static enum rc
sieve_alike(struct moving *x)
{
	struct sync *s = x->s;
	struct sync_batch *b = s->batch;
	struct move_lying_list list;

	x->gone = (struct ids){ NULL, 0 };
	if (!x->is_dated)
		return RC_OK;
	TRY(move_lying(s->db,
	    &(struct move_lying_args){ .account = s->account,
		.credential = s->access->id,
		.sizes = { b->size, b->n },
		.received = { b->received_at, b->n },
		.message_ids = { b->message_id, b->n },
		.subjects = { b->subject, b->n },
		.froms = { b->from, b->n },
		.tos = { b->to, b->n },
		.sent = { b->sent_at, b->n },
		.structures = { b->structure, b->n },
		.most = LYING_MOST },
	    s->step, &list));
	return list.n > 0 ? sync_prove(s, x->place, &list, &x->gone) : RC_OK;
}

static enum rc
sieve_envelopes(struct moving *x)
{
	struct sync *s = x->s;
	struct sync_batch *b = s->batch;
	struct move_uid_list list;

	TRY(move_by_envelope(s->db,
	    &(struct move_by_envelope_args){ .account = s->account,
		.credential = s->access->id,
		.uids = { b->uid, b->n },
		.sizes = { b->size, b->n },
		.message_ids = { b->message_id, b->n },
		.subjects = { b->subject, b->n },
		.froms = { b->from, b->n },
		.tos = { b->to, b->n },
		.sent = { b->sent_at, b->n } },
	    s->step, &list));
	x->hashes = 0;
	for (size_t i = 0; i < list.n && i < CHUNK; i++)
		x->row[x->hashes++] = row_of(b, list.v[i].uid);
	arena_reset(s->step);
	return RC_OK;
}

/* ---- bytes ---- */

/* Leaves the rows whose hash there is. */
static enum rc
hash_chunk(struct moving *x)
{
	const struct sync_batch *b = x->s->batch;
	struct sync_hashed h;
	size_t n = 0;

	for (size_t i = 0; i < x->hashes && !sync_stopped(x->s); i++) {
		size_t row = x->row[i];

		TRY(sync_hash(x->s, b->uid[row], b->size[row], &h));
		x->row[n] = row;
		x->hash[n] = h.hash;
		n += h.hash.p != NULL;
	}
	x->hashes = n;
	return RC_OK;
}

/* ---- placing ---- */

/* What a statement has placed is settled before the next asks which emails have
 * vanished. */
static enum rc
placed_take(struct moving *x, const struct moved_list *list, struct ids *emails)
{
	int64_t *id = ARENA_ARRAY(x->s->batch->arena, int64_t, list->n);

	for (size_t i = 0; i < list->n; i++) {
		imap_set_gather(&x->placed, (uint32_t)list->v[i].uid,
		    (uint32_t)list->v[i].uid);
		id[i] = list->v[i].email_id;
	}
	*emails = (struct ids){ id, list->n };
	return sync_emails_settle(x->s, *emails);
}

static enum rc
place_hashed(struct moving *x, bool copies)
{
	struct sync *s = x->s;
	struct sync_batch *b = s->batch;
	int64_t uid[CHUNK], size[CHUNK];
	struct str flags[CHUNK];
	struct moved_list list;
	struct ids emails;

	if (x->hashes == 0)
		return RC_OK;
	for (size_t i = 0; i < x->hashes; i++) {
		uid[i] = b->uid[x->row[i]];
		size[i] = b->size[x->row[i]];
		flags[i] = b->flags[x->row[i]];
	}
	TRY(move_place(s->db,
	    &(struct move_place_args){ .account = s->account,
		.application = s->lease->application_id,
		.credential = s->access->id,
		.mailbox = x->place->mailbox,
		.uidvalidity = x->place->uidvalidity,
		.uids = { uid, x->hashes },
		.flags = { flags, x->hashes },
		.sizes = { size, x->hashes },
		.hashes = { x->hash, x->hashes },
		.copies = copies },
	    s->step, &list));
	return placed_take(x, &list, &emails);
}

static enum rc
place_alike(struct moving *x)
{
	struct sync *s = x->s;
	struct sync_batch *b = s->batch;
	struct moved_list list;

	TRY(move_place_alike(s->db,
	    &(struct move_place_alike_args){ .account = s->account,
		.application = s->lease->application_id,
		.credential = s->access->id,
		.mailbox = x->place->mailbox,
		.uidvalidity = x->place->uidvalidity,
		.uids = { b->uid, b->n },
		.flags = { b->flags, b->n },
		.sizes = { b->size, b->n },
		.received = { b->received_at, b->n },
		.message_ids = { b->message_id, b->n },
		.subjects = { b->subject, b->n },
		.froms = { b->from, b->n },
		.tos = { b->to, b->n },
		.sent = { b->sent_at, b->n },
		.structures = { b->structure, b->n },
		.gone = x->gone },
	    s->step, &list));
	return placed_take(x, &list, &x->alike);
}

/* What lay nowhere when its first words were to be read. */
static enum rc
words_again(const struct moving *x)
{
	if (x->alike.n == 0)
		return RC_OK;
	return snippet_again(
	    x->s->db, x->s->account, x->s->access->id, x->alike, NULL);
}

/* Mail that is gone comes first, by its hash where it has one: of two that look
 * the same and of which one was moved, the other is no copy of it. */
static enum rc
place_tx(struct db *db, void *arg)
{
	struct moving *x = arg;

	(void)db;
	imap_set_init(&x->placed, x->s->folder);
	x->alike = (struct ids){ NULL, 0 };
	if (x->is_dated) {
		TRY(place_hashed(x, false));
		TRY(place_alike(x));
		TRY(words_again(x));
	}
	return place_hashed(x, true);
}

static void
leave_set(struct moving *x)
{
	struct imap_set rest;

	imap_set_init(&rest, x->s->folder);
	imap_set_settle(&x->placed);
	imap_set_difference(x->set, &x->placed, &rest);
	*x->set = rest;
}

static enum rc
place(struct moving *x)
{
	uint64_t placed;

	if (x->hashes > 0 || x->is_dated) {
		/* Here before its work is: a run that ends in between leaves
		 * no words without it. */
		if (x->is_dated)
			TRY(sync_texts_queue(x->s));
		FAILPOINT("sync-moves-before");
		TRY(db_tx(x->s->db, place_tx, x));
		FAILPOINT("sync-moves-after");
	}
	leave_set(x);
	placed = imap_set_count(&x->placed);
	x->s->report->moved += (int64_t)placed;
	x->s->moves.looked += (int64_t)x->s->batch->n - (int64_t)placed;
	arena_reset(x->s->step);
	return sync_beat(x->s);
}

/* ---- the whole ---- */

static enum rc
chunk(struct moving *x, const struct imap_set *uids)
{
	imap_set_init(&x->placed, x->s->folder);
	TRY(fetch_envelopes(x, uids));
	TRY(sieve_alike(x));
	TRY(sieve_envelopes(x));
	TRY(hash_chunk(x));
	return place(x);
}

/* What is left when the run has to end is new mail, too. */
static bool
may_look(const struct moving *x)
{
	return x->s->moves.looked < LOOKED_MOST && !sync_stopped(x->s) &&
	    (x->is_dated || sync_may_hash(x->s, 0));
}

static enum rc
chunks(struct moving *x, struct imap_set *from, bool is_dated)
{
	x->is_dated = is_dated;
	while (from->n > 0 && may_look(x)) {
		struct imap_set uids;

		imap_set_init(&uids, x->s->folder);
		imap_set_take_newest(from, CHUNK, &uids);
		TRY(chunk(x, &uids));
	}
	return RC_OK;
}

static enum rc
find(struct moving *x)
{
	TRY(sieve_sizes(x));
	TRY(chunks(x, &x->dated, true));
	return chunks(x, &x->sized, false);
}

/* Mail is not kept waiting by a server that does not show it whole. */
static enum rc
give_up(struct moving *x, enum rc rc)
{
	struct sync *s = x->s;

	log_info(&s->log, "moves not looked for mailbox=%lld: %s",
	    (long long)x->place->mailbox, fail_detail());
	s->moves.off = true;
	if (sync_is_ours(s, rc))
		return rc;
	if (sync_alive(s))
		return sync_come_back(s, x->place);
	TRY(sync_reconnect(s));
	s->moves.away = true;
	return sync_come_back(s, x->place);
}

/* After a new UIDVALIDITY mail is matched in another way, without fetching all
 * of it. */
enum rc
sync_moves(struct sync *s, const struct sync_place *place, struct imap_set *set)
{
	struct moving x = { .s = s, .place = place, .set = set };
	enum rc rc;

	if (set->n == 0 || place->rematch || s->moves.off)
		return RC_OK;
	TRY(ask(s));
	if (s->moves.off)
		return RC_OK;
	imap_set_init(&x.sized, s->folder);
	imap_set_init(&x.dated, s->folder);
	rc = find(&x);
	sync_batch_reset(s->batch);
	return rc == RC_OK ? RC_OK : give_up(&x, rc);
}
