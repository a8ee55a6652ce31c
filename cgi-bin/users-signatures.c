/* Signatures: a user's own, in the active account. */
#include "users.h"

#include "domain/signature-sql.h"
#include "web/body.h"
#include "web/idempotency.h"
#include "web/reply.h"

#define NAME_TAKEN "You have another signature of this name."

/* clang-format off */
#define F_SIGNATURE(need)                                                      \
	F_TEXT(struct signature_new, name, 1, SIGNATURE_NAME_MOST, need),      \
	F_TEXT(struct signature_new, body_text, 1, SIGNATURE_TEXT_MOST,        \
	    need | LINES_OK),                                                  \
	F_TEXT(struct signature_new, body_html, 0, SIGNATURE_HTML_MOST,        \
	    NULLABLE | BLANK_OK | LINES_OK,                                    \
	    .about = "The text stands for it, where it is not given."),        \
	F_BOOL(struct signature_new, is_default, OPTIONAL)
/* clang-format on */

const struct field signature_new_body[] = { F_SIGNATURE(REQUIRED), F_END };
const struct field signature_put_body[] = { F_SIGNATURE(OPTIONAL), F_END };

static const struct field signature_answer[] = { A_ID("id", ID_NUMBER, 0),
	A_TEXT("name", 0), A_TEXT("body_text", 0),
	A_TEXT("body_html", NULLABLE), A_BOOL("is_default", 0),
	A_TIME("created_at", 0), A_TIME("updated_at", 0), F_END };
const struct field signature_list_answer[] = {
	A_ARRAY("signatures", signature_answer, 0), A_INT("total", 0), F_END
};
const struct field signature_made_answer[] = {
	A_ID("signature_id", ID_NUMBER, 0), A_TEXT("message", 0), F_END
};
const struct field signature_said_answer[] = { A_TEXT("message", 0), F_END };

/* ---- show ---- */

enum rc
signatures(struct request *rq)
{
	const struct row_style style = reply_style(rq);
	struct signature_list all;
	struct jw *w;

	TRY(signature_list(
	    rq->db, rq->actor.account, rq->actor.user, rq->arena, &all));
	w = reply_open(rq, 0);
	jw_key(w, "signatures");
	rows_write(w, signature_cols, all.v, all.n, sizeof all.v[0], &style);
	JW_INT(w, "total", (int64_t)all.n);
	return reply_close(rq);
}

enum rc
signature_show(struct request *rq)
{
	struct signature *s;

	TRY(signature_get(rq->db, rq->actor.account, rq->actor.user,
	    arg_id(rq, 0), rq->arena, &s));
	return reply_row(rq, 0, signature_cols, s);
}

/* ---- make ---- */

static enum rc
only_default(struct request *rq, struct db *db, bool is, int64_t but)
{
	if (!is)
		return RC_OK;
	return signature_default_clear(
	    db, rq->actor.account, rq->actor.user, but, NULL);
}

static enum rc
make(struct db *db, void *ctx, int64_t made[ONCE_MADE])
{
	struct request *rq = ctx;
	const struct signature_new *in = rq->body;
	int64_t account = rq->actor.account, user = rq->actor.user, n;

	TRY(signature_hold(db, account, NULL));
	TRY(signature_count(db, account, user, &n));
	if (n >= SIGNATURES_MOST)
		return fail(RC_CONFLICT, "A user has at most %d signatures.",
		    SIGNATURES_MOST);
	TRY(only_default(rq, db, in->is_default, 0));
	return fault_taken(rq,
	    signature_insert(db,
		&(struct signature_insert_args){ .account = account,
		    .application = rq->actor.application,
		    .user = user,
		    .name = in->name,
		    .body_text = in->body_text,
		    .body_html = in->body_html,
		    .is_default = in->is_default },
		&made[0]),
	    NAME_TAKEN);
}

enum rc
signature_create(struct request *rq)
{
	int64_t made[ONCE_MADE];

	TRY(once(rq, make, rq, made));
	return reply_made(
	    rq, "signature_id", made[0], "Signature created successfully");
}

/* ---- change and remove ---- */

static enum rc
store(struct request *rq, struct db *db, const struct signature *s)
{
	TRY(only_default(rq, db, s->is_default, s->id));
	return fault_taken(rq,
	    signature_change(db, rq->actor.account, s->id, s->name,
		s->body_text, s->body_html, s->is_default),
	    NAME_TAKEN);
}

static enum rc
lock(struct request *rq, struct db *db, struct signature **s)
{
	TRY(signature_hold(db, rq->actor.account, NULL));
	return signature_lock(
	    db, rq->actor.account, rq->actor.user, arg_id(rq, 0), rq->arena, s);
}

static enum rc
change(struct db *db, void *ctx)
{
	struct request *rq = ctx;
	const struct signature_new *in = rq->body;
	struct signature *s;

	TRY(lock(rq, db, &s));
	if (in->name != NULL)
		s->name = in->name;
	if (in->body_text != NULL)
		s->body_text = in->body_text;
	if (GIVEN(rq, struct signature_new, body_html))
		s->body_html = in->body_html;
	if (GIVEN(rq, struct signature_new, is_default))
		s->is_default = in->is_default;
	return store(rq, db, s);
}

enum rc
signature_change_one(struct request *rq)
{
	TRY(db_tx(rq->db, change, rq));
	return reply_said(rq, "Signature updated successfully");
}

static enum rc
make_default(struct db *db, void *ctx)
{
	struct request *rq = ctx;
	struct signature *s;

	TRY(lock(rq, db, &s));
	s->is_default = true;
	return store(rq, db, s);
}

enum rc
signature_set_default(struct request *rq)
{
	TRY(db_tx(rq->db, make_default, rq));
	return reply_said(rq, "Default signature updated successfully");
}

enum rc
signature_drop(struct request *rq)
{
	TRY(signature_delete(
	    rq->db, rq->actor.account, rq->actor.user, arg_id(rq, 0)));
	return reply_said(rq, "Signature deleted successfully");
}
