/* A message is carried from one folder to another, and is never in none.
 *
 * MOVE does it in one command. Without it the message is copied, the copy is
 * written down, and then the original is marked and goes by UID EXPUNGE;
 * without UIDPLUS it stays marked, since the plain EXPUNGE would take what
 * others have marked, too.
 *
 * Where it lies then, COPYUID says. What a server does not say, and what a
 * killed run could not write down, is looked for: among the UIDs that the other
 * folder has given out since before, by the bytes. */
#include "domain/sync/hold.h"

#include "core/failpoint.h"
#include "domain/hold-sql.h"

#define LOOK_MOST 200 /* messages of a window whose bytes are read */

/* ---- looking ---- */

static enum rc
note_there(void *arg, const struct imap_message *m)
{
	uint32_t *uid = arg;

	if (m->uid == *uid)
		*uid = 0;
	return RC_OK;
}

enum rc
hold_is_there(struct holding *h, const struct sync_place *place, uint32_t uid,
    bool *there)
{
	const struct imap_fetch how = { .message = note_there, .arg = &uid };
	struct imap_set one;

	TRY(sync_wish_open(h->s, place, &h->open, there));
	if (!*there)
		return RC_OK;
	imap_set_init(&one, h->arena);
	imap_set_add(&one, uid, uid);
	TRY(imap_fetch(h->s->imap, &one, IMAP_ITEMS_FLAGS, &how));
	*there = uid == 0;
	return RC_OK;
}

struct sizes {
	int64_t size;
	struct imap_set like;
};

static enum rc
note_size(void *arg, const struct imap_message *m)
{
	struct sizes *x = arg;

	if (m->uid != 0 && m->has & IMAP_HAS_SIZE &&
	    (int64_t)m->size == x->size)
		imap_set_gather(&x->like, m->uid, m->uid);
	return RC_OK;
}

/* Of `all` those of the right size; all of them where none has it, since some
 * servers count otherwise than they send. */
static enum rc
like_it(struct holding *h, const struct imap_set *all, struct imap_set *out)
{
	struct sizes x = { .size = h->size };
	const struct imap_fetch how = { .message = note_size, .arg = &x };

	imap_set_init(&x.like, h->arena);
	TRY(imap_fetch(h->s->imap, all, "UID RFC822.SIZE", &how));
	imap_set_settle(&x.like);
	*out = x.like.n > 0 ? x.like : *all;
	return RC_OK;
}

static enum rc
take_bytes(void *arg, const void *p, size_t n)
{
	sha256_add(arg, p, n);
	return RC_OK;
}

static enum rc
has_bytes(struct holding *h, uint32_t uid, bool *same)
{
	struct sha256 *sum = sha256_new();
	unsigned char hash[SHA256_SIZE];
	uint64_t size;
	enum rc rc = imap_body(
	    h->s->imap, uid, "", 0, UINT64_MAX / 2, take_bytes, sum, &size);

	sha256_end(&sum, hash);
	*same = rc == RC_OK &&
	    str_eq(h->hash, (struct str){ (const char *)hash, sizeof hash });
	return rc == RC_NO_MESSAGE ? RC_OK : rc;
}

enum rc
hold_has_bytes(
    struct holding *h, const struct sync_place *place, uint32_t uid, bool *same)
{
	TRY(hold_is_there(h, place, uid, same));
	return *same ? has_bytes(h, uid, same) : RC_OK;
}

/* "n:*" always has the last message, too. */
static enum rc
window(struct holding *h, struct imap_set *out)
{
	struct imap_found found;
	struct imap_set range;

	imap_set_init(&range, h->arena);
	imap_set_init(out, h->arena);
	imap_set_add(&range, h->to_next, UINT32_MAX);
	TRY(imap_search(h->s->imap, h->arena,
	    arena_fmt(h->arena, "UID %u:*", h->to_next),
	    (struct str){ NULL, 0 }, &found));
	imap_set_intersection(&found.all, &range, out);
	return RC_OK;
}

static enum rc
is_free(struct holding *h, uint32_t uid, bool *yes)
{
	TRY(hold_taken(h->s->db, h->s->account, h->to.mailbox,
	    h->to.uidvalidity, uid, h->w->email_id, yes));
	*yes = !*yes;
	return RC_OK;
}

enum rc
hold_find(struct holding *h, uint32_t *uid)
{
	struct imap_set all, like;
	struct imap_walk walk = { .set = &like };
	uint32_t at;
	bool yes;

	*uid = 0;
	TRY(sync_wish_open(h->s, &h->to, &h->open, &yes));
	if (!yes)
		return RC_OK;
	TRY(window(h, &all));
	if (all.n == 0)
		return RC_OK;
	TRY(like_it(h, &all, &like));
	for (int i = 0; i < LOOK_MOST && imap_set_next(&walk, &at); i++) {
		TRY(is_free(h, at, &yes));
		if (yes)
			TRY(has_bytes(h, at, &yes));
		if (!yes)
			continue;
		*uid = at;
		return RC_OK;
	}
	return RC_OK;
}

/* ---- taking away ---- */

/* OK to an EXPUNGE does not say that there was one. */
static enum rc
gone_now(struct holding *h)
{
	bool there;

	TRY(hold_is_there(h, &h->at, h->at_uid, &there));
	return there
	    ? fail(RC_DENIED, "the server keeps a message in spite of EXPUNGE")
	    : RC_OK;
}

enum rc
hold_take_away(struct holding *h)
{
	struct imap_set one;
	bool known;

	TRY(sync_wish_open(h->s, &h->at, &h->open, &known));
	if (!known)
		return RC_OK; /* the next sync finds it, and what it is */
	imap_set_init(&one, h->arena);
	imap_set_add(&one, h->at_uid, h->at_uid);
	FAILPOINT("hold-mark-before");
	TRY(imap_store(
	    h->s->imap, &one, "+FLAGS.SILENT", "(\\Deleted)", 0, NULL));
	FAILPOINT("hold-mark-after");
	h->visible = !(imap_caps(h->s->imap) & IMAP_CAP(UIDPLUS));
	if (h->visible) {
		log_info(&h->s->log,
		    "marked only, no UIDPLUS email=%lld mailbox=%lld",
		    (long long)h->w->email_id, (long long)h->at.mailbox);
		return RC_OK;
	}
	TRY(imap_expunge(h->s->imap, &one));
	FAILPOINT("hold-expunge-after");
	return gone_now(h);
}

/* ---- moving ---- */

/* COPYUID of this very message, into the folder that was aimed at. */
static uint32_t
uid_said(const struct holding *h, const struct imap_moved *m)
{
	uint32_t uid;

	if (!m->has || m->uidvalidity != (uint32_t)h->to.uidvalidity ||
	    imap_set_count(&m->to) != 1 || !imap_set_nth(&m->to, 0, &uid))
		return 0;
	return uid;
}

static enum rc
move(struct holding *h, const struct imap_set *one, enum carried *out)
{
	struct imap_moved moved;

	TRY(imap_move(h->s->imap, one, h->to.wire_name, h->arena, &moved));
	FAILPOINT("hold-move-after");
	h->to_uid = uid_said(h, &moved);
	*out = CARRIED;
	/* OK also means: there was nothing to be moved. */
	return h->to_uid != 0 ? RC_OK : hold_carry_again(h, out);
}

static enum rc
original_goes(struct holding *h, enum carried *out)
{
	struct sync *s = h->s;
	enum rc rc;

	db_lazy(s->db, false);
	rc = hold_copied(s->db, s->account, h->w->email_id, (int64_t)h->to_uid);
	db_lazy(s->db, s->standing);
	TRY(rc);
	FAILPOINT("hold-copied-after");
	*out = CARRIED;
	return hold_take_away(h);
}

static enum rc
copy(struct holding *h, const struct imap_set *one, enum carried *out)
{
	struct imap_moved copied;
	bool there;

	TRY(imap_copy(h->s->imap, one, h->to.wire_name, h->arena, &copied));
	FAILPOINT("hold-copy-after");
	h->to_uid = uid_said(h, &copied);
	if (h->to_uid == 0)
		TRY(hold_find(h, &h->to_uid));
	if (h->to_uid != 0)
		return original_goes(h, out);
	TRY(hold_is_there(h, &h->at, h->at_uid, &there));
	*out = there ? LEFT : LOST;
	return there ? fail(RC_DENIED,
			   "the server copies a message, and there "
			   "is no copy")
		     : RC_OK;
}

enum rc
hold_carry(struct holding *h, enum carried *out)
{
	struct imap_set one;
	bool known;

	*out = LEFT;
	TRY(sync_wish_open(h->s, &h->at, &h->open, &known));
	if (!known)
		return RC_OK;
	if (imap_mailbox(h->s->imap)->read_only)
		return fail(RC_DENIED, "the server opens it read-only");
	imap_set_init(&one, h->arena);
	imap_set_add(&one, h->at_uid, h->at_uid);
	return imap_caps(h->s->imap) & IMAP_CAP(MOVE) ? move(h, &one, out)
						      : copy(h, &one, out);
}

enum rc
hold_carry_again(struct holding *h, enum carried *out)
{
	bool there;

	h->to_uid = h->w->to_uid > 0 ? (uint32_t)h->w->to_uid : 0;
	if (h->to_uid == 0)
		TRY(hold_find(h, &h->to_uid));
	TRY(hold_is_there(h, &h->at, h->at_uid, &there));
	*out = h->to_uid != 0 ? CARRIED : there ? LEFT : LOST;
	return h->to_uid != 0 && there ? original_goes(h, out) : RC_OK;
}
