#include "domain/rebuild.h"

#include <stdlib.h>

#include "domain/rebuild-sql.h"
#include "domain/thread-sql.h"
#include "domain/thread.h"
#include "domain/threading.h"
#include "mail/threading.h"

#define PAGE        5000
#define PAGE_MEMORY ((size_t)512 << 20)

const struct col rebuild_account_cols[] = {
	COL(struct rebuild_account, id),
	COL(struct rebuild_account, application_id),
	COL(struct rebuild_account, waiting),
	COL_END,
};

const struct col rebuild_mail_cols[] = {
	COL(struct rebuild_mail, id),
	COL_STR(struct rebuild_mail, message_id),
	COL_STR(struct rebuild_mail, in_reply_to),
	COL_STR(struct rebuild_mail, references),
	COL_STR(struct rebuild_mail, subject),
	COL(struct rebuild_mail, received_at),
	COL(struct rebuild_mail, thread_id),
	COL(struct rebuild_mail, is_sent),
	COL(struct rebuild_mail, is_gone),
	COL(struct rebuild_mail, is_ours),
	COL_END,
};

/* A mail that is solved anew. */
struct one {
	int64_t id, thread;
	instant at;
	bool is_sent, is_gone, is_ours;
	struct str subject;
	struct texts people;
	struct threading_mail mail;
};

/* A thread of before, in order of its id. */
struct was {
	int64_t id;
	size_t oldest;   /* its oldest mail */
	bool has_sent;   /* something was written in it */
	int64_t becomes; /* where its mail is from now on; < 0: a new one */
};

struct work {
	struct db *db;
	const struct rebuild_account *account;
	bool dry;
	struct arena *arena;
	struct rebuild *out;
	struct ids shaped;
	struct threading_policy *policy;
	struct alike *alike; /* NULL: subjects say nothing */
	struct one *one;
	size_t n, room;
	struct was *was;
	size_t was_n;
	struct threading solved;
	int64_t *name; /* of each new set of mails: a thread of before, or 0 */
	struct ids made; /* ids of those that have none */
};

/* ---- reading ---- */

static int
id_order(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static bool
is_shaped(const struct work *w, int64_t thread)
{
	return bsearch(&thread, w->shaped.v, w->shaped.n, sizeof *w->shaped.v,
		   id_order) != NULL;
}

static enum rc
shaped_read(struct work *w)
{
	struct thread_id_list l;
	int64_t *v;

	TRY(rebuild_shaped(w->db, w->account->id, w->arena, &l));
	v = ARENA_ARRAY(w->arena, int64_t, l.n + 1);
	for (size_t i = 0; i < l.n; i++)
		v[i] = l.v[i].id;
	w->shaped = (struct ids){ v, l.n };
	return RC_OK;
}

static void
add(struct work *w, const struct rebuild_mail *m)
{
	struct one *one;

	if (w->n == w->room) {
		size_t room = w->room != 0 ? 2 * w->room : PAGE;
		struct one *v = ARENA_ARRAY(w->arena, struct one, room);

		for (size_t i = 0; i < w->n; i++)
			v[i] = w->one[i];
		w->one = v;
		w->room = room;
	}
	one = &w->one[w->n++];
	*one = (struct one){ .id = m->id,
		.thread = m->thread_id,
		.at = m->received_at,
		.is_sent = m->is_sent,
		.is_gone = m->is_gone,
		.is_ours = m->is_ours };
	if (m->subject.n > 0)
		one->subject = (struct str){ arena_dup(w->arena, m->subject.p,
						 m->subject.n),
			m->subject.n };
	threading_mail_read(w->arena, m->message_id, m->in_reply_to,
	    m->references, m->subject, &one->mail);
}

static struct texts
kept(struct arena *a, const struct texts *in)
{
	struct str *v = ARENA_ARRAY(a, struct str, in->n + 1);

	for (size_t i = 0; i < in->n; i++)
		v[i] = (struct str){ arena_dup(a, in->v[i].p, in->v[i].n),
			in->v[i].n };
	return (struct texts){ v, in->n };
}

/* Of the mails from `from` on, which stand in order of their ids. */
static enum rc
people_read(struct work *w, size_t from, struct arena *page)
{
	int64_t *id = ARENA_ARRAY(page, int64_t, w->n - from + 1);
	struct threading_people_list l;

	for (size_t i = from; i < w->n; i++)
		id[i - from] = w->one[i].id;
	TRY(rebuild_people(
	    w->db, w->account->id, (struct ids){ id, w->n - from }, page, &l));
	for (size_t i = 0; i < l.n; i++) {
		struct one *one = bsearch(&l.v[i].id, w->one + from,
		    w->n - from, sizeof *w->one, id_order);

		if (one != NULL)
			one->people = kept(w->arena, &l.v[i].people);
	}
	return RC_OK;
}

static enum rc
mails_read_with(struct work *w, struct arena *page)
{
	struct rebuild_mail_list l;
	int64_t after = 0;
	size_t from;

	do {
		TRY(rebuild_mail(w->db, w->account->id, after, PAGE, page, &l));
		from = w->n;
		for (size_t i = 0; i < l.n; i++) {
			after = l.v[i].id;
			w->out->mails++;
			if (!is_shaped(w, l.v[i].thread_id))
				add(w, &l.v[i]);
		}
		if (threading_by_subject(w->policy))
			TRY(people_read(w, from, page));
		arena_reset(page);
	} while (l.n == PAGE);
	return RC_OK;
}

static int
one_order(const void *a, const void *b)
{
	const struct one *x = a, *y = b;

	if (x->at.us != y->at.us)
		return x->at.us < y->at.us ? -1 : 1;
	return (x->id > y->id) - (x->id < y->id);
}

static enum rc
mails_read(struct work *w)
{
	struct arena *page = arena_new(PAGE_MEMORY);
	enum rc rc = mails_read_with(w, page);

	arena_free(&page);
	if (rc == RC_OK && w->n > 0)
		qsort(w->one, w->n, sizeof *w->one, one_order);
	return rc;
}

/* ---- the threads of before ---- */

static struct was *
was_of(const struct work *w, int64_t thread)
{
	return bsearch(&thread, w->was, w->was_n, sizeof *w->was, id_order);
}

static void
was_find(struct work *w)
{
	int64_t *id = ARENA_ARRAY(w->arena, int64_t, w->n + 1);

	for (size_t i = 0; i < w->n; i++)
		id[i] = w->one[i].thread;
	qsort(id, w->n, sizeof *id, id_order);
	w->was = ARENA_ARRAY(w->arena, struct was, w->n + 1);
	for (size_t i = 0; i < w->n; i++)
		if (i == 0 || id[i] != id[i - 1])
			w->was[w->was_n++] =
			    (struct was){ .id = id[i], .oldest = w->n };
	for (size_t i = 0; i < w->n; i++) {
		struct was *was = was_of(w, w->one[i].thread);

		if (was->oldest == w->n)
			was->oldest = i;
		was->has_sent = was->has_sent || w->one[i].is_sent;
	}
}

/* What was written in a thread names its oldest mail, by an id that no message
 * has: keys of messages are above 0. */
static void
sent_bind(struct work *w, size_t i)
{
	struct one *one = &w->one[i];
	const struct was *was = was_of(w, one->thread);
	int64_t *refs;

	if (!was->has_sent || (!one->is_sent && was->oldest != i))
		return;
	refs = ARENA_ARRAY(w->arena, int64_t, one->mail.n + 1);
	for (size_t k = 0; k < one->mail.n; k++)
		refs[k] = one->mail.refs[k];
	refs[one->mail.n++] = -one->thread;
	one->mail.refs = refs;
}

/* ---- solving ---- */

static enum rc
link_subjects(struct work *w)
{
	struct threading_alike_list known;

	if (!threading_by_subject(w->policy))
		return RC_OK;
	w->alike = ARENA_ARRAY(w->arena, struct alike, w->n + 1);
	for (size_t i = 0; i < w->n; i++)
		w->alike[i] = (struct alike){ .mail = &w->one[i].mail,
			.subject = w->one[i].subject,
			.at = w->one[i].at,
			.people = w->one[i].people,
			.stays = w->one[i].is_ours };
	(void)alike_keys(w->arena, w->alike, w->n);
	TRY(rebuild_alike(w->db, w->account->id, w->shaped, w->arena, &known));
	alike_link(w->arena, w->policy, w->alike, w->n, known.v, known.n);
	return RC_OK;
}

static enum rc
solve(struct work *w)
{
	struct threading_mail *mail =
	    ARENA_ARRAY(w->arena, struct threading_mail, w->n + 1);
	struct threading_known *known;
	struct threading_key_list kept;

	TRY(link_subjects(w));
	TRY(rebuild_known(w->db, w->account->id, w->shaped, w->arena, &kept));
	known = ARENA_ARRAY(w->arena, struct threading_known, kept.n + 1);
	for (size_t i = 0; i < kept.n; i++)
		known[i] = (struct threading_known){ kept.v[i].key,
			kept.v[i].thread_id, kept.v[i].is_apart };
	for (size_t i = 0; i < w->n; i++) {
		sent_bind(w, i);
		mail[i] = w->one[i].mail;
	}
	threading_solve(w->arena, mail, w->n, known, kept.n, &w->solved);
	return RC_OK;
}

/* A set is named by the oldest thread of before whose oldest mail is in it. */
static void
name_sets(struct work *w)
{
	w->name = ARENA_ARRAY(w->arena, int64_t, w->solved.made + 1);
	for (size_t i = 0; i < w->was_n; i++) {
		struct was *was = &w->was[i];
		int64_t t = w->solved.thread[was->oldest];

		was->becomes = t;
		if (t < 0 && w->name[-t - 1] == 0)
			w->name[-t - 1] = was->id;
	}
}

static int64_t
real_id(const struct work *w, int64_t t)
{
	return t < 0 ? w->name[-t - 1] : t;
}

/* ---- what differs ---- */

/* Does all of a thread go into another? Then it leads there. */
static bool
is_joined(const struct work *w, const struct was *was)
{
	return real_id(w, was->becomes) != was->id;
}

/* Where a mail is once threads are joined. */
static int64_t
place_now(const struct work *w, size_t i)
{
	return real_id(w, was_of(w, w->one[i].thread)->becomes);
}

static void
differences(struct work *w)
{
	struct rebuild *out = w->out;

	out->threads = w->was_n + w->shaped.n;
	out->move = ARENA_ARRAY(w->arena, struct rebuild_move, w->n + 1);
	for (size_t i = 0; i < w->solved.made; i++)
		out->made += w->name[i] == 0;
	for (size_t i = 0; i < w->was_n; i++)
		out->joined += is_joined(w, &w->was[i]);
	for (size_t i = 0; i < w->n; i++) {
		int64_t into = real_id(w, w->solved.thread[i]);

		if (into != w->one[i].thread && !w->one[i].is_gone)
			out->move[out->moves++] =
			    (struct rebuild_move){ w->one[i].id,
				    w->one[i].thread, into };
	}
}

/* ---- doing it ---- */

static enum rc
make(struct work *w)
{
	size_t n = w->out->made;
	int64_t *like = ARENA_ARRAY(w->arena, int64_t, n + 1);
	struct str *subject = ARENA_ARRAY(w->arena, struct str, n + 1);

	if (n == 0)
		return RC_OK;
	TRY(rebuild_ids_take(w->db, (int64_t)n, w->arena, &w->made));
	n = 0;
	for (size_t i = 0; i < w->n; i++) {
		int64_t t = w->solved.thread[i];

		if (t > 0 || w->name[-t - 1] != 0)
			continue;
		w->name[-t - 1] = w->made.v[n];
		like[n] = w->one[i].thread;
		subject[n++] =
		    w->one[i].subject.n > 0 ? w->one[i].subject : STR("");
	}
	return rebuild_make(w->db, w->account->id, w->made,
	    (struct ids){ like, n }, (struct texts){ subject, n }, NULL);
}

static enum rc
join(struct work *w)
{
	int64_t *from = ARENA_ARRAY(w->arena, int64_t, w->was_n + 1);
	int64_t *into = ARENA_ARRAY(w->arena, int64_t, w->was_n + 1);
	size_t n = 0;

	for (size_t i = 0; i < w->was_n; i++)
		if (is_joined(w, &w->was[i])) {
			from[n] = w->was[i].id;
			into[n++] = real_id(w, w->was[i].becomes);
		}
	if (n == 0)
		return RC_OK;
	TRY(rebuild_join(w->db, w->account->id, (struct ids){ from, n },
	    (struct ids){ into, n }, NULL));
	return rebuild_tell(
	    w->db, w->account->id, (struct ids){ from, n }, NULL);
}

/* Those that do not go with their thread. */
static enum rc
put(struct work *w)
{
	int64_t *id = ARENA_ARRAY(w->arena, int64_t, w->n + 1);
	int64_t *thread = ARENA_ARRAY(w->arena, int64_t, w->n + 1);
	struct str *rule = ARENA_ARRAY(w->arena, struct str, w->n + 1);
	size_t n = 0;

	for (size_t i = 0; i < w->n; i++) {
		int64_t into = real_id(w, w->solved.thread[i]);

		if (into == place_now(w, i))
			continue;
		id[n] = w->one[i].id;
		thread[n] = into;
		rule[n++] = w->one[i].is_sent ? STR("sent")
		    : w->alike != NULL && w->alike[i].by_subject
		    ? STR("subject")
		    : w->one[i].mail.n > 0 ? STR("reply")
					   : STR("started");
	}
	if (n == 0)
		return RC_OK;
	TRY(rebuild_put(w->db, w->account->id, (struct ids){ id, n },
	    (struct ids){ thread, n }, (struct texts){ rule, n }, NULL));
	return rebuild_tell(
	    w->db, w->account->id, (struct ids){ thread, n }, NULL);
}

static enum rc
lead(struct work *w)
{
	const struct threading *x = &w->solved;
	int64_t *key = ARENA_ARRAY(w->arena, int64_t, x->keys + 1);
	int64_t *thread = ARENA_ARRAY(w->arena, int64_t, x->keys + 1);
	size_t n = 0;

	for (size_t i = 0; i < x->keys; i++)
		if (x->key[i] > 0) {
			key[n] = x->key[i];
			thread[n++] = real_id(w, x->key_thread[i]);
		}
	return rebuild_lead(w->db, w->account->id, w->account->application_id,
	    (struct ints){ key, n }, (struct ids){ thread, n }, NULL);
}

static enum rc
lead_subjects(struct work *w)
{
	int64_t *thread = ARENA_ARRAY(w->arena, int64_t, w->n + 1);
	int64_t *key, *lead;
	size_t keys;

	if (w->alike == NULL)
		return RC_OK;
	for (size_t i = 0; i < w->n; i++)
		thread[i] = real_id(w, w->solved.thread[i]);
	keys = alike_lead(w->arena, w->alike, w->n, thread, &key, &lead);
	return rebuild_lead(w->db, w->account->id, w->account->application_id,
	    (struct ints){ key, keys }, (struct ids){ lead, keys }, NULL);
}

static enum rc
run(struct db *db, void *ctx)
{
	struct work *w = ctx;

	*w = (struct work){ .db = db,
		.account = w->account,
		.dry = w->dry,
		.arena = w->arena,
		.out = w->out };
	*w->out = (struct rebuild){ 0 };
	TRY(thread_hold(db, w->account->id, NULL));
	TRY(rebuild_policy(db, w->account->id, w->arena, &w->policy));
	TRY(shaped_read(w));
	TRY(mails_read(w));
	was_find(w);
	TRY(solve(w));
	name_sets(w);
	differences(w);
	if (w->dry)
		return RC_OK;
	TRY(make(w));
	TRY(join(w));
	TRY(put(w));
	TRY(lead(w));
	return lead_subjects(w);
}

enum rc
rebuild(struct db *db, const struct rebuild_account *account, bool dry,
    struct arena *a, struct rebuild *out)
{
	struct work w = {
		.account = account, .dry = dry, .arena = a, .out = out
	};

	return db_tx(db, run, &w);
}
