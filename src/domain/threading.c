#include "domain/threading.h"

#include "domain/event.h"
#include "domain/job-run.h"
#include "domain/thread-sql.h"
#include "domain/thread.h"
#include "domain/threading-sql.h"
#include "mail/threading.h"

const struct col threading_due_cols[] = {
	COL(struct threading_due, id),
	COL_STR(struct threading_due, message_id),
	COL_STR(struct threading_due, in_reply_to),
	COL_STR(struct threading_due, references),
	COL_STR(struct threading_due, subject),
	COL(struct threading_due, received_at),
	COL(struct threading_due, is_out),
	COL(struct threading_due, is_news),
	COL(struct threading_due, is_inbound),
	COL_END,
};

const struct col threading_key_cols[] = {
	COL(struct threading_key, key),
	COL(struct threading_key, thread_id),
	COL(struct threading_key, is_apart),
	COL_END,
};

/* A step under way. `mail` and what is solved of it leave out what is in no
 * thread; `in` says where each of them stands among `due`. */
struct step {
	struct db *db;
	int64_t account, application;
	struct arena *arena;
	struct threading_due_list due;
	struct threading_mail *mail;
	size_t *in;
	size_t n;
	struct threading_policy *policy;
	struct alike *alike; /* of each of `mail`, where the policy asks */
	struct threading solved;
	struct ids made;  /* ids of the new threads */
	int64_t *thread;  /* of each of `due`; 0: none */
	struct ids woken; /* threads that news came into */
	struct ids begun; /* new ones among them */
};

static void
read_mail(struct step *s)
{
	s->mail = ARENA_ARRAY(s->arena, struct threading_mail, s->due.n + 1);
	s->in = ARENA_ARRAY(s->arena, size_t, s->due.n + 1);
	for (size_t i = 0; i < s->due.n; i++) {
		const struct threading_due *d = &s->due.v[i];

		if (d->is_out)
			continue;
		threading_mail_read(s->arena, d->message_id, d->in_reply_to,
		    d->references, d->subject, &s->mail[s->n]);
		s->in[s->n++] = i;
	}
}

static struct texts
people_of(const struct threading_people_list *l, int64_t id)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].id == id)
			return l->v[i].people;
	return (struct texts){ 0 };
}

static enum rc
alike_read(struct step *s)
{
	int64_t *id = ARENA_ARRAY(s->arena, int64_t, s->n + 1);
	struct threading_people_list l;

	for (size_t i = 0; i < s->n; i++)
		id[i] = s->due.v[s->in[i]].id;
	TRY(threading_people(
	    s->db, s->account, (struct ids){ id, s->n }, s->arena, &l));
	s->alike = ARENA_ARRAY(s->arena, struct alike, s->n + 1);
	for (size_t i = 0; i < s->n; i++)
		s->alike[i] = (struct alike){ .mail = &s->mail[i],
			.subject = s->due.v[s->in[i]].subject,
			.at = s->due.v[s->in[i]].received_at,
			.people = people_of(&l, id[i]) };
	return RC_OK;
}

/* What names nothing may name one by its subject. */
static enum rc
link_subjects(struct step *s)
{
	struct threading_alike_list known;
	struct ints keys;

	TRY(threading_policy(s->db, s->account, s->arena, &s->policy));
	if (!threading_by_subject(s->policy))
		return RC_OK;
	TRY(alike_read(s));
	keys = alike_keys(s->arena, s->alike, s->n);
	TRY(threading_alike(s->db, s->account, keys, s->arena, &known));
	alike_link(s->arena, s->policy, s->alike, s->n, known.v, known.n);
	return RC_OK;
}

static bool
is_by_subject(const struct step *s, size_t i)
{
	return s->alike != NULL && s->alike[i].by_subject;
}

static enum rc
solve(struct step *s)
{
	struct threading_known *known;
	struct threading_key_list found;
	int64_t *key;
	size_t keys = threading_keys(s->arena, s->mail, s->n, &key);

	TRY(threading_known(
	    s->db, s->account, (struct ints){ key, keys }, s->arena, &found));
	known = ARENA_ARRAY(s->arena, struct threading_known, found.n + 1);
	for (size_t i = 0; i < found.n; i++)
		known[i] = (struct threading_known){ found.v[i].key,
			found.v[i].thread_id, found.v[i].is_apart };
	threading_solve(s->arena, s->mail, s->n, known, found.n, &s->solved);
	return RC_OK;
}

/* ---- new threads ---- */

static int64_t
real_id(const struct step *s, int64_t thread)
{
	return thread < 0 ? s->made.v[-thread - 1] : thread;
}

/* Of each new thread, as its oldest mail has it; mails come oldest first. */
static struct texts
subjects(const struct step *s)
{
	struct str *v = ARENA_ARRAY(s->arena, struct str, s->solved.made + 1);

	for (size_t i = s->n; i-- > 0;) {
		int64_t t = s->solved.thread[i];
		struct str subject = s->due.v[s->in[i]].subject;

		if (t < 0)
			v[-t - 1] = subject.p == NULL ? STR("")
			    : threading_subject(subject).is_reply
			    ? threading_subject(subject).base
			    : subject;
	}
	return (struct texts){ v, s->solved.made };
}

static enum rc
make_threads(struct step *s)
{
	if (s->solved.made == 0)
		return RC_OK;
	TRY(threading_ids_take(
	    s->db, (int64_t)s->solved.made, s->arena, &s->made));
	return threading_make(
	    s->db, s->account, s->application, s->made, subjects(s), NULL);
}

static enum rc
join_threads(struct step *s)
{
	const struct threading *x = &s->solved;
	int64_t *from = ARENA_ARRAY(s->arena, int64_t, x->joins + 1);
	int64_t *into = ARENA_ARRAY(s->arena, int64_t, x->joins + 1);

	if (x->joins == 0)
		return RC_OK;
	for (size_t i = 0; i < x->joins; i++) {
		from[i] = x->join[i].from;
		into[i] = x->join[i].into;
	}
	TRY(threading_join(s->db, s->account, (struct ids){ from, x->joins },
	    (struct ids){ into, x->joins }, NULL));
	return thread_tell(s->db, s->account, event_word(EVENT_THREAD_MERGED),
	    (struct ids){ from, x->joins }, 0, NULL);
}

/* ---- mail into threads ---- */

static enum rc
lead_keys(struct step *s)
{
	const struct threading *x = &s->solved;
	int64_t *thread = ARENA_ARRAY(s->arena, int64_t, x->keys + 1);

	for (size_t i = 0; i < x->keys; i++)
		thread[i] = real_id(s, x->key_thread[i]);
	return threading_lead(s->db, s->account, s->application,
	    (struct ints){ x->key, x->keys }, (struct ids){ thread, x->keys },
	    NULL);
}

static enum rc
lead_subjects(struct step *s)
{
	int64_t *thread = ARENA_ARRAY(s->arena, int64_t, s->n + 1);
	int64_t *key, *lead;
	size_t keys;

	if (s->alike == NULL)
		return RC_OK;
	for (size_t i = 0; i < s->n; i++)
		thread[i] = real_id(s, s->solved.thread[i]);
	keys = alike_lead(s->arena, s->alike, s->n, thread, &key, &lead);
	return threading_lead(s->db, s->account, s->application,
	    (struct ints){ key, keys }, (struct ids){ lead, keys }, NULL);
}

static enum rc
put_mail(struct step *s)
{
	int64_t *id = ARENA_ARRAY(s->arena, int64_t, s->due.n);
	struct str *rule = ARENA_ARRAY(s->arena, struct str, s->due.n);

	s->thread = ARENA_ARRAY(s->arena, int64_t, s->due.n);
	for (size_t i = 0; i < s->due.n; i++) {
		id[i] = s->due.v[i].id;
		rule[i] = STR("none");
	}
	for (size_t i = 0; i < s->n; i++) {
		s->thread[s->in[i]] = real_id(s, s->solved.thread[i]);
		rule[s->in[i]] = is_by_subject(s, i) ? STR("subject")
		    : s->mail[i].n > 0               ? STR("reply")
						     : STR("started");
	}
	return threading_put(s->db, s->account, (struct ids){ id, s->due.n },
	    (struct ints){ s->thread, s->due.n },
	    (struct texts){ rule, s->due.n }, NULL);
}

/* ---- news ---- */

static void
add_once(int64_t *v, size_t *n, int64_t id)
{
	for (size_t i = 0; i < *n; i++)
		if (v[i] == id)
			return;
	v[(*n)++] = id;
}

/* Mail that was there before its folder was first read wakes nobody. */
static void
find_news(struct step *s)
{
	int64_t *woken = ARENA_ARRAY(s->arena, int64_t, s->due.n);
	int64_t *begun = ARENA_ARRAY(s->arena, int64_t, s->due.n);

	s->woken.v = woken;
	s->begun.v = begun;
	for (size_t i = 0; i < s->n; i++) {
		const struct threading_due *d = &s->due.v[s->in[i]];
		int64_t t = s->thread[s->in[i]];

		if (!d->is_news)
			continue;
		if (s->solved.thread[i] < 0)
			add_once(begun, &s->begun.n, t);
		else if (d->is_inbound)
			add_once(woken, &s->woken.n, t);
	}
}

static enum rc
tell(struct step *s, enum event_name name, struct ids threads)
{
	if (threads.n == 0)
		return RC_OK;
	return thread_tell(
	    s->db, s->account, event_word(name), threads, 0, NULL);
}

static enum rc
tell_news(struct step *s)
{
	find_news(s);
	if (s->woken.n > 0)
		TRY(threading_reopen(s->db, s->account, s->woken, NULL));
	TRY(tell(s, EVENT_THREAD_CREATED, s->begun));
	return tell(s, EVENT_THREAD_UPDATED, s->woken);
}

/* ---- a step ---- */

enum rc
threading_step_here(struct db *db, int64_t account, int64_t application,
    struct arena *a, size_t *done)
{
	struct step s = { .db = db,
		.account = account,
		.application = application,
		.arena = a };

	TRY(thread_hold(db, account, NULL));
	TRY(threading_due(db, account, THREADING_STEP, a, &s.due));
	*done = s.due.n;
	if (s.due.n == 0)
		return RC_OK;
	read_mail(&s);
	TRY(link_subjects(&s));
	TRY(solve(&s));
	TRY(make_threads(&s));
	TRY(join_threads(&s));
	TRY(lead_keys(&s));
	TRY(lead_subjects(&s));
	TRY(put_mail(&s));
	return tell_news(&s);
}

/* ---- mail that we write ---- */

static enum rc
lead_written(struct step *s, int64_t email, int64_t thread)
{
	struct alike one = { .mail = s->mail, .subject = s->due.v[0].subject };
	struct threading_people_list people;
	int64_t *key, *lead;
	size_t keys;

	TRY(threading_policy(s->db, s->account, s->arena, &s->policy));
	if (!threading_by_subject(s->policy))
		return RC_OK;
	TRY(threading_people(
	    s->db, s->account, (struct ids){ &email, 1 }, s->arena, &people));
	one.people = people_of(&people, email);
	(void)alike_keys(s->arena, &one, 1);
	keys = alike_lead(s->arena, &one, 1, &thread, &key, &lead);
	return threading_lead(s->db, s->account, s->application,
	    (struct ints){ key, keys }, (struct ids){ lead, keys }, NULL);
}

enum rc
threading_write(struct db *db, int64_t account, int64_t application,
    int64_t email, int64_t thread, struct str rule, struct arena *a)
{
	const struct ids one = { &email, 1 };
	struct threading_due due;
	struct threading_mail mail;
	struct thread_mail_list found;
	struct step s = { .db = db,
		.account = account,
		.application = application,
		.arena = a,
		.due = { .v = &due, .n = 1 },
		.mail = &mail };

	TRY(thread_movable(db, account, one, a, &found));
	if (found.n == 0)
		return RC_OK;
	due = (struct threading_due){ .id = email,
		.subject = found.v[0].subject };
	threading_mail_read(a, found.v[0].message_id, (struct str){ 0 },
	    (struct str){ 0 }, due.subject, &mail);
	TRY(threading_lead(db, account, application,
	    (struct ints){ &mail.key, 1 }, (struct ids){ &thread, 1 }, NULL));
	TRY(lead_written(&s, email, thread));
	return threading_put(db, account, one, (struct ints){ &thread, 1 },
	    (struct texts){ &rule, 1 }, NULL);
}

/* ---- mail that a server renames ---- */

struct queued {
	int64_t account, application, email;
	struct str answer;
	struct arena *arena;
};

/* What a sync would do soon, since it has to be in its thread. */
static enum rc
queued_find(struct db *db, const struct queued *q, struct thread_mail_list *out)
{
	const struct ids one = { &q->email, 1 };
	size_t done;

	TRY(thread_movable(db, q->account, one, q->arena, out));
	if (out->n == 0 || out->v[0].thread_id != 0)
		return RC_OK;
	TRY(threading_step_here(
	    db, q->account, q->application, q->arena, &done));
	return thread_movable(db, q->account, one, q->arena, out);
}

static enum rc
queued_lead(struct db *db, void *ctx)
{
	const struct queued *q = ctx;
	struct thread_mail_list mail;
	int64_t key, thread;

	TRY(thread_hold(db, q->account, NULL));
	TRY(queued_find(db, q, &mail));
	if (mail.n == 0 || mail.v[0].thread_id == 0)
		return RC_OK;
	key = threading_queued_key(q->answer, mail.v[0].subject);
	thread = mail.v[0].thread_id;
	return threading_lead(db, q->account, q->application,
	    (struct ints){ &key, 1 }, (struct ids){ &thread, 1 }, NULL);
}

enum rc
threading_queued(struct db *db, int64_t account, int64_t application,
    int64_t email, struct str answer, struct arena *a)
{
	struct queued q = { account, application, email, answer, a };

	if (threading_queued_key(answer, STR("")) == 0)
		return RC_OK;
	return db_tx(db, queued_lead, &q);
}

/* ---- a step of its own ---- */

struct ask {
	int64_t account, application;
	struct arena *arena;
	size_t *done;
};

static enum rc
step(struct db *db, void *ctx)
{
	const struct ask *x = ctx;

	return threading_step_here(
	    db, x->account, x->application, x->arena, x->done);
}

enum rc
threading_step(struct db *db, int64_t account, int64_t application,
    struct arena *a, size_t *done)
{
	struct ask x = { account, application, a, done };

	return db_tx(db, step, &x);
}

/* ---- the job: what is left of much mail ---- */

enum rc
thread_mail_run(struct job_run *r)
{
	struct arena *a = arena_new((size_t)64 << 20);
	size_t done;
	enum rc rc;

	do {
		if (job_run_stopped(r)) {
			rc = job_run_stop(r);
			break;
		}
		rc = job_run_beat(r);
		if (rc == RC_OK)
			rc = threading_step(r->db, r->account,
			    r->lease->application_id, a, &done);
		arena_reset(a);
	} while (rc == RC_OK && done == THREADING_STEP);
	arena_free(&a);
	return rc;
}
