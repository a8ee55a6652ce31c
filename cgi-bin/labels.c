/* Labels of an account: made, shown, changed and removed; which threads have
 * one is told by threads.c. Saved replies are in labels-replies.c. */
#include "labels.h"

#include "domain/event.h"
#include "domain/label-sql.h"
#include "domain/saved-reply.h"
#include "domain/thread-sql.h"
#include "web/body.h"
#include "web/idempotency.h"
#include "web/reply.h"

#define NAME_TAKEN "Another label of the account has this name."

#define ORDER_MOST 1000000

/* ---- show ---- */

struct label_filter {
	bool system_only;
};
static const struct field label_filter_params[] = {
	F_BOOL(struct label_filter, system_only, OPTIONAL,
	    .about = "Only those that every account has."),
	F_END,
};

static enum rc
list(struct request *rq)
{
	const struct label_filter *in = rq->params;
	const struct row_style style = reply_style(rq);
	struct label_list all;
	struct jw *w;

	TRY(label_list(
	    rq->db, rq->actor.account, in->system_only, rq->arena, &all));
	w = reply_open(rq, 0);
	jw_key(w, "labels");
	rows_write(w, label_cols, all.v, all.n, sizeof all.v[0], &style);
	JW_INT(w, "total", (int64_t)all.n);
	return reply_close(rq);
}

static enum rc
stats(struct request *rq)
{
	const struct row_style style = reply_style(rq);
	struct label_stat_list all;
	struct jw *w;

	TRY(label_stats(rq->db, rq->actor.account, rq->arena, &all));
	w = reply_open(rq, 0);
	jw_key(w, "statistics");
	rows_write(w, label_stat_cols, all.v, all.n, sizeof all.v[0], &style);
	return reply_close(rq);
}

static enum rc
get(struct request *rq)
{
	struct label *l;

	TRY(label_get(rq->db, rq->actor.account, arg_id(rq, 0), rq->arena, &l));
	return reply_row(rq, 0, label_cols, l);
}

/* ---- what may be wished for ---- */

static enum rc
color_check(struct request *rq, const char *color)
{
	if (color == NULL || label_color_is(color))
		return RC_OK;
	return fault_add(rq, "color", "invalid",
	    "Either #RRGGBB or the name of a colour in CSS.");
}

/* ---- make ---- */

struct label_new {
	const char *name, *color, *description;
	int64_t display_order;
};

/* clang-format off */
#define F_LABEL(need)                                                          \
	F_TEXT(struct label_new, name, 1, LABEL_NAME_MOST, need),              \
	F_TEXT(struct label_new, color, 3, 32, OPTIONAL,                       \
	    .about = "#RRGGBB, or the name of a colour in CSS."),              \
	F_TEXT(struct label_new, description, 0, 1000,                         \
	    NULLABLE | BLANK_OK | LINES_OK),                                   \
	F_INT(struct label_new, display_order, -ORDER_MOST, ORDER_MOST, OPTIONAL)
/* clang-format on */

static const struct field label_new_body[] = { F_LABEL(REQUIRED), F_END };
static const struct field label_put_body[] = { F_LABEL(OPTIONAL), F_END };

static enum rc
make(struct db *db, void *ctx, int64_t made[ONCE_MADE])
{
	struct request *rq = ctx;
	const struct label_new *in = rq->body;
	int64_t account = rq->actor.account, n;

	TRY(label_hold(db, account, NULL));
	TRY(label_count(db, account, &n));
	if (n >= LABELS_MOST)
		return fail(RC_CONFLICT, "An account makes at most %d labels.",
		    LABELS_MOST);
	return fault_taken(rq,
	    label_insert(db, account, rq->actor.application, in->name,
		in->color != NULL ? in->color : LABEL_COLOR, in->description,
		(int32_t)in->display_order, &made[0]),
	    NAME_TAKEN);
}

static enum rc
create(struct request *rq)
{
	const struct label_new *in = rq->body;
	int64_t made[ONCE_MADE];

	TRY(color_check(rq, in->color));
	TRY(once(rq, make, rq, made));
	return reply_made(
	    rq, "label_id", made[0], "Label created successfully");
}

/* ---- change ---- */

static enum rc
system_stays(struct request *rq, const char *what)
{
	rq->word = "SYSTEM_LABEL";
	return fail(RC_CONFLICT, "A label of the system is not %s.", what);
}

static enum rc
change(struct db *db, void *ctx)
{
	struct request *rq = ctx;
	const struct label_new *in = rq->body;
	int64_t account = rq->actor.account;
	struct label *l;

	TRY(label_lock(db, account, arg_id(rq, 0), rq->arena, &l));
	if (in->name != NULL && l->is_system && strcmp(in->name, l->name) != 0)
		return system_stays(rq, "renamed");
	if (in->name != NULL)
		l->name = in->name;
	if (in->color != NULL)
		l->color = in->color;
	if (GIVEN(rq, struct label_new, description))
		l->description = in->description;
	if (GIVEN(rq, struct label_new, display_order))
		l->display_order = (int32_t)in->display_order;
	return fault_taken(rq,
	    label_change(db, account, l->id, l->name, l->color, l->description,
		l->display_order),
	    NAME_TAKEN);
}

static enum rc
put(struct request *rq)
{
	const struct label_new *in = rq->body;

	TRY(color_check(rq, in->color));
	TRY(db_tx(rq->db, change, rq));
	return reply_said(rq, "Label updated successfully");
}

/* ---- remove ---- */

static enum rc
forget(struct db *db, void *ctx)
{
	struct request *rq = ctx;
	int64_t account = rq->actor.account, id = arg_id(rq, 0);
	struct label *l;

	/* a split copies labels to a thread that nobody else sees yet */
	TRY(thread_hold(db, account, NULL));
	TRY(label_lock(db, account, id, rq->arena, &l));
	if (l->is_system)
		return system_stays(rq, "deleted");
	TRY(label_delete(db, account, id));
	TRY(label_take_off(db, account, id, NULL));
	return label_uncount(db, account, id, NULL);
}

static enum rc delete (struct request *rq) {
	TRY(db_tx(rq->db, forget, rq));
	return reply_said(rq, "Label deleted successfully");
}

/* ---- answers ---- */

static const struct field label_answer[] = { A_ID("id", ID_NUMBER, 0),
	A_TEXT("name", 0), A_TEXT("color", 0), A_TEXT("description", NULLABLE),
	A_INT("display_order", 0), A_BOOL("is_system", 0),
	A_BOOL("is_system_label", 0), A_TIME("created_at", 0),
	A_TIME("updated_at", 0), F_END };
static const struct field list_answer[] = { A_ARRAY("labels", label_answer, 0),
	A_INT("total", 0), F_END };
static const struct field stat_answer[] = { A_ID("label_id", ID_NUMBER, 0),
	A_TEXT("label_name", 0), A_INT("thread_count", 0), A_TEXT("color", 0),
	A_BOOL("is_system", 0), F_END };
static const struct field stats_answer[] = {
	A_ARRAY("statistics", stat_answer, 0), F_END
};
static const struct field made_answer[] = { A_ID("label_id", ID_NUMBER, 0),
	A_TEXT("message", 0), F_END };
static const struct field said_answer[] = { A_TEXT("message", 0), F_END };

#define ALL      "/api/labels"
#define ONE      "/api/labels/:label_id"
#define MISSING  .missing = "LABEL_NOT_FOUND"

#define REPLIES  "/api/saved-replies"
#define REPLY    "/api/saved-replies/:saved_reply_id"
#define NO_REPLY .missing = "SAVED_REPLY_NOT_FOUND"

static const struct route routes[] = {
	{ GET, ALL, list, NEED_READ, ENV_SUCCESS, .flags = BARE,
	    PARAMS(label_filter), .answer = list_answer,
	    .summary = "List labels" },
	{ POST, ALL, create, NEED_WRITE, ENV_SUCCESS, .status = 201,
	    .flags = IDEMPOTENT, BODY(label_new), .answer = made_answer,
	    .fails = { RC_CONFLICT }, .summary = "Make a label" },
	{ GET, ALL "/stats", stats, NEED_READ, ENV_SUCCESS, .flags = BARE,
	    .answer = stats_answer, .summary = "Count threads by label" },
	{ GET, ONE, get, NEED_READ, ENV_SUCCESS, .flags = BARE, MISSING,
	    .row = label_cols, .key = "label", .summary = "Show a label" },
	{ PUT, ONE, put, NEED_WRITE, ENV_SUCCESS, MISSING,
	    .body = { label_put_body, sizeof(struct label_new) },
	    .answer = said_answer, .fails = { RC_CONFLICT },
	    .summary = "Change a label",
	    .about = "A label of the system keeps its name." },
	{ DELETE, ONE, delete, NEED_WRITE, ENV_SUCCESS, MISSING,
	    .answer = said_answer, .fails = { RC_CONFLICT },
	    .summary = "Remove a label, from all threads",
	    .about = "Labels of the system stay." },

	{ GET, REPLIES, saved_replies, NEED_READ, ENV_SUCCESS, .flags = BARE,
	    .answer = saved_reply_list_answer,
	    .summary = "List saved replies" },
	{ POST, REPLIES, saved_reply_create, NEED_WRITE, ENV_SUCCESS,
	    .status = 201, .flags = IDEMPOTENT, BODY(saved_reply_new),
	    .answer = saved_reply_made_answer, .fails = { RC_CONFLICT },
	    .summary = "Make a saved reply" },
	{ GET, REPLY, saved_reply_show, NEED_READ, ENV_SUCCESS, .flags = BARE,
	    NO_REPLY, .row = saved_reply_cols, .key = "saved_reply",
	    .summary = "Show a saved reply" },
	{ PUT, REPLY, saved_reply_put, NEED_WRITE, ENV_SUCCESS, NO_REPLY,
	    .body = { saved_reply_put_body, sizeof(struct saved_reply_new) },
	    .answer = saved_reply_said_answer,
	    .summary = "Change a saved reply" },
	{ DELETE, REPLY, saved_reply_drop, NEED_WRITE, ENV_SUCCESS, NO_REPLY,
	    .answer = saved_reply_said_answer,
	    .summary = "Remove a saved reply" },
};

FAMILY(labels, QUIET);
