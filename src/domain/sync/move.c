/* Mail that another client moved or copied, on servers that have no id for a
 * message. Three sieves: the sizes of what is new in the folder, the envelopes
 * of what is left, the bytes of what is left then. Done before the new mail is
 * fetched, so that nobody sees a moved message as a new one; and whichever of
 * the two folders comes first, since a message that still lies elsewhere
 * counts as well as one that has vanished. */
#include "domain/sync/run.h"

#include <string.h>

#include "core/failpoint.h"
#include "domain/move-sql.h"
#include "domain/placement-sql.h"

#define SIZES 5000 /* that one statement compares */
#define CHUNK 100  /* messages whose envelopes are in memory */
/* Looked at, and fetched whole, in one run; a mailbox full of messages that
 * look alike must not be read at each poll. What is beyond is new mail. */
#define LOOKED_MOST       5000
#define HASHED_MOST       2000
#define HASHED_MOST_BYTES ((uint64_t)256 << 20)

struct moving {
	struct sync *s;
	const struct sync_place *place;
	struct imap_set *set;  /* the caller's */
	struct imap_set alike; /* of the same size as known mail */
	int64_t *uid, *size;   /* of all in the set */
	size_t n, most;
	/* of the chunk at hand */
	size_t row[CHUNK]; /* places in the batch */
	struct str hash[CHUNK];
	size_t hashes;
	struct moved_list placed;
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

/* ---- sizes ---- */

static enum rc
take_size(void *arg, const struct imap_message *m)
{
	struct moving *x = arg;

	if (!(m->has & IMAP_HAS_SIZE) || x->n == x->most)
		return RC_OK;
	x->uid[x->n] = m->uid;
	x->size[x->n++] = m->size <= INT64_MAX ? (int64_t)m->size : 0;
	return RC_OK;
}

static enum rc
compare_sizes(struct moving *x, size_t from, size_t n)
{
	struct sync *s = x->s;
	struct move_uid_list list;

	TRY(move_by_size(s->db, s->account, s->access->id, x->place->mailbox,
	    x->place->uidvalidity, (struct ints){ x->uid + from, n },
	    (struct ints){ x->size + from, n }, s->step, &list));
	for (size_t i = 0; i < list.n; i++)
		imap_set_gather(&x->alike, (uint32_t)list.v[i].uid,
		    (uint32_t)list.v[i].uid);
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
	TRY(imap_fetch(x->s->imap, x->set, "UID RFC822.SIZE", &how));
	for (size_t i = 0; i < x->n; i += SIZES)
		TRY(compare_sizes(x, i, x->n - i < SIZES ? x->n - i : SIZES));
	imap_set_settle(&x->alike);
	return RC_OK;
}

/* ---- envelopes ---- */

/* What has no room (envelopes of many kilobytes each) is new mail. */
static enum rc
take_envelope(void *arg, const struct imap_message *m)
{
	struct sync_batch *b = ((struct moving *)arg)->s->batch;
	struct sync_row row;

	if (!(m->has & IMAP_HAS_ENVELOPE) || b->n == CHUNK)
		return RC_OK;
	sync_row_make(m, b->arena, &b->scratch, &row);
	(void)sync_batch_add(b, &row);
	return RC_OK;
}

static size_t
row_of(const struct sync_batch *b, int64_t uid)
{
	size_t i = 0;

	while (i < b->n && b->uid[i] != uid)
		i++;
	return i;
}

static enum rc
sieve_envelopes(struct moving *x, const struct imap_set *uids)
{
	const struct imap_fetch how = { .message = take_envelope, .arg = x };
	struct sync *s = x->s;
	struct sync_batch *b = s->batch;
	struct move_uid_list list;

	TRY(imap_fetch(s->imap, uids,
	    "UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE", &how));
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

static enum rc
take_bytes(void *arg, const void *p, size_t n)
{
	sha256_add(arg, p, n);
	return RC_OK;
}

static bool
may_hash(const struct sync *s, int64_t size)
{
	return s->moves.hashed < HASHED_MOST &&
	    s->moves.bytes + (uint64_t)size <= HASHED_MOST_BYTES;
}

/* What is left when the run has to end is new mail, too. */
static bool
may_look(const struct sync *s)
{
	return s->moves.looked < LOOKED_MOST && may_hash(s, 0) &&
	    !sync_stopped(s);
}

/* p == NULL: it is not to be had. */
static enum rc
hash_one(struct moving *x, size_t row, struct str *out)
{
	struct sync *s = x->s;
	unsigned char *hash = arena_alloc(s->batch->arena, SHA256_SIZE);
	struct sha256 *sum;
	uint64_t n = 0;
	enum rc rc;

	*out = (struct str){ NULL, 0 };
	if (!may_hash(s, s->batch->size[row]))
		return RC_OK;
	sum = sha256_new();
	rc = imap_body(s->imap, (uint32_t)s->batch->uid[row], "", 0,
	    HASHED_MOST_BYTES, take_bytes, sum, &n);
	sha256_end(&sum, hash);
	s->moves.hashed++;
	s->moves.bytes += n;
	if (rc == RC_NO_MESSAGE)
		return RC_OK;
	TRY(rc);
	*out = (struct str){ (const char *)hash, SHA256_SIZE };
	return RC_OK;
}

/* Leaves the rows whose hash there is. */
static enum rc
hash_chunk(struct moving *x)
{
	size_t n = 0;

	for (size_t i = 0; i < x->hashes && !sync_stopped(x->s); i++) {
		x->row[n] = x->row[i];
		TRY(hash_one(x, x->row[n], &x->hash[n]));
		n += x->hash[n].p != NULL;
	}
	x->hashes = n;
	return RC_OK;
}

/* ---- placing ---- */

static enum rc
place_tx(struct db *db, void *arg)
{
	struct moving *x = arg;
	struct sync *s = x->s;
	struct sync_batch *b = s->batch;
	int64_t uid[CHUNK], size[CHUNK], email[CHUNK];
	struct str flags[CHUNK];

	for (size_t i = 0; i < x->hashes; i++) {
		uid[i] = b->uid[x->row[i]];
		size[i] = b->size[x->row[i]];
		flags[i] = b->flags[x->row[i]];
	}
	TRY(move_place(db,
	    &(struct move_place_args){ .account = s->account,
		.application = s->lease->application_id,
		.credential = s->access->id,
		.mailbox = x->place->mailbox,
		.uidvalidity = x->place->uidvalidity,
		.uids = { uid, x->hashes },
		.flags = { flags, x->hashes },
		.sizes = { size, x->hashes },
		.hashes = { x->hash, x->hashes } },
	    s->step, &x->placed));
	for (size_t i = 0; i < x->placed.n; i++)
		email[i] = x->placed.v[i].email_id;
	return sync_emails_settle(s, (struct ids){ email, x->placed.n });
}

static void
leave_set(struct moving *x)
{
	struct imap_set known, rest;

	imap_set_init(&known, x->s->folder);
	imap_set_init(&rest, x->s->folder);
	for (size_t i = 0; i < x->placed.n; i++)
		imap_set_gather(&known, (uint32_t)x->placed.v[i].uid,
		    (uint32_t)x->placed.v[i].uid);
	imap_set_settle(&known);
	imap_set_difference(x->set, &known, &rest);
	*x->set = rest;
}

static enum rc
place(struct moving *x)
{
	if (x->hashes == 0)
		return RC_OK;
	FAILPOINT("sync-moves-before");
	TRY(db_tx(x->s->db, place_tx, x));
	FAILPOINT("sync-moves-after");
	leave_set(x);
	x->s->report->moved += (int64_t)x->placed.n;
	arena_reset(x->s->step);
	return sync_beat(x->s);
}

/* ---- the whole ---- */

static enum rc
chunk(struct moving *x, const struct imap_set *uids)
{
	sync_batch_reset(x->s->batch);
	TRY(sieve_envelopes(x, uids));
	TRY(hash_chunk(x));
	return place(x);
}

static enum rc
find(struct moving *x)
{
	TRY(sieve_sizes(x));
	while (x->alike.n > 0 && may_look(x->s)) {
		struct imap_set uids;

		imap_set_init(&uids, x->s->folder);
		imap_set_take_newest(&x->alike, CHUNK, &uids);
		x->s->moves.looked += CHUNK;
		TRY(chunk(x, &uids));
	}
	return RC_OK;
}

/* Mail is not kept waiting by a server that does not show it whole. */
static enum rc
give_up(struct moving *x, enum rc rc)
{
	struct sync *s = x->s;

	log_info(&s->log, "moves not looked for mailbox=%lld: %s",
	    (long long)x->place->mailbox, fail_detail());
	s->moves.off = true;
	if (sync_is_ours(s, rc) || sync_alive(s))
		return sync_is_ours(s, rc) ? rc : RC_OK;
	TRY(sync_reconnect(s));
	return sync_reopen(s, x->place);
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
	imap_set_init(&x.alike, s->folder);
	rc = find(&x);
	sync_batch_reset(s->batch);
	return rc == RC_OK ? RC_OK : give_up(&x, rc);
}
