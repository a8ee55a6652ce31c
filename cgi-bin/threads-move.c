/* Mail that goes from one thread into another: split, merge, what undoes them,
 * and single mails that somebody puts where they belong. */
#include "cgi-bin/threads.h"

#include <string.h>

#include "domain/event.h"
#include "domain/label-sql.h"
#include "mail/threading.h"
#include "web/body.h"
#include "web/idempotency.h"

static enum rc
tell(struct request *rq, struct db *db, enum event_name name, int64_t id)
{
	return thread_tell(db, rq->actor.account, event_word(name),
	    (struct ids){ &id, 1 }, rq->actor.user, NULL);
}

/* ---- mail that is to be moved ---- */

struct moving {
	struct thread_mail_list mail;
	struct ids ids;
	struct texts rules; /* how each had come */
	struct ids keys;    /* of theirs, that led elsewhere */
};

static enum rc
moving_find(
    struct request *rq, struct db *db, struct ids wanted, struct moving *m)
{
	struct str *rule;
	int64_t *id;

	TRY(thread_movable(db, rq->actor.account, wanted, rq->arena, &m->mail));
	id = ARENA_ARRAY(rq->arena, int64_t, m->mail.n + 1);
	rule = ARENA_ARRAY(rq->arena, struct str, m->mail.n + 1);
	for (size_t i = 0; i < m->mail.n; i++) {
		id[i] = m->mail.v[i].id;
		rule[i] = m->mail.v[i].thread_rule;
	}
	m->ids = (struct ids){ id, m->mail.n };
	m->rules = (struct texts){ rule, m->mail.n };
	return RC_OK;
}

/* Their own ids lead along: who answers them comes after them. Both threads
 * stay apart from now on, or an answer that names mail of both would undo it.
 */
static enum rc
moving_do(struct request *rq, struct db *db, struct moving *m, int64_t src,
    int64_t dest)
{
	int64_t account = rq->actor.account, both[2] = { dest, src };
	int64_t *key = ARENA_ARRAY(rq->arena, int64_t, m->mail.n + 1);
	struct thread_id_list led;
	size_t n = 0;

	for (size_t i = 0; i < m->mail.n; i++) {
		struct threading_mail one;

		threading_mail_read(rq->arena, m->mail.v[i].message_id,
		    (struct str){ 0 }, (struct str){ 0 }, m->mail.v[i].subject,
		    &one);
		if (one.key != 0)
			key[n++] = one.key;
	}
	TRY(thread_move_mail(db, account, m->ids, dest, NULL));
	TRY(thread_move_keys(
	    db, account, (struct ints){ key, n }, dest, rq->arena, &led));
	for (size_t i = 0; i < led.n; i++)
		key[i] = led.v[i].id;
	m->keys = (struct ids){ key, led.n };
	return thread_set_apart(
	    db, account, (struct ids){ both, src != 0 ? 2 : 1 }, NULL);
}

/* ---- split ---- */

static const struct field email_id = { .kind = FIELD_ID, .id = ID_EMAIL };

const struct field thread_split_body[] = { F_LIST(struct thread_split,
					       email_ids, 1, THREAD_BULK_MOST,
					       &email_id, REQUIRED),
	F_TEXT(struct thread_split, new_subject, 1, THREAD_SUBJECT_MOST,
	    OPTIONAL, .about = "Absent: that of the first mail of it."),
	F_END };

/* All of it is mail of the thread, and not the last of it. */
static enum rc
split_check(struct request *rq, const struct thread *t, const struct moving *m)
{
	const struct thread_split *in = rq->body;

	for (size_t i = 0; i < in->email_ids.n; i++) {
		bool there = false;

		for (size_t k = 0; k < m->mail.n; k++)
			there = there ||
			    (m->mail.v[k].id == in->email_ids.v[i] &&
				m->mail.v[k].thread_id == t->id);
		if (!there)
			return fault_add(rq,
			    arena_fmt(rq->arena, "email_ids[%zu]", i),
			    "not_found", "The thread has no such email.");
	}
	if ((int64_t)m->mail.n < t->email_count)
		return RC_OK;
	return fault_add(rq, "email_ids", "too_many",
	    "At least one email stays in the thread.");
}

static const char *
split_subject(
    struct request *rq, const struct thread *t, const struct moving *m)
{
	const struct thread_split *in = rq->body;
	struct str s = m->mail.v[0].subject;

	if (in->new_subject != NULL)
		return in->new_subject;
	return s.p != NULL && s.n > 0 ? arena_dup(rq->arena, s.p, s.n)
				      : t->subject;
}

static enum rc
split(struct db *db, void *ctx, int64_t made[ONCE_MADE])
{
	struct request *rq = ctx;
	const struct thread_split *in = rq->body;
	int64_t account = rq->actor.account, id = arg_id(rq, 0);
	struct moving m = { 0 };
	struct thread *t;

	TRY(thread_hold(db, account, NULL));
	TRY(thread_hold_mail(
	    db, account, (struct ids){ &id, 1 }, in->email_ids, NULL));
	TRY(thread_take(rq, db, id, &t));
	TRY(moving_find(rq, db, in->email_ids, &m));
	TRY(split_check(rq, t, &m));
	TRY(thread_insert(db, account, rq->actor.application,
	    split_subject(rq, t, &m), t->status, t->assigned_to, t->labels,
	    &made[0]));
	TRY(moving_do(rq, db, &m, id, made[0]));
	TRY(thread_step_split(db,
	    &(struct thread_step_split_args){ .account = account,
		.application = rq->actor.application,
		.thread = id,
		.made = made[0],
		.emails = m.ids,
		.rules = m.rules,
		.keys = m.keys,
		.user = rq->actor.user },
	    NULL));
	TRY(tell(rq, db, EVENT_THREAD_CREATED, made[0]));
	return thread_tell_of(db, account, event_word(EVENT_THREAD_SPLIT),
	    (struct ids){ &id, 1 }, "new_thread_id", made[0], rq->actor.user,
	    NULL);
}

/* Two threads, each under its name. */
static enum rc
both_reply(struct request *rq, const char *one, int64_t one_id,
    const char *other, int64_t other_id)
{
	int64_t account = rq->actor.account;
	struct label_list labels;
	struct thread *a, *b;
	struct jw *w;

	db_pipe_begin(rq->db);
	TRY(thread_get(rq->db, account, one_id, rq->arena, &a));
	TRY(thread_get(rq->db, account, other_id, rq->arena, &b));
	TRY(label_list(rq->db, account, false, rq->arena, &labels));
	TRY(db_pipe_end(rq->db));
	w = reply_open(rq, 0);
	jw_key(w, one);
	thread_open(rq, w, a, &labels);
	jw_object_end(w);
	jw_key(w, other);
	thread_open(rq, w, b, &labels);
	jw_object_end(w);
	return reply_close(rq);
}

enum rc
thread_split(struct request *rq)
{
	int64_t made[ONCE_MADE];

	TRY(once(rq, split, rq, made));
	return both_reply(
	    rq, "original_thread", arg_id(rq, 0), "new_thread", made[0]);
}

/* ---- merge ---- */

const struct field thread_merge_body[] = {
	F_ID(struct thread_merge, source_thread_id, ID_NUMBER, REQUIRED), F_END
};

/* Both, in one order; the path's is taken with what it asks. */
static enum rc
merge_take(struct request *rq, struct db *db, int64_t target, int64_t source)
{
	int64_t account = rq->actor.account, both[2] = { target, source };
	struct thread_id_list locked;
	struct thread *t;
	enum rc rc;

	TRY(thread_hold(db, account, NULL));
	TRY(thread_hold_mail(
	    db, account, (struct ids){ both, 2 }, (struct ids){ 0 }, NULL));
	TRY(thread_lock_all(
	    db, account, (struct ids){ both, 2 }, rq->arena, &locked));
	TRY(thread_take(rq, db, target, &t));
	rc = thread_lock(db, account, source, rq->arena, &t);
	if (rc == RC_NOT_FOUND)
		return fault_add(rq, "source_thread_id", "not_found",
		    "There is no such thread.");
	TRY(rc);
	return thread_merged_check(rq, t);
}

static enum rc
merge(struct db *db, void *ctx)
{
	struct request *rq = ctx;
	const struct thread_merge *in = rq->body;
	int64_t account = rq->actor.account, target = arg_id(rq, 0),
		source = in->source_thread_id;

	TRY(merge_take(rq, db, target, source));
	TRY(thread_step_merge(db, account, rq->actor.application, target,
	    source, rq->actor.user, NULL));
	TRY(thread_join_one(db, account, source, target, NULL));
	TRY(tell(rq, db, EVENT_THREAD_MERGED, source));
	return tell(rq, db, EVENT_THREAD_UPDATED, target);
}

enum rc
thread_merge(struct request *rq)
{
	const struct thread_merge *in = rq->body;

	if (in->source_thread_id == arg_id(rq, 0))
		return fault_add(rq, "source_thread_id", "same",
		    "A thread is not merged into itself.");
	TRY(db_tx(rq->db, merge, rq));
	return thread_reply(rq, 0, "merged_thread", arg_id(rq, 0));
}

/* ---- undo ---- */

struct undoing {
	struct request *rq;
	struct thread_step *step;
};

static enum rc
step_take(struct request *rq, struct db *db, struct thread_step **out)
{
	int64_t account = rq->actor.account, id = arg_id(rq, 0);
	struct thread_id_list locked;
	struct thread_step *s;
	struct thread *t;

	TRY(thread_hold(db, account, NULL));
	TRY(thread_step_last(db, account, id, rq->arena, &s));
	if (s != NULL) {
		int64_t both[2] = { s->thread_id, s->other_id };

		TRY(thread_hold_mail(
		    db, account, (struct ids){ both, 2 }, s->emails, NULL));
		TRY(thread_lock_all(
		    db, account, (struct ids){ both, 2 }, rq->arena, &locked));
	}
	TRY(thread_take(rq, db, id, &t));
	if (s == NULL || !s->can_be) {
		rq->word = "NOTHING_TO_UNDO";
		return fail(RC_CONFLICT,
		    s == NULL ? "Nothing was split or merged here."
			      : "The other thread has gone on since.");
	}
	*out = s;
	return RC_OK;
}

static enum rc
undo(struct db *db, void *ctx)
{
	struct undoing *u = ctx;
	struct request *rq = u->rq;
	int64_t account = rq->actor.account;
	struct thread_step *s;

	TRY(step_take(rq, db, &s));
	u->step = s;
	if (strcmp(s->kind, "split") == 0) {
		TRY(thread_unsplit(db, account, s->id, NULL));
		TRY(tell(rq, db, EVENT_THREAD_MERGED, s->other_id));
		return tell(rq, db, EVENT_THREAD_UPDATED, s->thread_id);
	}
	TRY(thread_unmerge(db, account, s->id, NULL));
	return thread_tell_of(db, account, event_word(EVENT_THREAD_SPLIT),
	    (struct ids){ &s->thread_id, 1 }, "new_thread_id", s->other_id,
	    rq->actor.user, NULL);
}

/* What was joined is one thread; what was parted are two. */
enum rc
thread_undo(struct request *rq)
{
	struct undoing u = { .rq = rq };

	TRY(db_tx(rq->db, undo, &u));
	return both_reply(
	    rq, "thread", u.step->thread_id, "other_thread", u.step->other_id);
}

/* ---- one mail ---- */

/* Of which mail, and where to. */
struct putting {
	struct request *rq;
	int64_t email, thread;
	const char
	    *field; /* of the body that names the thread; NULL: the path */
};

static enum rc
target_take(const struct putting *p, struct db *db)
{
	struct request *rq = p->rq;
	struct thread *t;
	enum rc rc = thread_take(rq, db, p->thread, &t);

	if (rc != RC_NOT_FOUND || p->field == NULL)
		return rc;
	return fault_add(rq, p->field, "not_found", "There is no such thread.");
}

static enum rc
put(struct db *db, void *ctx)
{
	const struct putting *p = ctx;
	struct request *rq = p->rq;
	int64_t account = rq->actor.account, src, both[2];
	const struct ids one = { &p->email, 1 };
	struct thread_id_list locked;
	struct moving m = { 0 };

	TRY(thread_hold(db, account, NULL));
	TRY(thread_hold_mail(db, account, (struct ids){ 0 }, one, NULL));
	TRY(moving_find(rq, db, one, &m));
	if (m.mail.n == 0)
		return RC_NOT_FOUND;
	src = m.mail.v[0].thread_id;
	both[0] = p->thread;
	both[1] = src;
	TRY(thread_lock_all(
	    db, account, (struct ids){ both, 2 }, rq->arena, &locked));
	TRY(target_take(p, db));
	if (src == p->thread)
		return RC_OK;
	TRY(moving_do(rq, db, &m, src, p->thread));
	if (src != 0)
		TRY(tell(rq, db, EVENT_THREAD_UPDATED, src));
	return tell(rq, db, EVENT_THREAD_UPDATED, p->thread);
}

enum rc
thread_assign_email(struct request *rq)
{
	struct putting p = { rq, arg_id(rq, 1), arg_id(rq, 0), NULL };

	TRY(db_tx(rq->db, put, &p));
	return thread_reply(rq, 0, "thread", p.thread);
}

const struct field email_thread_body[] = { F_ID(struct email_thread, thread_id,
					       ID_NUMBER, OPTIONAL),
	F_ID(struct email_thread, new_thread_id, ID_NUMBER, OPTIONAL,
	    .about = "The same."),
	F_END };

enum rc
email_thread_patch(struct request *rq)
{
	const struct email_thread *in = rq->body;
	bool named = in->thread_id != 0;
	struct putting p = { rq, arg_id(rq, 0),
		named ? in->thread_id : in->new_thread_id,
		named ? "thread_id" : "new_thread_id" };
	struct thread_email *e;

	if (p.thread == 0)
		return fault_add(rq, "thread_id", "required",
		    "It says where the email goes.");
	TRY(db_tx(rq->db, put, &p));
	TRY(thread_email_get(
	    rq->db, rq->actor.account, p.email, rq->arena, &e));
	return reply_row(rq, 0, thread_email_cols, e);
}
