/* Tasks: what was asked for; jobs.c shows the runs of each. */
#include <string.h>

#include "domain/email-sql.h"
#include "domain/provider-credential-sql.h"
#include "domain/task-sql.h"
#include "domain/task.h"
#include "web/body.h"
#include "web/doer.h"
#include "web/idempotency.h"
#include "web/listing.h"
#include "web/reply.h"
#include "web/request.h"
#include "web/sync-target.h"

/* Parameters of the list, body of the search. */
struct task_filter {
	int64_t target_credential_id;
	int state;
	const char *task_type, *q;
	struct page page;
};
/* clang-format off */
#define F_WORDS(T, name_)                                                      \
	{ .kind = FIELD_TEXT, .name = (name_), .least = 0, .most = 200,        \
	  .offset = offsetof(T, q), .flags = BLANK_OK,                         \
	  .about = "Words of type, state or payload." }
/* clang-format on */
#define F_FILTER                                                               \
	F_ID(struct task_filter, target_credential_id, ID_CREDENTIAL,          \
	    OPTIONAL),                                                         \
	    F_ENUM(struct task_filter, state, task_states, OPTIONAL),          \
	    F_TEXT(struct task_filter, task_type, 1, 64, OPTIONAL),            \
	    F_PAGE(struct task_filter, 50)
static const struct field task_filter_params[] = {
	F_WORDS(struct task_filter, "q"), F_FILTER, F_END
};
static const struct field task_filter_body[] = {
	F_WORDS(struct task_filter, "query"), F_FILTER, F_END
};

static enum rc
tasks(struct request *rq, const struct task_filter *in)
{
	const char *state = in->state >= 0 ? task_states[in->state] : NULL;
	const char *q = listing_words(in->q);
	int64_t account = rq->actor.account, total;
	bool whole = sees_content(rq);
	struct task_list rows;
	struct listing ask;
	struct list_end end;

	TRY(listing_ask(rq, &in->page, &ask));
	db_pipe_begin(rq->db);
	TRY(task_list(rq->db,
	    &(struct task_list_args){ account, in->target_credential_id, state,
		in->task_type, listing_before(&ask), ask.skip, ask.most, q,
		whole },
	    rq->arena, &rows));
	TRY(task_count(rq->db, account, in->target_credential_id, state,
	    in->task_type, q, whole, &total));
	TRY(db_pipe_end(rq->db));
	end = listing_end(
	    &in->page, &rows.n, total, LISTING_LAST(rows, &in->page));
	return reply_rows(
	    rq, task_cols, rows.v, rows.n, sizeof rows.v[0], &end);
}

static enum rc
list(struct request *rq)
{
	return tasks(rq, rq->params);
}

static enum rc
search(struct request *rq)
{
	return tasks(rq, rq->body);
}

static enum rc
show(struct request *rq, int64_t id)
{
	struct task *t;

	TRY(task_get(rq->db, rq->actor.account, id, rq->arena, &t));
	return reply_row(rq, 0, task_cols, t);
}

static enum rc
get(struct request *rq)
{
	return show(rq, arg_id(rq, 0));
}

/* ---- what is asked ---- */

struct task_payload {
	const char *folder;
	int64_t email_id;
};
static const struct field task_payload_body[] = {
	F_TEXT(struct task_payload, folder, 1, 255, OPTIONAL,
	    .about = "Of imap_sync_messages; absent: all folders."),
	F_ID(struct task_payload, email_id, ID_EMAIL, OPTIONAL,
	    .about = "Of imap_fetch_body, which needs it."),
	F_END
};

/* A task as it is to be. */
struct wish {
	const struct task_kind *kind;
	int64_t credential;
	const struct task_payload *payload;
};

static enum rc
payload_check(struct request *rq, const struct wish *w)
{
	const struct task_payload *p = w->payload;

	if (p->folder != NULL && !w->kind->folder)
		return fault_add(rq, "payload.folder", "unknown_field",
		    "A task of this type has no folder.");
	if (p->email_id != 0 && !w->kind->email)
		return fault_add(rq, "payload.email_id", "unknown_field",
		    "A task of this type has no email.");
	if (p->email_id == 0 && w->kind->email)
		return fault_add(rq, "payload.email_id", "required",
		    "A task of this type needs an email.");
	return RC_OK;
}

/* Foreign ones are told like those that are not there. */
static enum rc
email_check(struct request *rq, struct db *db, const struct wish *w)
{
	struct email *e;
	enum rc rc;

	if (w->payload->email_id == 0)
		return RC_OK;
	rc = email_get(
	    db, rq->actor.account, w->payload->email_id, rq->arena, &e);
	if (rc == RC_NOT_FOUND ||
	    (rc == RC_OK && e->credential_id != w->credential))
		return fault_add(rq, "payload.email_id", "not_found",
		    "There is no such email in this mail account.");
	return rc;
}

static enum rc
target_check(struct request *rq, struct db *db, int64_t id)
{
	struct provider_credential *c;
	enum rc rc = provider_credential_get(
	    db, rq->actor.account, rq->actor.user, id, rq->arena, &c);

	if (rc == RC_NOT_FOUND)
		return fault_add(rq, "target_credential_id", "not_found",
		    "There is no such provider credential.");
	TRY(rc);
	return sync_target_check(rq, "target_credential_id", c);
}

static enum rc
wish_check(struct request *rq, struct db *db, const struct wish *w)
{
	TRY(payload_check(rq, w));
	TRY(target_check(rq, db, w->credential));
	return email_check(rq, db, w);
}

static struct str
payload_json(struct request *rq, const struct task_payload *p)
{
	char id[ID_PRINT_SIZE];
	struct buf out;
	struct jw w = jw_on(&out);
	struct str json;

	buf_init(&out, 4096);
	jw_object(&w);
	if (p->folder != NULL)
		JW_TEXT(&w, "folder", p->folder);
	if (p->email_id != 0) {
		id_print(ID_EMAIL, p->email_id, id);
		JW_TEXT(&w, "email_id", id);
	}
	jw_object_end(&w);
	json = (struct str){ arena_dup(rq->arena, out.p, out.n), out.n };
	buf_clear(&out);
	return json;
}

/* ---- making ---- */

static const struct task_payload no_payload;

struct task_wanted {
	int task_type;
	int64_t target_credential_id, priority;
	struct task_payload *payload;
};
static const struct field task_wanted_body[] = {
	F_ENUM(struct task_wanted, task_type, task_types, REQUIRED),
	F_ID(struct task_wanted, target_credential_id, ID_CREDENTIAL, REQUIRED,
	    .about = "An IMAP credential that is switched on."),
	F_OBJECT(struct task_wanted, payload, task_payload, OPTIONAL),
	F_INT(struct task_wanted, priority, 0, 9, OPTIONAL,
	    .about = "Higher runs first."),
	F_END
};

static enum rc
make(struct db *db, void *ctx, int64_t made[ONCE_MADE])
{
	struct request *rq = ctx;
	const struct task_wanted *in = rq->body;
	const struct wish w = { task_kind_find(task_types[in->task_type]),
		in->target_credential_id,
		in->payload != NULL ? in->payload : &no_payload };

	TRY(wish_check(rq, db, &w));
	return task_create(db, rq->actor.account, rq->actor.application,
	    w.kind->type, w.credential, payload_json(rq, w.payload),
	    (int32_t)in->priority, &made[0]);
}

static enum rc
create(struct request *rq)
{
	int64_t made[ONCE_MADE];

	TRY(once(rq, make, rq, made));
	return show(rq, made[0]);
}

static enum rc
trigger_make(struct db *db, void *ctx, int64_t made[ONCE_MADE])
{
	struct request *rq = ctx;
	const struct doer who = doer_of(rq);
	struct task_started started;

	TRY(task_trigger(db, &who, arg_id(rq, 0), rq->arena, &started));
	made[0] = started.task_id;
	made[1] = started.job_id;
	return RC_OK;
}

static enum rc
trigger(struct request *rq)
{
	struct task_started started;
	int64_t made[ONCE_MADE];
	char job[ID_PRINT_SIZE];

	TRY(once(rq, trigger_make, rq, made));
	started = (struct task_started){ made[0], made[1] };
	id_print(ID_JOB, started.job_id, job);
	reply_header(rq, "Location", arena_fmt(rq->arena, "/api/jobs/%s", job));
	return reply_row(rq, 0, task_started_cols, &started);
}

/* ---- changing ---- */

static const char *const task_ends[] = { "cancelled", NULL };

struct task_patch {
	int64_t priority, target_credential_id;
	struct task_payload *payload;
	int state;
};
static const struct field task_patch_body[] = { F_INT(struct task_patch,
						    priority, 0, 9, OPTIONAL),
	F_ID(struct task_patch, target_credential_id, ID_CREDENTIAL, OPTIONAL),
	F_OBJECT(struct task_patch, payload, task_payload, OPTIONAL,
	    .about = "Takes the place of the former one."),
	F_ENUM(struct task_patch, state, task_ends, OPTIONAL,
	    .about = "What waits waits no longer."),
	F_END };

/* What a job that waits was made for stays as it is. */
static enum rc
revise(struct request *rq, struct db *db, struct task *t)
{
	const struct task_patch *in = rq->body;
	const struct wish w = { task_kind_find(t->task_type),
		in->target_credential_id != 0 ? in->target_credential_id
					      : t->target_credential_id,
		in->payload != NULL ? in->payload : &no_payload };

	if (in->payload == NULL && in->target_credential_id == 0)
		return RC_OK;
	if (strcmp(t->state, "queued") == 0)
		return fail(RC_CONFLICT, "A job of it waits already.");
	if (in->payload == NULL && w.kind->email)
		return fault_add(rq, "payload", "required",
		    "Another mail account has other emails.");
	TRY(wish_check(rq, db, &w));
	t->target_credential_id = w.credential;
	if (in->payload != NULL)
		t->payload = payload_json(rq, w.payload);
	return RC_OK;
}

static enum rc
patch_body(struct db *db, void *ctx)
{
	struct request *rq = ctx;
	const struct task_patch *in = rq->body;
	const struct doer who = doer_of(rq);
	struct task *t;

	TRY(task_open(db, who.account, arg_id(rq, 0), rq->arena, &t));
	TRY(revise(rq, db, t));
	if (GIVEN(rq, struct task_patch, priority)) {
		t->priority = (int32_t)in->priority;
		TRY(task_hasten(db, who.account, t->id, t->priority, NULL));
	}
	TRY(task_change(db, who.account, t->id, t->priority, t->payload,
	    t->target_credential_id));
	return in->state >= 0 ? task_call_off(db, &who, t, rq->arena) : RC_OK;
}

static enum rc
patch(struct request *rq)
{
	TRY(db_tx(rq->db, patch_body, rq));
	return get(rq);
}

static enum rc
delete_body(struct db *db, void *ctx)
{
	struct request *rq = ctx;
	const struct doer who = doer_of(rq);

	return task_delete(db, &who, arg_id(rq, 0), rq->arena);
}

static enum rc delete (struct request *rq) {
	TRY(db_tx(rq->db, delete_body, rq)); return reply_empty(rq, 0);
}

#define ALL "/api/accounts/:account_id/tasks"
#define ONE "/api/tasks/:task_id"

static const struct route routes[] = {
	{ GET, ALL, list, NEED_READ, PARAMS(task_filter), .row = task_cols,
	    .many = true, .summary = "List tasks, newest first" },
	{ POST, ALL, create, NEED_WRITE, BODY(task_wanted), .row = task_cols,
	    .status = 201, .flags = IDEMPOTENT, .fails = { RC_CONFLICT },
	    .summary = "Create a task",
	    .about = "It does not start by itself. Tasks that send or deliver "
		     "something are made by what is to be sent." },
	{ POST, ALL "/search", search, NEED_READ, BODY(task_filter),
	    .row = task_cols, .many = true, .summary = "Search tasks" },
	{ GET, ONE, get, NEED_READ, .row = task_cols,
	    .summary = "Show a task" },
	{ PATCH, ONE, patch, NEED_WRITE, BODY(task_patch), .row = task_cols,
	    .fails = { RC_CONFLICT, RC_JOB_RUNNING },
	    .summary = "Change a task that does not run",
	    .about = "The state may be set to cancelled while it waits." },
	{ DELETE, ONE, delete, NEED_WRITE, .status = 204,
	    .fails = { RC_CONFLICT, RC_JOB_RUNNING },
	    .summary = "Remove a task and its jobs" },
	{ POST, ONE "/trigger", trigger, NEED_WRITE, .row = task_started_cols,
	    .status = 202, .flags = IDEMPOTENT,
	    .fails = { RC_CONFLICT, RC_JOB_RUNNING },
	    .summary = "Start a task, or start it again",
	    .about = "Queues a job; one that waits is to run now." },
};

FAMILY(tasks, QUIET);
