/* Held mail is discarded: one, or many. */
#include "interception.h"

#include "domain/hold-sql.h"
#include "domain/interception-sql.h"
#include "review.h"
#include "web/audit.h"

const struct field held_discard_answer[] = { A_TEXT("message", 0),
	A_ID("email_id", ID_EMAIL, 0), A_TEXT("status", 0), F_END };

static enum rc
discard_tx(struct db *db, void *ctx)
{
	const struct review *d = ctx;
	struct request *rq = d->rq;
	struct held_state *state;

	TRY(review_lock(rq, db, d->email, &state));
	if (state != NULL && hold_is(state->state, HOLD_DISCARDED))
		return RC_OK;
	if (state == NULL || !hold_is(state->state, HOLD_HELD))
		return review_refuse(rq, state != NULL ? state->state : NULL);
	TRY(held_discard(db, rq->actor.account, d->email, review_by(rq)));
	TRY(hold_event(
	    db, rq->actor.account, d->email, "message.discarded", NULL));
	return audit(
	    rq, "hold.discard", audit_id(rq, ID_EMAIL, d->email), NULL);
}

enum rc
held_drop(struct request *rq)
{
	struct review d = { .rq = rq, .email = arg_id(rq, 0) };

	review_echo(rq, d.email);
	TRY(db_tx(rq->db, discard_tx, &d));
	return review_reply(rq, "Email discarded", "DISCARDED");
}

const struct field bulk_discard_body[] = { F_REVIEW_BULK(struct bulk_discard),
	F_END };
const struct field bulk_discard_answer[] = { A_REVIEW_BULK("discarded"),
	F_END };

/* Each in a transaction of its own: one that is refused keeps no other. */
enum rc
bulk_drop(struct request *rq)
{
	const struct bulk_discard *in = rq->body;
	struct review_fate *fate;
	struct jw *w;

	TRY(review_each(rq, in->email_ids, discard_tx, NULL, &fate));
	w = reply_open(rq, 0);
	JW_TEXT(w, "message", "Emails discarded");
	JW_INT(w, "total", (int64_t)in->email_ids.n);
	review_write_done(w, "discarded", in->email_ids, fate);
	review_write_failed(w, in->email_ids, fate);
	return reply_close(rq);
}
