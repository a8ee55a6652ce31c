#include "mail/threading.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/secret.h"

/* ---- subjects ---- */

enum mark { MARK_NONE, MARK_REPLY, MARK_FORWARD };

static const struct {
	struct str word;
	enum mark mark;
} marks[] = {
	{ STR("re"), MARK_REPLY }, { STR("aw"), MARK_REPLY }, /* German */
	{ STR("antw"), MARK_REPLY }, /* Dutch, German */
	{ STR("sv"), MARK_REPLY },   /* Scandinavian */
	{ STR("vs"), MARK_REPLY },   /* Finnish */
	{ STR("r"), MARK_REPLY },    /* Italian */
	{ STR("rif"), MARK_REPLY }, { STR("res"), MARK_REPLY }, /* Portuguese */
	{ STR("odp"), MARK_REPLY },                             /* Polish */
	{ STR("ynt"), MARK_REPLY },                             /* Turkish */
	{ STR("\xe5\x9b\x9e\xe5\xa4\x8d"), MARK_REPLY },        /* Chinese */
	{ STR("fwd"), MARK_FORWARD }, { STR("fw"), MARK_FORWARD },
	{ STR("wg"), MARK_FORWARD },                       /* German */
	{ STR("tr"), MARK_FORWARD },                       /* French */
	{ STR("rv"), MARK_FORWARD },                       /* Spanish */
	{ STR("enc"), MARK_FORWARD },                      /* Portuguese */
	{ STR("vb"), MARK_FORWARD },                       /* Swedish */
	{ STR("vl"), MARK_FORWARD },                       /* Finnish */
	{ STR("doorst"), MARK_FORWARD },                   /* Dutch */
	{ STR("pd"), MARK_FORWARD },                       /* Polish */
	{ STR("ilt"), MARK_FORWARD },                      /* Turkish */
	{ STR("\xe8\xbd\xac\xe5\x8f\x91"), MARK_FORWARD }, /* Chinese */
};

static struct str
from(struct str s, size_t n)
{
	return (struct str){ s.p + n, s.n - n };
}

/* Behind a mark stands a colon, its wide form, or a count and a colon:
 * "Re[2]:", "AW(3):". 0: none of these. */
static size_t
colon_end(struct str s)
{
	size_t i = 0;

	if (i < s.n && (s.p[i] == '[' || s.p[i] == '(')) {
		for (i++; i < s.n && s.p[i] >= '0' && s.p[i] <= '9'; i++)
			;
		if (i == s.n || (s.p[i] != ']' && s.p[i] != ')'))
			return 0;
		i++;
	}
	while (i < s.n && s.p[i] == ' ')
		i++;
	if (i < s.n && s.p[i] == ':')
		return i + 1;
	if (s.n - i >= 3 && memcmp(s.p + i, "\xef\xbc\x9a", 3) == 0)
		return i + 3;
	return 0;
}

/* The mark that a text begins with; `*past` is what stands behind it. */
static enum mark
mark_read(struct str s, struct str *past)
{
	for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
		struct str w = marks[i].word;
		size_t end;

		if (s.n <= w.n || !str_ieq((struct str){ s.p, w.n }, w))
			continue;
		end = colon_end(from(s, w.n));
		if (end == 0)
			continue;
		*past = str_trim(from(s, w.n + end));
		return marks[i].mark;
	}
	/* Old Mozillas: "[Fwd: …]". */
	if (s.n > 5 && s.p[0] == '[' &&
	    str_ieq((struct str){ s.p + 1, 4 }, STR("fwd:"))) {
		*past = str_trim(from(s, 5));
		if (past->n > 0 && past->p[past->n - 1] == ']')
			past->n--;
		return MARK_FORWARD;
	}
	return MARK_NONE;
}

/* A list's "[name]", behind which marks may go on; 0: none. */
static size_t
tag_end(struct str s)
{
	const char *end;
	size_t n;

	if (s.n < 3 || s.p[0] != '[')
		return 0;
	end = memchr(s.p, ']', s.n < 64 ? s.n : 64);
	if (end == NULL)
		return 0;
	for (n = (size_t)(end - s.p) + 1; n < s.n && s.p[n] == ' '; n++)
		;
	return n;
}

struct threading_subject
threading_subject(struct str subject)
{
	struct threading_subject out = { .base = str_trim(subject) };
	struct str s = out.base, past;
	bool first = true;

	for (;;) {
		enum mark m = mark_read(s, &past);
		size_t tag;

		if (m == MARK_NONE) {
			tag = tag_end(s);
			if (tag == 0 ||
			    mark_read(from(s, tag), &past) == MARK_NONE)
				break;
			s = from(s, tag);
			continue;
		}
		out.is_reply = out.is_reply || (first && m == MARK_REPLY);
		out.is_forward = out.is_forward || (first && m == MARK_FORWARD);
		out.has_forward = out.has_forward || m == MARK_FORWARD;
		first = false;
		out.base = s = past;
	}
	return out;
}

/* ---- ids ---- */

/* Keys of a forward and what answers it are of another space. */
enum space { SPACE_PLAIN, SPACE_FORWARD };

#define ID_MOST  998
#define SES_NAME STR("amazonses.com")

static bool
is_ses(struct str domain)
{
	struct str tail = SES_NAME;

	return domain.n >= tail.n &&
	    str_ieq(from(domain, domain.n - tail.n), tail) &&
	    (domain.n == tail.n || domain.p[domain.n - tail.n - 1] == '.');
}

/* The bytes that stand for an id: no blanks, its domain in lower case. */
static size_t
id_write(struct str id, char *out)
{
	size_t n = 0, at = 0;
	struct str domain;

	for (size_t i = 0; i < id.n; i++) {
		if (strchr(" \t\r\n", id.p[i]) != NULL)
			continue;
		if (id.p[i] == '@')
			at = n + 1;
		out[n++] = id.p[i];
	}
	for (size_t i = at; at > 0 && i < n; i++)
		if (out[i] >= 'A' && out[i] <= 'Z')
			out[i] += 'a' - 'A';
	domain = (struct str){ out + at, n - at };
	if (at > 0 && is_ses(domain)) {
		memcpy(out + at, SES_NAME.p, SES_NAME.n);
		n = at + SES_NAME.n;
	}
	return n;
}

static int64_t
id_key(struct str id, enum space space)
{
	char text[1 + ID_MOST];
	unsigned char hash[SHA256_SIZE];
	uint64_t key = 0;
	size_t n;

	id.n = id.n < ID_MOST ? id.n : ID_MOST;
	text[0] = space == SPACE_FORWARD ? 'f' : 'p';
	n = id_write(id, text + 1);
	if (n == 0)
		return 0;
	sha256(text, n + 1, hash);
	for (size_t i = 0; i < 8; i++)
		key = key << 8 | hash[i];
	key &= INT64_MAX;
	return key != 0 ? (int64_t)key : 1;
}

/* The next "<…>" from `*at` on; false: there is none. */
static bool
id_next(struct str s, size_t *at, struct str *id)
{
	const char *open, *close;

	for (;;) {
		open = *at < s.n ? memchr(s.p + *at, '<', s.n - *at) : NULL;
		if (open == NULL)
			return false;
		close = memchr(open, '>', s.n - (size_t)(open - s.p));
		if (close == NULL)
			return false;
		*id = (struct str){ open + 1, (size_t)(close - open) - 1 };
		*at = (size_t)(close - s.p) + 1;
		if (id->n > 0)
			return true;
	}
}

/* A field that is one id and nothing else: with text beside it, what stands in
 * brackets is as often somebody's address. */
static bool
id_alone(struct str s, struct str *id)
{
	size_t at = 0;

	s = str_trim(s);
	if (s.n == 0)
		return false;
	if (s.p[0] == '<')
		return id_next(s, &at, id) && at == s.n;
	*id = s;
	return memchr(s.p, '@', s.n) != NULL && memchr(s.p, ' ', s.n) == NULL &&
	    memchr(s.p, '<', s.n) == NULL;
}

/* ---- a mail ---- */

/* The first ids of a References, and of those behind them the last. */
struct refs {
	int64_t key[THREADING_IDS];
	size_t n;
	size_t ring; /* where the oldest of the last stands */
	enum space space;
};

static void
refs_add(struct refs *r, struct str id)
{
	int64_t key = id_key(id, r->space);

	if (key == 0)
		return;
	if (r->n < THREADING_FIRST + THREADING_LAST) {
		r->key[r->n++] = key;
		return;
	}
	r->key[THREADING_FIRST + r->ring] = key;
	r->ring = (r->ring + 1) % THREADING_LAST;
}

static void
refs_unroll(struct refs *r)
{
	int64_t last[THREADING_LAST];

	if (r->ring == 0)
		return;
	for (size_t i = 0; i < THREADING_LAST; i++)
		last[i] =
		    r->key[THREADING_FIRST + (r->ring + i) % THREADING_LAST];
	memcpy(r->key + THREADING_FIRST, last, sizeof last);
}

static void
refs_read(struct refs *r, struct str references, struct str in_reply_to)
{
	struct str id;
	size_t at = 0;

	while (references.p != NULL && id_next(references, &at, &id))
		refs_add(r, id);
	refs_unroll(r);
	if (in_reply_to.p != NULL && id_alone(in_reply_to, &id)) {
		int64_t key = id_key(id, r->space);

		if (key != 0 && (r->n == 0 || r->key[r->n - 1] != key))
			r->key[r->n++] = key;
	}
}

void
threading_mail_read(struct arena *a, struct str message_id,
    struct str in_reply_to, struct str references, struct str subject,
    struct threading_mail *out)
{
	struct threading_subject s = threading_subject(subject);
	struct refs r = { .space =
			      s.has_forward ? SPACE_FORWARD : SPACE_PLAIN };
	struct str id = message_id;
	size_t at = 0, skip = 0;
	int64_t *v;

	*out = (struct threading_mail){ 0 };
	if (message_id.p != NULL) {
		if (!id_next(message_id, &at, &id))
			id = message_id;
		out->key = id_key(id, r.space);
	}
	if (s.is_forward)
		return;
	refs_read(&r, references, in_reply_to);
	if (s.has_forward && r.n > 1)
		skip = r.n - 1;
	out->n = r.n - skip;
	v = ARENA_ARRAY(a, int64_t, out->n + 1);
	memcpy(v, r.key + skip, out->n * sizeof *v);
	out->refs = v;
}

/* ---- ids of a provider's own ---- */

#define SES_TOKEN_LEAST 40

/* The last word of "Ok 0102018f3a-…-000000": digits, letters and dashes. */
static struct str
ses_token(struct str answer)
{
	struct str s = str_trim(answer);
	size_t at = s.n;

	while (at > 0 &&
	    (s.p[at - 1] == '-' || (s.p[at - 1] >= '0' && s.p[at - 1] <= '9') ||
		(s.p[at - 1] >= 'a' && s.p[at - 1] <= 'f')))
		at--;
	s = from(s, at);
	return s.n >= SES_TOKEN_LEAST &&
		memcmp(s.p + s.n - 7, "-000000", 7) == 0
	    ? s
	    : (struct str){ NULL, 0 };
}

int64_t
threading_queued_key(struct str answer, struct str subject)
{
	enum space space = threading_subject(subject).has_forward
	    ? SPACE_FORWARD
	    : SPACE_PLAIN;
	char text[ID_MOST];
	struct str id, token = ses_token(answer);
	size_t at = 0;

	if (id_next(answer, &at, &id))
		return memchr(id.p, '@', id.n) != NULL ? id_key(id, space) : 0;
	if (token.p == NULL || token.n + 1 + SES_NAME.n > sizeof text)
		return 0;
	memcpy(text, token.p, token.n);
	text[token.n] = '@';
	memcpy(text + token.n + 1, SES_NAME.p, SES_NAME.n);
	return id_key((struct str){ text, token.n + 1 + SES_NAME.n }, space);
}

/* ---- joining ---- */

static int
key_order(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

size_t
threading_keys(
    struct arena *a, const struct threading_mail *mail, size_t n, int64_t **out)
{
	size_t all = 0, kept = 0;
	int64_t *v;

	for (size_t i = 0; i < n; i++)
		all += mail[i].n + 1;
	*out = v = ARENA_ARRAY(a, int64_t, all + 1);
	all = 0;
	for (size_t i = 0; i < n; i++) {
		if (mail[i].key != 0)
			v[all++] = mail[i].key;
		for (size_t k = 0; k < mail[i].n; k++)
			v[all++] = mail[i].refs[k];
	}
	qsort(v, all, sizeof *v, key_order);
	for (size_t i = 0; i < all; i++)
		if (kept == 0 || v[kept - 1] != v[i])
			v[kept++] = v[i];
	return kept;
}

/* Sets of ids and mails that belong together: a forest with path halving,
 * larger set first. Nodes are the keys, then the mails, then known threads. */
struct node {
	uint32_t up;
	uint32_t size;
	int64_t thread; /* of a root: the oldest known thread in it; 0: none */
	bool apart;     /* of a root: that thread is joined with no other */
	bool real;      /* of a root: it has a mail or a thread */
};

struct solving {
	struct node *node;
	const int64_t *key;
	size_t keys;
	const struct threading_mail *mail;
	size_t n;
};

static uint32_t
root(struct solving *s, uint32_t i)
{
	struct node *v = s->node;

	while (v[i].up != i) {
		v[i].up = v[v[i].up].up;
		i = v[i].up;
	}
	return i;
}

static int64_t
older(int64_t a, int64_t b)
{
	if (a == 0 || b == 0)
		return a + b;
	return a < b ? a : b;
}

static uint32_t
join(struct solving *s, uint32_t a, uint32_t b)
{
	struct node *v = s->node;

	a = root(s, a);
	b = root(s, b);
	if (a == b)
		return a;
	if (v[a].size < v[b].size) {
		uint32_t c = a;

		a = b;
		b = c;
	}
	v[b].up = a;
	v[a].size += v[b].size;
	v[a].thread = older(v[a].thread, v[b].thread);
	v[a].apart = v[a].apart || v[b].apart;
	v[a].real = v[a].real || v[b].real;
	return a;
}

static uint32_t
key_node(const struct solving *s, int64_t key)
{
	const int64_t *found =
	    bsearch(&key, s->key, s->keys, sizeof *s->key, key_order);

	assert(found != NULL);
	return (uint32_t)(found - s->key);
}

/* A mail is where its nearest ancestor is that is there; else where its own id
 * leads, which is what names it. */
static uint32_t
nearest(struct solving *s, const struct threading_mail *m, uint32_t self)
{
	for (size_t i = m->n; i-- > 0;) {
		uint32_t r = root(s, key_node(s, m->refs[i]));

		if (s->node[r].real)
			return r;
	}
	if (m->key != 0) {
		uint32_t r = root(s, key_node(s, m->key));

		if (s->node[r].real)
			return r;
	}
	return self;
}

/* The rest of what it names comes along: ids that lead nowhere yet, and
 * threads, unless one of the two is to stay apart. */
static void
bring(struct solving *s, uint32_t self, int64_t key, size_t *joined)
{
	uint32_t a = root(s, self), b = root(s, key_node(s, key));
	const struct node *v = s->node;
	bool threads =
	    v[b].thread != 0 && v[a].thread != v[b].thread && v[a].thread != 0;

	if (a == b)
		return;
	if (threads && (v[a].apart || v[b].apart))
		return;
	if (v[b].real && ++*joined > THREADING_JOINS)
		return;
	join(s, a, b);
}

static void
place(struct solving *s, size_t i)
{
	const struct threading_mail *m = &s->mail[i];
	uint32_t self = (uint32_t)(s->keys + i);
	size_t joined = 0;

	join(s, self, nearest(s, m, self));
	if (m->key != 0)
		bring(s, self, m->key, &joined);
	for (size_t k = m->n; k-- > 0;)
		bring(s, self, m->refs[k], &joined);
}

static void
begin(struct solving *s, const struct threading_known *known, size_t knowns)
{
	struct node *v = s->node;

	for (uint32_t i = 0; i < s->keys + s->n; i++)
		v[i] =
		    (struct node){ .up = i, .size = 1, .real = i >= s->keys };
	for (size_t i = 0; i < knowns; i++) {
		const int64_t *k = bsearch(
		    &known[i].key, s->key, s->keys, sizeof *s->key, key_order);

		if (k == NULL)
			continue;
		v[k - s->key].thread = known[i].thread;
		v[k - s->key].apart = known[i].apart;
		v[k - s->key].real = true;
	}
}

static int
known_order(const void *a, const void *b)
{
	const struct threading_known *x = a, *y = b;

	if (x->thread != y->thread)
		return x->thread < y->thread ? -1 : 1;
	return (x->key > y->key) - (x->key < y->key);
}

/* Keys that lead to one thread are one set; `*n` of them are looked for. */
static const struct threading_known *
together(struct arena *a, struct solving *s,
    const struct threading_known *known, size_t knowns, size_t *n)
{
	struct threading_known *v =
	    ARENA_ARRAY(a, struct threading_known, knowns + 1);

	*n = 0;
	for (size_t i = 0; i < knowns; i++)
		if (bsearch(&known[i].key, s->key, s->keys, sizeof *s->key,
			key_order) != NULL)
			v[(*n)++] = known[i];
	qsort(v, *n, sizeof *v, known_order);
	for (size_t i = 1; i < *n; i++)
		if (v[i].thread == v[i - 1].thread)
			join(s, key_node(s, v[i].key),
			    key_node(s, v[i - 1].key));
	return v;
}

static int64_t
thread_of(struct solving *s, uint32_t i, struct threading *out)
{
	struct node *r = &s->node[root(s, i)];

	if (r->thread == 0)
		r->thread = -(int64_t)++out->made;
	return r->thread;
}

static void
tell_joins(struct solving *s, const struct threading_known *sorted, size_t n,
    struct threading *out)
{
	for (size_t i = 0; i < n; i++) {
		int64_t into = thread_of(s, key_node(s, sorted[i].key), out);

		if (into == sorted[i].thread ||
		    (i > 0 && sorted[i].thread == sorted[i - 1].thread))
			continue;
		out->join[out->joins++] =
		    (struct threading_join){ sorted[i].thread, into };
	}
}

/* Ids that nobody could take along lead nowhere. Behind all look-ups of keys:
 * it closes their ranks. */
static void
tell_keys(struct solving *s, struct threading *out)
{
	for (uint32_t i = 0; i < s->keys; i++) {
		if (!s->node[root(s, i)].real)
			continue;
		out->key[out->keys] = out->key[i];
		out->key_thread[out->keys++] = thread_of(s, i, out);
	}
}

void
threading_solve(struct arena *a, const struct threading_mail *mail, size_t n,
    const struct threading_known *known, size_t knowns, struct threading *out)
{
	struct solving s = { .mail = mail, .n = n };
	const struct threading_known *sorted;
	int64_t *key;

	s.keys = threading_keys(a, mail, n, &key);
	s.key = key;
	s.node = ARENA_ARRAY(a, struct node, s.keys + n + 1);
	begin(&s, known, knowns);
	sorted = together(a, &s, known, knowns, &knowns);
	for (size_t i = 0; i < n; i++)
		place(&s, i);
	*out = (struct threading){ .key = key };
	out->thread = ARENA_ARRAY(a, int64_t, n + 1);
	out->key_thread = ARENA_ARRAY(a, int64_t, s.keys + 1);
	out->join = ARENA_ARRAY(a, struct threading_join, knowns + 1);
	for (size_t i = 0; i < n; i++)
		out->thread[i] = thread_of(&s, (uint32_t)(s.keys + i), out);
	tell_joins(&s, sorted, knowns, out);
	tell_keys(&s, out);
}
