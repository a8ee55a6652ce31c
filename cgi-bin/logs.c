/* Logs: what was done to the account's things, by whom, and how it ended; and
 * the audit log, which owners read. */
#include "domain/audit-sql.h"
#include "domain/audit.h"
#include "domain/log-sql.h"
#include "domain/log.h"
#include "web/audit.h"
#include "web/body.h"
#include "web/idempotency.h"
#include "web/listing.h"
#include "web/purge.h"
#include "web/reply.h"
#include "web/request.h"

static const char *const levels[] = { "info", "warning", "error", NULL };

/* Parameters of the list, body of the search. */
struct log_filter {
	const char *subject, *q;
	int level;
	struct page page;
};
/* clang-format off */
#define F_WORDS(T, name_)                                                      \
	{ .kind = FIELD_TEXT, .name = (name_), .least = 0, .most = 200,        \
	  .offset = offsetof(T, q), .flags = BLANK_OK,                         \
	  .about = "Words of subject, action, status or message." }
/* clang-format on */
#define F_CHOICE(T)                                                            \
	F_TEXT(T, subject, 1, 64, OPTIONAL,                                    \
	    .about = "provider_credential, job, email"),                       \
	    F_ENUM(T, level, levels, OPTIONAL)
static const struct field log_filter_params[] = { F_CHOICE(struct log_filter),
	F_WORDS(struct log_filter, "q"), F_PAGE(struct log_filter, 50), F_END };
static const struct field log_filter_body[] = { F_CHOICE(struct log_filter),
	F_WORDS(struct log_filter, "query"), F_PAGE(struct log_filter, 50),
	F_END };

static const char *
level_word(int level)
{
	return level >= 0 ? levels[level] : NULL;
}

static enum rc
logs(struct request *rq, const struct log_filter *in)
{
	const char *level = level_word(in->level);
	const char *q = listing_words(in->q);
	int64_t account = rq->actor.account, total;
	bool whole = sees_content(rq);
	struct log_row_list rows;
	struct listing ask;
	struct list_end end;

	TRY(listing_ask(rq, &in->page, &ask));
	db_pipe_begin(rq->db);
	TRY(log_list(rq->db,
	    &(struct log_list_args){ account, in->subject, level, q,
		listing_before(&ask), ask.skip, ask.most, whole },
	    rq->arena, &rows));
	TRY(log_count(rq->db, account, in->subject, level, q, whole, &total));
	TRY(db_pipe_end(rq->db));
	end = listing_end(
	    &in->page, &rows.n, total, LISTING_LAST(rows, &in->page));
	return reply_rows(
	    rq, log_row_cols, rows.v, rows.n, sizeof rows.v[0], &end);
}

static enum rc
list(struct request *rq)
{
	return logs(rq, rq->params);
}

static enum rc
search(struct request *rq)
{
	return logs(rq, rq->body);
}

static enum rc
get(struct request *rq)
{
	struct log_row *row;

	TRY(log_get(rq->db, rq->actor.account, arg_id(rq, 0), rq->arena, &row));
	return reply_row(rq, 0, log_row_cols, row);
}

/* ---- writing and removing ---- */

struct log_new {
	const char *subject, *action, *status, *message;
	int level;
	struct str data;
};
static const struct field log_new_body[] = { F_TEXT(struct log_new, subject, 1,
						 64, REQUIRED),
	F_TEXT(struct log_new, action, 1, 64, REQUIRED),
	F_TEXT(struct log_new, status, 1, 64, OPTIONAL,
	    .about = "succeeded, where it is not given."),
	F_ENUM(struct log_new, level, levels, OPTIONAL, PRESET(0)),
	F_TEXT(
	    struct log_new, message, 0, 4000, OPTIONAL | BLANK_OK | LINES_OK),
	F_JSON(struct log_new, data, 16384, OPTIONAL,
	    .about = "An object; no secrets belong into it."),
	F_END };

static enum rc
make(struct db *db, void *ctx, int64_t made[ONCE_MADE])
{
	const struct request *rq = ctx;
	const struct log_new *in = rq->body;

	return log_create(db,
	    &(struct log_create_args){ .account = rq->actor.account,
		.application = rq->actor.application,
		.subject = in->subject,
		.action = in->action,
		.status = in->status != NULL ? in->status : "succeeded",
		.level = levels[in->level],
		.message = in->message != NULL ? in->message : "",
		.data = in->data.p != NULL ? in->data : STR("{}"),
		.request = rq->id },
	    &made[0]);
}

static enum rc
create(struct request *rq)
{
	const struct log_new *in = rq->body;
	int64_t made[ONCE_MADE];
	struct log_row *row;

	if (in->data.p != NULL && in->data.p[0] != '{')
		return fault_add(
		    rq, "data", "wrong_type", "An object is expected.");
	TRY(once(rq, make, rq, made));
	TRY(log_get(rq->db, rq->actor.account, made[0], rq->arena, &row));
	return reply_row(rq, 0, log_row_cols, row);
}

/* Who takes lines away is remembered where nobody takes any away. */
static enum rc
delete_body(struct db *db, void *ctx)
{
	struct request *rq = ctx;
	int64_t id = arg_id(rq, 0);

	TRY(log_remove(db, rq->actor.account, id));
	return audit(rq, "log.delete", audit_id(rq, ID_LOG, id), NULL);
}

static enum rc delete (struct request *rq) {
	TRY(db_tx(rq->db, delete_body, rq)); return reply_empty(rq, 0);
}

struct log_purge {
	const char *q, *subject;
	int level;
	instant older_than;
	struct purge purge;
};
static const struct field log_purge_body[] = {
	F_WORDS(struct log_purge, "query"), F_CHOICE(struct log_purge),
	F_TIME(
	    struct log_purge, older_than, REQUIRED, .about = "Written before."),
	F_PURGE(struct log_purge), F_END
};

struct purging {
	struct request *rq;
	int64_t n;
};

static enum rc
purge_body(struct db *db, void *ctx)
{
	struct purging *p = ctx;
	const struct log_purge *in = p->rq->body;

	TRY((in->purge.dry_run ? log_search_delete_count : log_search_delete)(
	    db, p->rq->actor.account, in->subject, level_word(in->level),
	    listing_words(in->q), in->older_than, in->purge.limit, &p->n));
	if (in->purge.dry_run)
		return RC_OK;
	return audit(p->rq, "log.search_delete", NULL,
	    arena_fmt(p->rq->arena, "%lld lines", (long long)p->n));
}

static enum rc
search_delete(struct request *rq)
{
	const struct log_purge *in = rq->body;
	struct purging p = { .rq = rq };

	TRY(db_tx(rq->db, purge_body, &p));
	return purge_reply(rq, &in->purge, p.n);
}

/* ---- the audit log ---- */

struct audit_filter {
	const char *action;
	int64_t user_id;
	instant from, to;
	struct page page;
};
static const struct field audit_filter_params[] = {
	F_TEXT(struct audit_filter, action, 1, 64, OPTIONAL,
	    .about = "login.ok, credential.rotate, content.read"),
	F_ID(struct audit_filter, user_id, ID_USER, OPTIONAL,
	    .about = "Who did it."),
	F_TIME(struct audit_filter, from, OPTIONAL, .about = "Not before."),
	F_TIME(struct audit_filter, to, OPTIONAL, .about = "Before."),
	F_PAGE(struct audit_filter, 50), F_END
};

static enum rc
audit_log(struct request *rq)
{
	const struct audit_filter *in = rq->params;
	int64_t account = rq->actor.account, total;
	struct audit_row_list rows;
	struct listing ask;
	struct list_end end;

	TRY(listing_ask(rq, &in->page, &ask));
	db_pipe_begin(rq->db);
	TRY(audit_list(rq->db,
	    &(struct audit_list_args){ account, in->action, in->user_id,
		in->from, in->to, listing_before(&ask), ask.skip, ask.most },
	    rq->arena, &rows));
	TRY(audit_count(rq->db, account, in->action, in->user_id, in->from,
	    in->to, &total));
	TRY(db_pipe_end(rq->db));
	end = listing_end(
	    &in->page, &rows.n, total, LISTING_LAST(rows, &in->page));
	return reply_rows(
	    rq, audit_row_cols, rows.v, rows.n, sizeof rows.v[0], &end);
}

#define ALL "/api/accounts/:account_id/logs"
#define ONE "/api/logs/:log_id"

static const struct route routes[] = {
	{ GET, ALL, list, NEED_READ, PARAMS(log_filter), .row = log_row_cols,
	    .many = true, .summary = "List what happened, latest first" },
	{ POST, ALL, create, NEED_WRITE, BODY(log_new), .row = log_row_cols,
	    .status = 201, .flags = IDEMPOTENT,
	    .summary = "Write a line into the log" },
	{ POST, ALL "/search", search, NEED_READ, BODY(log_filter),
	    .row = log_row_cols, .many = true, .summary = "Search the log" },
	{ POST, ALL "/search-delete", search_delete, NEED_OWNER,
	    BODY(log_purge), .answer = purge_answer,
	    .summary = "Remove old lines of the log" },
	{ GET, ONE, get, NEED_READ, .row = log_row_cols,
	    .summary = "Show a line of the log" },
	{ DELETE, ONE, delete, NEED_OWNER, .status = 204,
	    .summary = "Remove a line of the log" },
	{ GET, "/api/audit", audit_log, NEED_OWNER, PARAMS(audit_filter),
	    .row = audit_row_cols, .many = true,
	    .summary = "List who did what in the account, latest first",
	    .about = "Sign-ins, rights, credentials, content that was read. An "
		     "admin also sees what belongs to no account." },
};

FAMILY(logs, QUIET);
