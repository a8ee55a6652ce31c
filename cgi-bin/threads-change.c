/* A thread made by hand, changed, or deleted. */
#include "cgi-bin/threads.h"

#include <stdio.h>
#include <string.h>

#include "domain/event.h"
#include "domain/label-sql.h"
#include "web/body.h"
#include "web/idempotency.h"

/* ---- what may be wished for ---- */

static const struct field label_id = { .kind = FIELD_ID, .id = ID_NUMBER };

/* clang-format off */
#define F_THREAD(need, ...)                                                    \
	F_TEXT(struct thread_new, subject, 1, THREAD_SUBJECT_MOST, need),      \
	F_ENUM(struct thread_new, status, thread_statuses, __VA_ARGS__),       \
	F_ID(struct thread_new, assigned_to, ID_USER, NULLABLE,                \
	    .about = "Somebody who may enter the account.")
/* clang-format on */

const struct field thread_new_body[] = { F_THREAD(
					     REQUIRED, OPTIONAL, PRESET(0)),
	F_LIST(
	    struct thread_new, labels, 0, LABELS_ON_MOST, &label_id, OPTIONAL),
	F_END };
const struct field thread_put_body[] = { F_THREAD(OPTIONAL, OPTIONAL),
	F_TIME(struct thread_new, snoozed_until, NULLABLE), F_END };

enum rc
assignee_check(
    struct request *rq, struct db *db, const char *field, int64_t user)
{
	struct person *who;

	if (user == 0)
		return RC_OK;
	TRY(thread_person(db, user, rq->arena, &who));
	if (who != NULL)
		return RC_OK;
	return fault_add(rq, field, "not_found",
	    "There is nobody of this id in the account.");
}

/* Each once, in the order given. Foreign ones are told like those that are not
 * there. */
static enum rc
labels_check(
    struct request *rq, struct db *db, struct ids wanted, struct ids *out)
{
	int64_t *v = ARENA_ARRAY(rq->arena, int64_t, wanted.n + 1);
	struct label_list found;

	*out = (struct ids){ v, 0 };
	if (wanted.n == 0)
		return RC_OK;
	TRY(label_share(db, rq->actor.account, wanted, rq->arena, &found));
	for (size_t i = 0; i < found.n; i++)
		v[out->n++] = found.v[i].id;
	for (size_t i = 0; i < wanted.n; i++) {
		bool there = false;

		for (size_t k = 0; k < found.n; k++)
			there = there || found.v[k].id == wanted.v[i];
		if (!there)
			return fault_add(rq,
			    arena_fmt(rq->arena, "labels[%zu]", i), "not_found",
			    "There is no such label.");
	}
	return RC_OK;
}

static enum rc
tell(struct request *rq, struct db *db, enum event_name name, int64_t id)
{
	return thread_tell(db, rq->actor.account, event_word(name),
	    (struct ids){ &id, 1 }, rq->actor.user, NULL);
}

/* ---- make ---- */

static enum rc
make(struct db *db, void *ctx, int64_t made[ONCE_MADE])
{
	struct request *rq = ctx;
	const struct thread_new *in = rq->body;
	int64_t account = rq->actor.account;
	struct ids labels;

	TRY(thread_hold(db, account, NULL));
	TRY(assignee_check(rq, db, "assigned_to", in->assigned_to));
	TRY(labels_check(rq, db, in->labels, &labels));
	TRY(thread_insert(db, account, rq->actor.application, in->subject,
	    thread_statuses[in->status], in->assigned_to, labels, &made[0]));
	return tell(rq, db, EVENT_THREAD_CREATED, made[0]);
}

enum rc
thread_create(struct request *rq)
{
	int64_t made[ONCE_MADE];

	TRY(once(rq, make, rq, made));
	return thread_reply(rq, 0, "thread", made[0]);
}

/* ---- one that is to be changed ---- */

/* Is this the version of a tag that If-Match names? A tag is
 * "<version>.<hash>", each representation having a hash of its own. */
static bool
names_version(struct str tag, int64_t version)
{
	char text[32];
	size_t n =
	    (size_t)snprintf(text, sizeof text, "\"%lld.", (long long)version);

	if (str_starts(tag, STR("W/"))) {
		tag.p += 2;
		tag.n -= 2;
	}
	return str_eq(tag, STR("*")) ||
	    str_starts(tag, (struct str){ text, n });
}

static bool
is_expected(const char *header, int64_t version)
{
	struct str rest = str_of(header);

	if (header == NULL)
		return true;
	while (rest.n > 0) {
		const char *comma = memchr(rest.p, ',', rest.n);
		size_t n = comma != NULL ? (size_t)(comma - rest.p) : rest.n;

		if (names_version(str_trim((struct str){ rest.p, n }), version))
			return true;
		n += comma != NULL;
		rest.p += n;
		rest.n -= n;
	}
	return false;
}

enum rc
thread_merged_check(struct request *rq, const struct thread *t)
{
	if (t->merged_into == 0)
		return RC_OK;
	rq->word = "THREAD_MERGED";
	error_int(rq, "merged_into", t->merged_into);
	return fail(RC_CONFLICT, "The thread was merged into another.");
}

enum rc
thread_take(struct request *rq, struct db *db, int64_t id, struct thread **out)
{
	int64_t account = rq->actor.account;

	TRY(thread_hold(db, account, NULL));
	TRY(thread_lock(db, account, id, rq->arena, out));
	TRY(thread_merged_check(rq, *out));
	return is_expected(request_var(rq, "HTTP_IF_MATCH"), (*out)->version)
	    ? RC_OK
	    : RC_PRECONDITION;
}

/* ---- change ---- */

static enum rc
change(struct db *db, void *ctx)
{
	struct request *rq = ctx;
	const struct thread_new *in = rq->body;
	int64_t id = arg_id(rq, 0), before;
	struct thread *t;

	TRY(thread_take(rq, db, id, &t));
	before = t->assigned_to;
	if (in->subject != NULL)
		t->subject = in->subject;
	if (in->status >= 0)
		t->status = thread_statuses[in->status];
	if (GIVEN(rq, struct thread_new, assigned_to))
		t->assigned_to = in->assigned_to;
	if (GIVEN(rq, struct thread_new, snoozed_until))
		t->snoozed_until = in->snoozed_until;
	if (t->assigned_to != before)
		TRY(assignee_check(rq, db, "assigned_to", t->assigned_to));
	TRY(thread_change(db, rq->actor.account, id, t->subject, t->status,
	    t->assigned_to, t->snoozed_until));
	TRY(tell(rq, db, EVENT_THREAD_UPDATED, id));
	if (t->assigned_to == before)
		return RC_OK;
	return tell(rq, db, EVENT_THREAD_ASSIGNED, id);
}

enum rc
thread_put(struct request *rq)
{
	TRY(db_tx(rq->db, change, rq));
	return thread_reply(rq, 0, "thread", arg_id(rq, 0));
}

/* ---- delete ---- */

static enum rc
forget(struct db *db, void *ctx)
{
	struct request *rq = ctx;
	int64_t id = arg_id(rq, 0), account = rq->actor.account;
	const struct ids one = { &id, 1 };
	struct thread_id_list gone;
	struct thread *t;

	TRY(thread_hold(db, account, NULL));
	TRY(thread_hold_mail(db, account, one, (struct ids){ 0 }, NULL));
	TRY(thread_take(rq, db, id, &t));
	TRY(thread_remove_mail(db, account, one, NULL));
	TRY(thread_remove(db, account, one, rq->arena, &gone));
	return tell(rq, db, EVENT_THREAD_DELETED, id);
}

enum rc
thread_delete(struct request *rq)
{
	TRY(db_tx(rq->db, forget, rq));
	(void)reply_open(rq, 0);
	return reply_close(rq);
}
