/* What a team does beside a thread's mail: notes, and having read it. */
#include "cgi-bin/threads.h"

#include "domain/event.h"
#include "domain/flag.h"
#include "web/body.h"
#include "web/idempotency.h"

#define POSITION_MOST 1000000

const struct field note_new_body[] = { F_TEXT(struct note_new, content, 1,
					   16384, REQUIRED | LINES_OK),
	F_ID(struct note_new, user_id, ID_USER, NULLABLE,
	    .about = "Its author: the caller, unless an admin says another."),
	F_INT(struct note_new, position, 0, POSITION_MOST, NULLABLE,
	    .about = "Absent: it goes last."),
	F_END };
const struct field note_put_body[] = { F_TEXT(struct note_new, content, 1,
					   16384, OPTIONAL | LINES_OK),
	F_INT(struct note_new, position, 0, POSITION_MOST, OPTIONAL), F_END };

/* ---- make ---- */

static enum rc
author(struct request *rq, struct db *db, int64_t *user)
{
	const struct note_new *in = rq->body;

	*user = rq->actor.user;
	if (in->user_id == 0 || in->user_id == *user)
		return RC_OK;
	if (!rq->actor.admin)
		return fail(RC_FORBIDDEN, "A note is by whoever writes it.");
	*user = in->user_id;
	return assignee_check(rq, db, "user_id", in->user_id);
}

static enum rc
make(struct db *db, void *ctx, int64_t made[ONCE_MADE])
{
	struct request *rq = ctx;
	const struct note_new *in = rq->body;
	int64_t account = rq->actor.account, id = arg_id(rq, 0), user;
	const int64_t *position = GIVEN(rq, struct note_new, position) &&
		!IS_NULL(rq, struct note_new, position)
	    ? &in->position
	    : NULL;
	struct thread *t;

	TRY(thread_take(rq, db, id, &t));
	TRY(author(rq, db, &user));
	TRY(note_insert(db, account, rq->actor.application, id, user,
	    in->content, position, &made[0]));
	TRY(thread_touch(db, account, id, NULL));
	return thread_tell_of(db, account, event_word(EVENT_NOTE_ADDED),
	    (struct ids){ &id, 1 }, "note_id", made[0], rq->actor.user, NULL);
}

static enum rc
show(struct request *rq, int64_t id)
{
	struct note *n;

	TRY(note_find(rq->db, rq->actor.account, id, rq->arena, &n));
	return reply_row(rq, 0, note_cols, n);
}

enum rc
note_create(struct request *rq)
{
	int64_t made[ONCE_MADE];

	TRY(once(rq, make, rq, made));
	return show(rq, made[0]);
}

/* ---- change, remove ---- */

/* One of a thread that is there. Its author changes it, and who owns the
 * account; one that a program wrote, everybody. */
static enum rc
note_take(struct request *rq, struct db *db, struct note **out)
{
	int64_t thread = arg_id(rq, 0);
	struct thread *t;
	enum rc rc = note_get(
	    db, rq->actor.account, thread, arg_id(rq, 1), rq->arena, out);

	TRY(rc);
	TRY(thread_take(rq, db, thread, &t));
	if ((*out)->user_id == 0 || (*out)->user_id == rq->actor.user ||
	    rq->actor.role == ROLE_OWNER)
		return RC_OK;
	return fail(RC_FORBIDDEN, "It is somebody else's note.");
}

static enum rc
change(struct db *db, void *ctx)
{
	struct request *rq = ctx;
	const struct note_new *in = rq->body;
	int64_t account = rq->actor.account, thread = arg_id(rq, 0);
	struct note *n;

	TRY(note_take(rq, db, &n));
	if (in->content != NULL)
		n->content = in->content;
	if (GIVEN(rq, struct note_new, position))
		n->position = in->position;
	TRY(note_change(db, account, thread, n->id, n->content, n->position));
	return thread_touch(db, account, thread, NULL);
}

enum rc
note_put(struct request *rq)
{
	TRY(db_tx(rq->db, change, rq));
	return show(rq, arg_id(rq, 1));
}

static enum rc
forget(struct db *db, void *ctx)
{
	struct request *rq = ctx;
	int64_t account = rq->actor.account, thread = arg_id(rq, 0);
	struct note *n;

	TRY(note_take(rq, db, &n));
	TRY(note_remove(db, account, thread, n->id));
	return thread_touch(db, account, thread, NULL);
}

enum rc
note_delete(struct request *rq)
{
	TRY(db_tx(rq->db, forget, rq));
	(void)reply_open(rq, 0);
	return reply_close(rq);
}

/* ---- read ---- */

struct reading {
	struct request *rq;
	bool is_read;
};

/* As a PATCH of each: done here at once, and told to the server by a job. */
static enum rc
mark(struct db *db, void *ctx)
{
	struct reading *r = ctx;
	struct request *rq = r->rq;
	int64_t account = rq->actor.account;
	const struct email_flags flags = { .is_read = &r->is_read };
	struct thread_id_list mail;
	int64_t id = arg_id(rq, 0);
	struct thread *t;

	TRY(thread_hold(db, account, NULL));
	TRY(thread_hold_mail(
	    db, account, (struct ids){ &id, 1 }, (struct ids){ 0 }, NULL));
	TRY(thread_peek(db, account, id, rq->arena, &t));
	TRY(thread_merged_check(rq, t));
	TRY(thread_mail_read(
	    db, account, t->id, !r->is_read, rq->arena, &mail));
	for (size_t i = 0; i < mail.n; i++)
		TRY(email_flags_set(
		    db, account, mail.v[i].id, &flags, rq->arena));
	return RC_OK;
}

static enum rc
mark_as(struct request *rq, bool is_read)
{
	struct reading r = { rq, is_read };

	TRY(db_tx(rq->db, mark, &r));
	return thread_reply(rq, 0, "thread", arg_id(rq, 0));
}

enum rc
thread_mark_read(struct request *rq)
{
	return mark_as(rq, true);
}

enum rc
thread_mark_unread(struct request *rq)
{
	return mark_as(rq, false);
}
