#include "domain/threading-subject.h"

#include <string.h>

#include "core/fold.h"
#include "core/secret.h"

#define SUBJECT_LEAST 3
#define DAY_US        (INT64_C(24) * 3600 * 1000000)

const struct col threading_policy_cols[] = {
	COL(struct threading_policy, subjects),
	COL(struct threading_policy, days),
	COL_END,
};

const struct col threading_people_cols[] = {
	COL(struct threading_people, id),
	COL(struct threading_people, people),
	COL_END,
};

const struct col threading_alike_cols[] = {
	COL(struct threading_alike, key),
	COL(struct threading_alike, thread_id),
	COL(struct threading_alike, last_message_at),
	COL_END,
};

bool
threading_by_subject(const struct threading_policy *p)
{
	return strcmp(p->subjects, "off") != 0;
}

/* ---- keys ---- */

static int64_t
key_of(struct arena *a, struct str subject, struct str person)
{
	unsigned char hash[SHA256_SIZE];
	struct str who = fold_text(a, person);
	const char *text = arena_fmt(a, "%.*s%c%.*s", (int)subject.n, subject.p,
	    '\n', (int)who.n, who.p);
	uint64_t key = 0;

	sha256(text, subject.n + 1 + who.n, hash);
	for (size_t i = 0; i < 8; i++)
		key = key << 8 | hash[i];
	key &= INT64_MAX;
	return key != 0 ? -(int64_t)key : -1;
}

/* A forward is no answer to what it forwards, and short subjects say little. */
static void
keys_make(struct arena *a, struct alike *m)
{
	struct threading_subject s = threading_subject(m->subject);
	struct str subject;

	if (m->subject.p == NULL || s.has_forward)
		return;
	subject = fold_text(a, s.base);
	if (subject.n < SUBJECT_LEAST)
		return;
	for (size_t i = 0; i < m->people.n && i < ALIKE_PEOPLE; i++)
		m->key[m->keys++] = key_of(a, subject, m->people.v[i]);
}

struct ints
alike_keys(struct arena *a, struct alike *m, size_t n)
{
	int64_t *v = ARENA_ARRAY(a, int64_t, n * ALIKE_PEOPLE + 1);
	size_t all = 0;

	for (size_t i = 0; i < n; i++) {
		keys_make(a, &m[i]);
		for (size_t k = 0; k < m[i].keys; k++)
			v[all++] = m[i].key[k];
	}
	return (struct ints){ v, all };
}

/* ---- the latest mail of a key ---- */

struct slot {
	int64_t key; /* 0: free */
	size_t mail;
};

struct table {
	struct slot *slot;
	size_t mask;
};

static struct table
table_new(struct arena *a, size_t keys)
{
	size_t size = 16;

	while (size < 2 * keys)
		size *= 2;
	return (struct table){ ARENA_ARRAY(a, struct slot, size), size - 1 };
}

/* The slot of a key, or a free one. */
static struct slot *
slot_of(const struct table *t, int64_t key)
{
	size_t i = (size_t)-key & t->mask;

	while (t->slot[i].key != 0 && t->slot[i].key != key)
		i = (i + 1) & t->mask;
	return &t->slot[i];
}

static void
table_put(struct table *t, const struct alike *m, size_t mail)
{
	for (size_t k = 0; k < m->keys; k++)
		*slot_of(t, m->key[k]) = (struct slot){ m->key[k], mail };
}

/* ---- linking ---- */

static bool
is_within(instant a, instant b, int32_t days)
{
	int64_t apart = a.us > b.us ? a.us - b.us : b.us - a.us;

	return apart <= days * DAY_US;
}

static bool
may_follow(const struct threading_policy *p, const struct alike *m)
{
	return m->mail->n == 0 && m->keys > 0 && !m->stays &&
	    (strcmp(p->subjects, "all") == 0 ||
		threading_subject(m->subject).is_reply);
}

static void
name(struct arena *a, struct alike *m, int64_t key)
{
	int64_t *refs = ARENA_ARRAY(a, int64_t, 1);

	refs[0] = key;
	m->mail->refs = refs;
	m->mail->n = 1;
	m->by_subject = true;
}

/* The latest before it among these. */
static bool
follow_mail(struct arena *a, const struct threading_policy *p,
    const struct table *t, struct alike *all, size_t i)
{
	const struct alike *found = NULL;

	for (size_t k = 0; k < all[i].keys; k++) {
		const struct slot *s = slot_of(t, all[i].key[k]);
		const struct alike *m = &all[s->mail];

		if (s->key != 0 && is_within(m->at, all[i].at, p->days) &&
		    (found == NULL || m > found))
			found = m;
	}
	if (found == NULL || found->mail->key == all[i].mail->key)
		return false;
	name(a, &all[i], found->mail->key);
	return true;
}

/* Else the thread that was there. */
static void
follow_thread(struct arena *a, const struct threading_policy *p,
    struct alike *m, const struct threading_alike *known, size_t knowns)
{
	const struct threading_alike *found = NULL;

	for (size_t i = 0; i < knowns; i++)
		for (size_t k = 0; k < m->keys; k++)
			if (known[i].key == m->key[k] &&
			    is_within(
				known[i].last_message_at, m->at, p->days) &&
			    (found == NULL ||
				known[i].last_message_at.us >
				    found->last_message_at.us))
				found = &known[i];
	if (found != NULL)
		name(a, m, found->key);
}

void
alike_link(struct arena *a, const struct threading_policy *p, struct alike *all,
    size_t n, const struct threading_alike *known, size_t knowns)
{
	struct table t = table_new(a, n * ALIKE_PEOPLE);

	for (size_t i = 0; i < n; i++) {
		if (may_follow(p, &all[i]) && !follow_mail(a, p, &t, all, i))
			follow_thread(a, p, &all[i], known, knowns);
		if (all[i].mail->key != 0)
			table_put(&t, &all[i], i);
	}
}

/* ---- leading ---- */

size_t
alike_lead(struct arena *a, const struct alike *m, size_t n,
    const int64_t *thread, int64_t **key, int64_t **lead)
{
	struct table t = table_new(a, n * ALIKE_PEOPLE);
	size_t kept = 0;

	*key = ARENA_ARRAY(a, int64_t, n * ALIKE_PEOPLE + 1);
	*lead = ARENA_ARRAY(a, int64_t, n * ALIKE_PEOPLE + 1);
	for (size_t i = 0; i < n; i++)
		table_put(&t, &m[i], i);
	for (size_t i = 0; i <= t.mask; i++)
		if (t.slot[i].key != 0) {
			(*key)[kept] = t.slot[i].key;
			(*lead)[kept++] = thread[t.slot[i].mail];
		}
	return kept;
}
