/* Many threads at once: one transaction, and what could not be done of it told
 * by the thread. One that is another account's is told like one that is not
 * there. */
#include "cgi-bin/threads.h"

#include "core/json-tree.h"
#include "domain/event.h"
#include "domain/label-sql.h"
#include "web/body.h"

static const struct field thread_id = { .kind = FIELD_ID, .id = ID_NUMBER };

static const struct field bulk_updates_body[] = {
	F_ENUM(struct bulk_updates, status, thread_statuses, OPTIONAL),
	F_ID(struct bulk_updates, assigned_to, ID_USER, NULLABLE), F_END
};

/* clang-format off */
#define F_THREADS                                                              \
	F_LIST(struct thread_bulk, thread_ids, 1, THREAD_BULK_MOST,            \
	    &thread_id, REQUIRED)
/* clang-format on */
const struct field thread_bulk_update_body[] = { F_THREADS,
	F_OBJECT(struct thread_bulk, updates, bulk_updates, REQUIRED), F_END };
const struct field thread_bulk_delete_body[] = { F_THREADS, F_END };
const struct field thread_bulk_assign_body[] = { F_THREADS,
	F_ID(struct thread_bulk, user_id, ID_USER, REQUIRED | NULLABLE,
	    .about = "null: nobody's."),
	F_END };
const struct field thread_bulk_status_body[] = { F_THREADS,
	F_ENUM(struct thread_bulk, status, thread_statuses, REQUIRED), F_END };
const struct field thread_bulk_label_body[] = { F_THREADS,
	F_ID(struct thread_bulk, label_id, ID_NUMBER, REQUIRED), F_END };

/* ---- what is asked ---- */

/* One request: which threads there are of those it names, what became of them,
 * and which could not be done. */
struct bulk {
	struct request *rq;
	const struct thread_bulk *in;
	struct ids there;
	size_t done;
	struct ids full; /* have as many labels as can be */
	enum rc (*work)(struct bulk *, struct db *);
	const char *status; /* NULL: stays */
	bool assign;
	int64_t user;
};

/* Each once, in their order; then this alone is locked and counted. */
static struct ids
each_once(struct request *rq, struct ids in)
{
	int64_t *v = ARENA_ARRAY(rq->arena, int64_t, in.n + 1);
	size_t n = 0;

	for (size_t i = 0; i < in.n; i++) {
		bool known = false;

		for (size_t k = 0; k < n && !known; k++)
			known = v[k] == in.v[i];
		if (!known)
			v[n++] = in.v[i];
	}
	return (struct ids){ v, n };
}

static struct ids
ids_of(struct request *rq, const struct thread_id_list *list)
{
	int64_t *v = ARENA_ARRAY(rq->arena, int64_t, list->n + 1);

	for (size_t i = 0; i < list->n; i++)
		v[i] = list->v[i].id;
	return (struct ids){ v, list->n };
}

static bool
is_among(struct ids all, int64_t id)
{
	for (size_t i = 0; i < all.n; i++)
		if (all.v[i] == id)
			return true;
	return false;
}

static enum rc
take(struct bulk *b, struct db *db)
{
	struct request *rq = b->rq;
	int64_t account = rq->actor.account;
	struct thread_id_list found;

	TRY(thread_hold(db, account, NULL));
	TRY(thread_lock_all(db, account, b->in->thread_ids, rq->arena, &found));
	b->there = ids_of(rq, &found);
	b->done = b->there.n;
	return RC_OK;
}

static enum rc
tell(struct bulk *b, struct db *db, enum event_name name, struct ids threads)
{
	if (threads.n == 0)
		return RC_OK;
	return thread_tell(db, b->rq->actor.account, event_word(name), threads,
	    b->rq->actor.user, NULL);
}

/* ---- what is done ---- */

static enum rc
change(struct bulk *b, struct db *db)
{
	TRY(thread_hold(db, b->rq->actor.account, NULL));
	if (b->assign)
		TRY(assignee_check(b->rq, db, "user_id", b->user));
	TRY(take(b, db));
	if (b->there.n == 0)
		return RC_OK;
	TRY(thread_change_all(db, b->rq->actor.account, b->there, b->status,
	    b->assign, b->user, NULL));
	TRY(tell(b, db, EVENT_THREAD_UPDATED, b->there));
	return b->assign ? tell(b, db, EVENT_THREAD_ASSIGNED, b->there) : RC_OK;
}

static enum rc
drop(struct bulk *b, struct db *db)
{
	int64_t account = b->rq->actor.account;
	struct thread_id_list gone;

	TRY(thread_hold(db, account, NULL));
	TRY(thread_hold_mail(
	    db, account, b->in->thread_ids, (struct ids){ 0 }, NULL));
	TRY(take(b, db));
	TRY(thread_remove_mail(db, account, b->there, NULL));
	TRY(thread_remove(db, account, b->there, b->rq->arena, &gone));
	return tell(b, db, EVENT_THREAD_DELETED, b->there);
}

static enum rc
tell_label(
    struct bulk *b, struct db *db, enum event_name name, struct ids threads)
{
	if (threads.n == 0)
		return RC_OK;
	return thread_tell_of(db, b->rq->actor.account, event_word(name),
	    threads, "label_id", b->in->label_id, b->rq->actor.user, NULL);
}

/* Held, so that it is not deleted meanwhile. */
static enum rc
label_take(struct bulk *b, struct db *db)
{
	int64_t id = b->in->label_id;
	struct label_list found;

	TRY(thread_hold(db, b->rq->actor.account, NULL));
	TRY(label_share(db, b->rq->actor.account, (struct ids){ &id, 1 },
	    b->rq->arena, &found));
	if (found.n > 0)
		return RC_OK;
	return fault_add(
	    b->rq, "label_id", "not_found", "There is no such label.");
}

static enum rc
label_on(struct bulk *b, struct db *db)
{
	int64_t account = b->rq->actor.account, label = b->in->label_id;
	struct arena *a = b->rq->arena;
	struct thread_id_list full, put;

	TRY(label_take(b, db));
	TRY(take(b, db));
	TRY(thread_label_full(
	    db, account, b->there, label, LABELS_ON_MOST, a, &full));
	TRY(thread_label_all(
	    db, account, b->there, label, LABELS_ON_MOST, a, &put));
	b->full = ids_of(b->rq, &full);
	b->done = put.n;
	return tell_label(b, db, EVENT_LABEL_ADDED, ids_of(b->rq, &put));
}

static enum rc
label_off(struct bulk *b, struct db *db)
{
	int64_t account = b->rq->actor.account, label = b->in->label_id;
	struct thread_id_list off;

	TRY(label_take(b, db));
	TRY(take(b, db));
	TRY(thread_unlabel_all(
	    db, account, b->there, label, b->rq->arena, &off));
	b->done = off.n;
	return tell_label(b, db, EVENT_LABEL_REMOVED, ids_of(b->rq, &off));
}

/* ---- answers ---- */

/* How a document's answer tells it. */
struct bulk_shape {
	const char *done; /* "updated" … */
	bool total, errors;
};

static void
write_error(struct jw *w, int64_t id, const char *why)
{
	jw_object(w);
	JW_INT(w, "thread_id", id);
	JW_TEXT(w, "error", why);
	jw_object_end(w);
}

static size_t
write_errors(struct jw *w, const struct bulk *b, struct ids asked, bool write)
{
	size_t n = 0;

	for (size_t i = 0; i < asked.n; i++) {
		const char *why = !is_among(b->there, asked.v[i])
		    ? "Thread not found"
		    : is_among(b->full, asked.v[i])
		    ? "Thread has as many labels as it can have"
		    : NULL;

		if (why == NULL)
			continue;
		n++;
		if (write)
			write_error(w, asked.v[i], why);
	}
	return n;
}

/* What could not be done is told by the thread, also where the document's
 * example, in which all went well, has no place for it. */
static enum rc
reply(struct bulk *b, const struct bulk_shape *shape)
{
	struct ids asked = each_once(b->rq, b->in->thread_ids);
	struct jw *w = reply_open(b->rq, 0);
	size_t failed = write_errors(w, b, asked, false);

	jw_key(w, "result");
	jw_object(w);
	JW_INT(w, shape->done, (int64_t)b->done);
	JW_INT(w, "failed", (int64_t)failed);
	if (shape->total)
		JW_INT(w, "total", (int64_t)asked.n);
	if (shape->errors || failed > 0) {
		jw_key(w, "errors");
		jw_array(w);
		(void)write_errors(w, b, asked, true);
		jw_array_end(w);
	}
	jw_object_end(w);
	return reply_close(b->rq);
}

static enum rc
in_tx(struct db *db, void *ctx)
{
	struct bulk *b = ctx;

	return b->work(b, db);
}

static enum rc
run(struct bulk *b, const struct bulk_shape *shape)
{
	TRY(db_tx(b->rq->db, in_tx, b));
	return reply(b, shape);
}

/* ---- handlers ---- */

/* Is a member of an inner object null? What is absent looks alike there. */
static bool
is_null_inside(struct request *rq, const char *object, const char *member)
{
	struct json_object *root, *inner;

	return json_tree(rq->arena, rq->raw, BODY_DEPTH, &root) == RC_OK &&
	    json_inside(root, object, &inner) && json_member(inner, member) &&
	    !json_given(inner, member);
}

enum rc
thread_bulk_update(struct request *rq)
{
	const struct thread_bulk *in = rq->body;
	const struct bulk_updates *u = in->updates;
	struct bulk b = { .rq = rq,
		.in = in,
		.work = change,
		.status = u->status >= 0 ? thread_statuses[u->status] : NULL,
		.assign = u->assigned_to != 0 ||
		    is_null_inside(rq, "updates", "assigned_to"),
		.user = u->assigned_to };

	if (b.status == NULL && !b.assign)
		return fault_add(rq, "updates", "required",
		    "It says what is to be changed.");
	return run(&b, &(struct bulk_shape){ "updated", true, true });
}

enum rc
thread_bulk_delete(struct request *rq)
{
	struct bulk b = { .rq = rq, .in = rq->body, .work = drop };

	return run(&b, &(struct bulk_shape){ "deleted", true, false });
}

enum rc
thread_bulk_assign(struct request *rq)
{
	const struct thread_bulk *in = rq->body;
	struct bulk b = { .rq = rq,
		.in = in,
		.work = change,
		.assign = true,
		.user = in->user_id };

	return run(&b, &(struct bulk_shape){ "updated", false, false });
}

enum rc
thread_bulk_status(struct request *rq)
{
	const struct thread_bulk *in = rq->body;
	struct bulk b = { .rq = rq,
		.in = in,
		.work = change,
		.status = thread_statuses[in->status] };

	return run(&b, &(struct bulk_shape){ "updated", false, false });
}

enum rc
thread_bulk_label(struct request *rq)
{
	struct bulk b = { .rq = rq, .in = rq->body, .work = label_on };

	return run(&b, &(struct bulk_shape){ "added", false, false });
}

enum rc
thread_bulk_unlabel(struct request *rq)
{
	struct bulk b = { .rq = rq, .in = rq->body, .work = label_off };

	return run(&b, &(struct bulk_shape){ "removed", false, false });
}
