/* What nobody decides about in time, and what is over.
 *
 * Held mail is discarded or released when the account's time for it has come.
 * Mail that was discarded goes from the quarantine when the retention is over,
 * and the bytes that were kept go last: whoever was killed in between begins
 * again. */
#include "domain/sync/hold.h"

#include "core/effect.h"
#include "core/failpoint.h"
#include "domain/hold-sql.h"
#include "domain/interception-sql.h"

#define OVER_MOST 100 /* a run */

/* ---- nobody has decided ---- */

struct expiry {
	struct sync *s;
	const struct hold_expired *row;
};

static enum rc
expire_tx(struct db *db, void *arg)
{
	const struct expiry *x = arg;
	int64_t account = x->s->account, email = x->row->email_id;

	if (!x->row->is_release) {
		TRY(held_discard(db, account, email, NULL));
		return hold_event(
		    db, account, email, "message.discarded", NULL);
	}
	return held_release(db, account, email, false, 0, NULL);
}

/* A person who decides at the same moment goes before. */
static enum rc
expire(struct sync *s, const struct hold_expired *row)
{
	struct expiry x = { s, row };
	enum rc rc = db_tx(s->db, expire_tx, &x);

	if (rc == RC_NOT_FOUND)
		return RC_OK;
	TRY(rc);
	log_info(&s->log, "expired email=%lld action=%s",
	    (long long)row->email_id, row->is_release ? "release" : "discard");
	return RC_OK;
}

static enum rc
expire_all(struct sync *s, struct arena *a)
{
	struct hold_expired_list l;

	TRY(hold_expired(s->db, s->account, s->access->id, OVER_MOST, a, &l));
	for (size_t i = 0; i < l.n; i++)
		TRY(expire(s, &l.v[i]));
	return RC_OK;
}

/* ---- over ---- */

/* Only what has the bytes that were discarded: a server that was put back from
 * a backup gives UIDs out again. */
static enum rc
leave_quarantine(void *arg)
{
	struct holding *h = arg;
	bool there;

	if (h->at.mailbox == 0)
		return RC_OK;
	TRY(hold_has_bytes(h, &h->at, h->at_uid, &there));
	return there ? hold_take_away(h) : RC_OK;
}

static void
bytes_drop(struct holding *h, struct str hash, bool in_use)
{
	if (hash.p != NULL && !in_use)
		raw_store_drop(h->raws, hash, h->arena);
}

static enum rc
forget_bytes(void *arg)
{
	struct holding *h = arg;
	struct sync *s = h->s;
	bool came = true, form = true;

	TRY(hold_bytes_gone(s->db, s->account, h->w->email_id));
	FAILPOINT("hold-over-marked");
	TRY(hold_uses(s->db, s->account, h->w->sha256, &came));
	if (h->w->edited_sha256.p != NULL)
		TRY(hold_uses(s->db, s->account, h->w->edited_sha256, &form));
	bytes_drop(h, h->w->sha256, came);
	bytes_drop(h, h->w->edited_sha256, form);
	return RC_OK;
}

static const struct effect end =
    EFFECT("hold-over", NULL, leave_quarantine, forget_bytes);

static enum rc
end_one(struct sync *s, struct raw_store *raws, const struct hold_work *w)
{
	struct holding h = { .s = s,
		.raws = raws,
		.arena = arena_new((size_t)64 << 20),
		.w = w,
		.hash = w->sha256,
		.size = w->size_bytes };
	enum rc rc;

	hold_at_take(&h);
	rc = effect_run(&end, &h);
	arena_free(&h.arena);
	return rc;
}

static enum rc
end_all(struct sync *s, struct raw_store *raws, struct arena *a)
{
	struct hold_work_list l;

	TRY(hold_over(s->db, s->account, s->access->id,
	    (int32_t)s->host->conf->hold_keep, OVER_MOST, a, &l));
	for (size_t i = 0; i < l.n; i++) {
		TRY(end_one(s, raws, &l.v[i]));
		TRY(sync_beat(s));
	}
	if (l.n > 0)
		raw_store_tidy(raws, a);
	return RC_OK;
}

enum rc
hold_end_old(struct sync *s, struct raw_store *raws, struct arena *a)
{
	TRY(expire_all(s, a));
	return end_all(s, raws, a);
}
