/* Saved replies: made, shown, changed and removed, as labels are. */
#include "labels.h"

#include "domain/saved-reply-sql.h"
#include "web/body.h"
#include "web/idempotency.h"
#include "web/reply.h"

#define NAME_TAKEN "Another saved reply of the account has this name."

#define ORDER_MOST 1000000

/* clang-format off */
#define F_REPLY(need)                                                          \
	F_TEXT(struct saved_reply_new, name, 1, SAVED_REPLY_NAME_MOST, need),  \
	F_TEXT(struct saved_reply_new, subject, 0, 998, NULLABLE | BLANK_OK),  \
	F_TEXT(struct saved_reply_new, body_text, 1, SAVED_REPLY_TEXT_MOST,    \
	    need | LINES_OK),                                                  \
	F_TEXT(struct saved_reply_new, body_html, 0, SAVED_REPLY_HTML_MOST,    \
	    NULLABLE | BLANK_OK | LINES_OK),                                   \
	F_INT(struct saved_reply_new, display_order, -ORDER_MOST, ORDER_MOST,  \
	    OPTIONAL)
/* clang-format on */

const struct field saved_reply_new_body[] = { F_REPLY(REQUIRED), F_END };
const struct field saved_reply_put_body[] = { F_REPLY(OPTIONAL), F_END };

static const struct field reply_answer[] = { A_ID("id", ID_NUMBER, 0),
	A_TEXT("name", 0), A_TEXT("subject", NULLABLE), A_TEXT("body_text", 0),
	A_TEXT("body_html", NULLABLE), A_INT("display_order", 0),
	A_ID("user_id", ID_USER, NULLABLE), A_TIME("created_at", 0),
	A_TIME("updated_at", 0), F_END };
const struct field saved_reply_list_answer[] = {
	A_ARRAY("saved_replies", reply_answer, 0), A_INT("total", 0), F_END
};
const struct field saved_reply_made_answer[] = {
	A_ID("saved_reply_id", ID_NUMBER, 0), A_TEXT("message", 0), F_END
};
const struct field saved_reply_said_answer[] = { A_TEXT("message", 0), F_END };

/* ---- show ---- */

enum rc
saved_replies(struct request *rq)
{
	const struct row_style style = reply_style(rq);
	struct saved_reply_list all;
	struct jw *w;

	TRY(saved_reply_list(rq->db, rq->actor.account, rq->arena, &all));
	w = reply_open(rq, 0);
	jw_key(w, "saved_replies");
	rows_write(w, saved_reply_cols, all.v, all.n, sizeof all.v[0], &style);
	JW_INT(w, "total", (int64_t)all.n);
	return reply_close(rq);
}

enum rc
saved_reply_show(struct request *rq)
{
	struct saved_reply *r;

	TRY(saved_reply_get(
	    rq->db, rq->actor.account, arg_id(rq, 0), rq->arena, &r));
	return reply_row(rq, 0, saved_reply_cols, r);
}

/* ---- make ---- */

static enum rc
make(struct db *db, void *ctx, int64_t made[ONCE_MADE])
{
	struct request *rq = ctx;
	const struct saved_reply_new *in = rq->body;
	int64_t account = rq->actor.account, n;

	TRY(saved_reply_hold(db, account, NULL));
	TRY(saved_reply_count(db, account, &n));
	if (n >= SAVED_REPLIES_MOST)
		return fail(RC_CONFLICT,
		    "An account has at most %d saved replies.",
		    SAVED_REPLIES_MOST);
	return fault_taken(rq,
	    saved_reply_insert(db,
		&(struct saved_reply_insert_args){ .account = account,
		    .application = rq->actor.application,
		    .name = in->name,
		    .subject = in->subject,
		    .body_text = in->body_text,
		    .body_html = in->body_html,
		    .display_order = (int32_t)in->display_order,
		    .user = rq->actor.user },
		&made[0]),
	    NAME_TAKEN);
}

enum rc
saved_reply_create(struct request *rq)
{
	int64_t made[ONCE_MADE];

	TRY(once(rq, make, rq, made));
	return reply_made(
	    rq, "saved_reply_id", made[0], "Saved reply created successfully");
}

/* ---- change and remove ---- */

static enum rc
change(struct db *db, void *ctx)
{
	struct request *rq = ctx;
	const struct saved_reply_new *in = rq->body;
	int64_t account = rq->actor.account;
	struct saved_reply *r;

	TRY(saved_reply_lock(db, account, arg_id(rq, 0), rq->arena, &r));
	if (in->name != NULL)
		r->name = in->name;
	if (in->body_text != NULL)
		r->body_text = in->body_text;
	if (GIVEN(rq, struct saved_reply_new, subject))
		r->subject = in->subject;
	if (GIVEN(rq, struct saved_reply_new, body_html))
		r->body_html = in->body_html;
	if (GIVEN(rq, struct saved_reply_new, display_order))
		r->display_order = (int32_t)in->display_order;
	return fault_taken(rq,
	    saved_reply_change(db,
		&(struct saved_reply_change_args){ .account = account,
		    .id = r->id,
		    .name = r->name,
		    .subject = r->subject,
		    .body_text = r->body_text,
		    .body_html = r->body_html,
		    .display_order = r->display_order }),
	    NAME_TAKEN);
}

enum rc
saved_reply_put(struct request *rq)
{
	TRY(db_tx(rq->db, change, rq));
	return reply_said(rq, "Saved reply updated successfully");
}

enum rc
saved_reply_drop(struct request *rq)
{
	TRY(saved_reply_delete(rq->db, rq->actor.account, arg_id(rq, 0)));
	return reply_said(rq, "Saved reply deleted successfully");
}
