/* Held mail is released, and mail is held by hand. What is decided here a job
 * carries out on the mail server; the caller waits for it, and where that takes
 * too long it goes on without him. */
#include "cgi-bin/providers.h"

#include <string.h>
#include <unistd.h>

#include "domain/interception-sql.h"
#include "domain/task.h"
#include "review.h"
#include "web/audit.h"
#include "web/idempotency.h"
#include "web/share.h"
#include "web/worker.h"

#define WAIT_MS      20000
#define LOOK_MS      250
#define WORKERS_MOST 4 /* that one request starts */

/* ---- the work ---- */

/* One that waits already takes this email along. */
static enum rc
work_queue(struct request *rq, struct db *db, int64_t credential, int64_t *job)
{
	const struct task_new task = {
		.application_id = rq->actor.application,
		.action = "imap_hold",
		.credential_id = credential,
		.priority = 8,
		.once = true,
		.run_at = INSTANT_NONE,
	};
	struct task_started *started;

	TRY(task_start_or_join(
	    db, rq->actor.account, &task, rq->arena, &started));
	*job = started->job_id;
	return RC_OK;
}

static bool
is_under_way(const char *state)
{
	return hold_is(state, HOLD_DUE) || hold_is(state, HOLD_MOVING) ||
	    hold_is(state, HOLD_RELEASING) || hold_is(state, HOLD_FILED);
}

static bool
is_over(const struct held_state_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (is_under_way(l->v[i].state))
			return false;
	return true;
}

/* Once a pipe is closed it makes nobody wait any longer. */
static enum rc
wait_over(struct request *rq, struct ids emails, int end,
    struct held_state_list *seen)
{
	int64_t until = clock_steady_ms() + WAIT_MS;
	bool worked = end < 0;

	for (;;) {
		TRY(held_states(
		    rq->db, rq->actor.account, emails, rq->arena, seen));
		if (is_over(seen) || clock_steady_ms() >= until)
			return RC_OK;
		worker_wait(worked ? -1 : end, LOOK_MS);
		worked = worked || worker_ended(end);
	}
}

/* Where none can be started another worker has it. */
static void
work_start(struct request *rq, struct ids jobs, int end[WORKERS_MOST])
{
	for (size_t i = 0; i < WORKERS_MOST; i++) {
		end[i] = -1;
		if (i < jobs.n &&
		    worker_start(rq->conf, rq->actor.account, jobs.v[i],
			&end[i]) != RC_OK)
			log_warn(&rq->log, "no worker of its own: %s",
			    fail_detail());
	}
}

static enum rc
work(struct request *rq, struct ids jobs, struct ids emails,
    struct held_state_list *seen)
{
	int end[WORKERS_MOST];
	enum rc rc;

	TRY(held_states(rq->db, rq->actor.account, emails, rq->arena, seen));
	if (is_over(seen))
		return RC_OK;
	work_start(rq, jobs, end);
	rc = wait_over(rq, emails, jobs.n == 1 ? end[0] : -1, seen);
	for (size_t i = 0; i < WORKERS_MOST; i++)
		if (end[i] >= 0)
			close(end[i]);
	return rc;
}

static enum rc
work_one(struct request *rq, int64_t job, int64_t email,
    struct held_state_list *seen)
{
	return work(
	    rq, (struct ids){ &job, 1 }, (struct ids){ &email, 1 }, seen);
}

/* ---- release ---- */

const struct field held_release_body[] = {
	F_TEXT(
	    struct held_release, edited_subject, 0, 998, NULLABLE | BLANK_OK),
	F_TEXT(struct held_release, edited_body, 0, REVIEW_TEXT,
	    NULLABLE | BLANK_OK | LINES_OK, .about = "Its plain text."),
	F_TEXT(struct held_release, edited_body_html, 0, REVIEW_TEXT,
	    NULLABLE | BLANK_OK | LINES_OK),
	F_BOOL(struct held_release, strip_attachments, OPTIONAL),
	F_TEXT(struct held_release, target_folder, 1, 255, NULLABLE,
	    .about = "INBOX, where it is not given; not of mail that is to be "
		     "sent."),
	F_TEXT(struct held_release, content_hash, 1, 80, NULLABLE,
	    .about = "Of what was looked at, as its details show it: what is "
		     "another by now is refused. Needed where the account "
		     "wants four eyes."),
	F_END,
};
static const struct field file_field = { .kind = FIELD_TEXT };
const struct field held_release_answer[] = { A_TEXT("message", 0),
	A_ID("email_id", ID_EMAIL, 0), A_TEXT("status", 0),
	A_TEXT("released_to", NULLABLE), A_BOOL("edited", 0),
	A_LIST("attachments_removed", &file_field, 0),
	A_TEXT("edited_message_id", NULLABLE), F_END };

struct release {
	struct review of;
	const struct held_release *in; /* NULL: as it is, and was edited */
	int64_t job;
};

/* Not the folder that it is to leave. */
static enum rc
target_find(struct request *rq, struct db *db, const struct held_state *state,
    const char *name, int64_t *id)
{
	struct hold_folder *f;

	if (state->is_given)
		return fault_add(rq, "target_folder", "unknown",
		    "It is mail to be sent, which goes into no folder.");
	TRY(held_folder(
	    db, rq->actor.account, state->credential_id, name, rq->arena, &f));
	if (f == NULL)
		return fault_add(rq, "target_folder", "unknown",
		    "The mail account has no such folder.");
	*id = f->id;
	return RC_OK;
}

/* What the request brings goes before what was saved. */
static enum rc
edits_take(struct request *rq, struct db *db, int64_t email,
    const struct held_release *in)
{
	if (in->edited_subject == NULL && in->edited_body == NULL &&
	    in->edited_body_html == NULL)
		return RC_OK;
	return held_edit(db,
	    &(struct held_edit_args){ .account = rq->actor.account,
		.email = email,
		.has_subject = in->edited_subject != NULL,
		.subject = in->edited_subject,
		.has_body =
		    in->edited_body != NULL || in->edited_body_html != NULL,
		.text = in->edited_body,
		.html = in->edited_body_html,
		.by = review_by(rq) });
}

/* A machine client's edits are nobody's: a person lets them go. */
static bool
is_own_edit(const struct request *rq, const struct held_state *s,
    const struct held_release *in)
{
	return in->edited_subject != NULL || in->edited_body != NULL ||
	    in->edited_body_html != NULL ||
	    (s->is_edited &&
		(rq->actor.user == 0 || s->edited_by == rq->actor.user));
}

/* Nobody lets go what they have written, and not what they have not seen. */
static enum rc
four_eyes(struct release *r, const struct held_state *s,
    const struct held_release *in)
{
	struct request *rq = r->of.rq;

	if (is_own_edit(rq, s, in)) {
		rq->word = "FOUR_EYES";
		return fail(RC_FORBIDDEN,
		    "Somebody else has to release what you have edited");
	}
	if (in->content_hash != NULL)
		return RC_OK;
	if (r->in != NULL)
		return fault_add(rq, "content_hash", "required",
		    "Which content is it that you release?");
	rq->word = "CONTENT_HASH_REQUIRED";
	return fail(RC_CONFLICT, "It is released alone, with its content_hash");
}

static enum rc
approval_check(struct release *r, const struct held_state *s,
    const struct held_release *in)
{
	if (s->four_eyes)
		TRY(four_eyes(r, s, in));
	if (in->content_hash == NULL ||
	    (s->content_hash != NULL &&
		strcmp(in->content_hash, s->content_hash) == 0))
		return RC_OK;
	r->of.rq->word = "CONTENT_CHANGED";
	return fail(RC_CONFLICT, "It is not what you have looked at any more");
}

static enum rc
release_with(struct release *r, struct db *db, const struct held_state *state)
{
	static const struct held_release as_it_is = { .edited_subject = NULL };
	const struct held_release *in = r->in != NULL ? r->in : &as_it_is;
	struct request *rq = r->of.rq;
	int64_t target = 0;

	TRY(approval_check(r, state, in));
	if (in->target_folder != NULL)
		TRY(target_find(rq, db, state, in->target_folder, &target));
	TRY(edits_take(rq, db, r->of.email, in));
	TRY(held_release(db, rq->actor.account, r->of.email,
	    in->strip_attachments, target, review_by(rq)));
	TRY(work_queue(rq, db, state->credential_id, &r->job));
	return audit(rq, "hold.release", audit_id(rq, ID_EMAIL, r->of.email),
	    arena_fmt(rq->arena, "%s%s", state->content_hash,
		in->strip_attachments ? ", without attachments" : ""));
}

static enum rc
release_decide(struct release *r, struct db *db)
{
	struct request *rq = r->of.rq;
	struct held_state *state;

	TRY(review_lock(rq, db, r->of.email, &state));
	if (state == NULL || !hold_is(state->state, HOLD_HELD))
		return review_refuse(rq, state != NULL ? state->state : NULL);
	return release_with(r, db, state);
}

static enum rc
release_make(struct db *db, void *ctx, int64_t made[ONCE_MADE])
{
	struct release *r = ctx;

	TRY(release_decide(r, db));
	made[0] = r->of.email;
	made[1] = r->job;
	return RC_OK;
}

/* What the mail server did not do; it is held as before. */
static enum rc
server_refused(const struct held_state *s)
{
	enum rc rc = result_of_code(s->error_code);

	return fail(rc, "%s",
	    s->error_detail != NULL ? s->error_detail : result_row(rc)->text);
}

/* A folder; mail that is to be sent goes to its recipients. */
static const char *
released_to(const struct held_full *row)
{
	if (row->is_given)
		return NULL;
	return row->released_to != NULL ? row->released_to : "INBOX";
}

static enum rc
release_reply(struct request *rq, const struct held_full *row)
{
	bool done = strcmp(row->status, "RELEASED") == 0;
	const char *to = released_to(row);
	struct jw *w = reply_open(rq, done ? 200 : 202);

	JW_TEXT(w, "message",
	    done ? arena_fmt(rq->arena, "Email released to %s",
		       to != NULL ? to : "its recipients")
		 : "Email is being released");
	JW_INT(w, "email_id", row->id);
	JW_TEXT(w, "status", row->status);
	JW_TEXT(w, "released_to", to);
	JW_BOOL(w, "edited", row->edited_sha256.p != NULL);
	jw_key(w, "attachments_removed");
	jw_array(w);
	for (size_t i = 0; i < row->removed_files.n; i++)
		jw_str(w, row->removed_files.v[i]);
	jw_array_end(w);
	JW_TEXT(w, "edited_message_id", row->edited_message_id);
	return reply_close(rq);
}

enum rc
held_let_go(struct request *rq)
{
	struct release r = { .of = { .rq = rq, .email = arg_id(rq, 0) },
		.in = rq->body };
	struct held_state_list seen;
	int64_t made[ONCE_MADE];
	struct held_full *row;

	review_echo(rq, r.of.email);
	TRY(share_take(rq));
	TRY(once(rq, release_make, &r, made));
	TRY(work_one(rq, made[1], made[0], &seen));
	if (seen.n == 1 && seen.v[0].error_code != NULL &&
	    hold_is(seen.v[0].state, HOLD_HELD))
		return server_refused(&seen.v[0]);
	TRY(held_get(rq->db, rq->actor.account, made[0], rq->arena, &row));
	return release_reply(rq, row);
}

/* ---- many of them ---- */

const struct field bulk_release_body[] = { F_REVIEW_BULK(struct bulk_release),
	F_END };
const struct field bulk_release_answer[] = { A_REVIEW_BULK("released"),
	A_LIST("queued", &review_email_field, 0), F_END };

/* A job for all that lie in one mail account. */
struct bulk_jobs {
	int64_t v[WORKERS_MOST];
	size_t n;
};

static void
jobs_add(struct bulk_jobs *jobs, int64_t job)
{
	for (size_t i = 0; i < jobs->n; i++)
		if (jobs->v[i] == job)
			return;
	if (jobs->n < WORKERS_MOST)
		jobs->v[jobs->n++] = job;
}

static enum rc
bulk_decide(struct db *db, void *ctx)
{
	const struct review *of = ctx;
	struct release r = { .of = *of };

	TRY(release_decide(&r, db));
	jobs_add(of->with, r.job);
	return RC_OK;
}

static const struct held_state *
state_of(const struct held_state_list *seen, int64_t email)
{
	for (size_t i = 0; i < seen->n; i++)
		if (seen->v[i].email_id == email)
			return &seen->v[i];
	return NULL;
}

/* What the server has refused has failed; what is under way is `queued`. */
static void
fates_settle(struct ids ids, const struct held_state_list *seen,
    struct review_fate *fate, struct review_fate *queued)
{
	for (size_t i = 0; i < ids.n; i++) {
		const struct held_state *s = state_of(seen, ids.v[i]);

		queued[i].rc = RC_CONFLICT;
		if (fate[i].rc != RC_OK || s == NULL)
			continue;
		if (hold_is(s->state, HOLD_HELD))
			fate[i] = (struct review_fate){ RC_CONFLICT,
				result_word(
				    result_of_code(s->error_code), ENV_OK),
				s->error_detail };
		else if (is_under_way(s->state))
			queued[i].rc = RC_OK;
	}
}

static enum rc
bulk_reply(struct request *rq, struct ids ids, struct review_fate *fate,
    const struct review_fate *queued)
{
	struct review_fate *done =
	    ARENA_ARRAY(rq->arena, struct review_fate, ids.n);
	struct jw *w = reply_open(rq, 0);

	for (size_t i = 0; i < ids.n; i++)
		done[i].rc = queued[i].rc == RC_OK ? RC_CONFLICT : fate[i].rc;
	JW_TEXT(w, "message", "Emails released");
	JW_INT(w, "total", (int64_t)ids.n);
	review_write_done(w, "released", ids, done);
	review_write_done(w, "queued", ids, queued);
	review_write_failed(w, ids, fate);
	return reply_close(rq);
}

enum rc
bulk_let_go(struct request *rq)
{
	const struct ids ids =
	    ((const struct bulk_release *)rq->body)->email_ids;
	struct review_fate *fate, *queued;
	struct bulk_jobs jobs = { .n = 0 };
	struct held_state_list seen;

	TRY(share_take(rq));
	TRY(review_each(rq, ids, bulk_decide, &jobs, &fate));
	TRY(work(rq, (struct ids){ jobs.v, jobs.n }, ids, &seen));
	queued = ARENA_ARRAY(rq->arena, struct review_fate, ids.n);
	fates_settle(ids, &seen, fate, queued);
	return bulk_reply(rq, ids, fate, queued);
}

/* ---- held by hand ---- */

const struct field held_intercept_answer[] = { A_TEXT("message", 0),
	A_ID("email_id", ID_EMAIL, 0), A_TEXT("status", 0), F_END };

static bool
may_be_held(const struct held_state *s)
{
	return s == NULL || hold_is(s->state, HOLD_PASSED) ||
	    hold_is(s->state, HOLD_RELEASED) || hold_is(s->state, HOLD_DUE);
}

static enum rc
intercept_make(struct db *db, void *ctx, int64_t made[ONCE_MADE])
{
	const struct review *of = ctx;
	struct request *rq = of->rq;
	struct held_state *state;
	struct held_email *e;

	TRY(review_lock(rq, db, of->email, &state));
	if (!may_be_held(state))
		return review_refuse(rq, state->state);
	TRY(held_email(db, rq->actor.account, of->email, rq->arena, &e));
	if (!e->is_placed)
		return fail(RC_CONFLICT, "Email lies in no folder");
	TRY(held_by_hand(db, rq->actor.account, of->email, review_by(rq)));
	TRY(work_queue(rq, db, e->credential_id, &made[1]));
	made[0] = of->email;
	return audit(
	    rq, "hold.intercept", audit_id(rq, ID_EMAIL, of->email), NULL);
}

/* What is gone from its folder meanwhile has no hold any more. */
static enum rc
intercept_reply(struct request *rq, const struct held_state_list *seen)
{
	struct jw *w;
	bool held;

	if (seen->n == 0)
		return fail(RC_NO_MESSAGE, "Email has left its folder");
	held = hold_is(seen->v[0].state, HOLD_HELD);
	w = reply_open(rq, held ? 200 : 202);
	JW_TEXT(w, "message",
	    held ? "Email moved to Quarantine" : "Email is to be held");
	JW_INT(w, "email_id", seen->v[0].email_id);
	JW_TEXT(w, "status", held ? "HELD" : "DELIVERED");
	return reply_close(rq);
}

enum rc
held_by_person(struct request *rq)
{
	struct review of = { .rq = rq, .email = arg_id(rq, 0) };
	struct held_state_list seen;
	int64_t made[ONCE_MADE];

	review_echo(rq, of.email);
	TRY(share_take(rq));
	TRY(once(rq, intercept_make, &of, made));
	TRY(work_one(rq, made[1], made[0], &seen));
	return intercept_reply(rq, &seen);
}
