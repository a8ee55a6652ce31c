/* Threading: the same threads, whatever comes first; and what is never joined.
 */
#include "mail/threading.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/unit.h"

START_TEST(subjects)
{
	static const struct {
		const char *text, *base;
		bool reply, forward, has_forward;
	} rows[] = {
		{ "Hello", "Hello", false, false, false },
		{ "Re: Hello", "Hello", true, false, false },
		{ "RE : Hello", "Hello", true, false, false },
		{ "Re[2]: AW: Sv: Hello", "Hello", true, false, false },
		{ "Antw(3): Hello", "Hello", true, false, false },
		{ "Re\xef\xbc\x9aHello", "Hello", true, false, false },
		{ "Fwd: Hello", "Hello", false, true, true },
		{ "WG: Hello", "Hello", false, true, true },
		{ "Re: Fwd: Hello", "Hello", true, false, true },
		{ "Fwd: Re: Hello", "Hello", false, true, true },
		{ "[Fwd: Hello]", "Hello", false, true, true },
		{ "[list] Re: Hello", "Hello", true, false, false },
		{ "Re: [list] Fwd: Hello", "Hello", true, false, true },
		{ "[list] Hello", "[list] Hello", false, false, false },
		{ "Regarding: Hello", "Regarding: Hello", false, false, false },
		{ "Re", "Re", false, false, false },
		{ "Re:", "", true, false, false },
		{ "", "", false, false, false },
		{ "Re[x]: Hello", "Re[x]: Hello", false, false, false },
	};

	ARRAY_EACH (row, rows) {
		struct threading_subject s =
		    threading_subject(str_of(row->text));

		ROW(row->text, str_eq(s.base, str_of(row->base)));
		ROW(row->text, s.is_reply == row->reply);
		ROW(row->text, s.is_forward == row->forward);
		ROW(row->text, s.has_forward == row->has_forward);
	}
}
END_TEST

struct mail {
	const char *id, *irt, *refs, *subject;
};

static struct threading_mail
read_one(struct arena *a, const struct mail *m)
{
	struct threading_mail out;

	threading_mail_read(a, str_of(m->id), str_of(m->irt), str_of(m->refs),
	    str_of(m->subject), &out);
	return out;
}

START_TEST(ids)
{
	static const struct {
		const char *a, *b;
		bool same;
	} rows[] = {
		{ "<a@x>", "a@x", true },
		{ "<a@X.Test>", "<a@x.test>", true },
		{ "<A@x>", "<a@x>", false },
		{ "<a@x", "<a@x>", false },
		{ " <a@x> (comment)", "<a@x>", true },
		{ "<a\r\n @x>", "<a@x>", true },
		/* the region is written by whoever sends it on */
		{ "<01-000@eu-west-1.amazonses.com>",
		    "<01-000@email.amazonses.com>", true },
		{ "<01-000@eu-west-1.amazonses.com.x>",
		    "<01-000@email.amazonses.com.x>", false },
	};
	struct arena *a = arena_new(1 << 20);

	ARRAY_EACH (row, rows) {
		const struct mail one = { row->a, NULL, NULL, "x" },
				  two = { row->b, NULL, NULL, "x" };

		ROW(row->a,
		    (read_one(a, &one).key == read_one(a, &two).key) ==
			row->same);
	}
	arena_free(&a);
}
END_TEST

START_TEST(references)
{
	static const struct {
		const char *name;
		struct mail m;
		size_t n;
	} rows[] = {
		{ "none", { "<a@x>", NULL, NULL, "x" }, 0 },
		{ "both", { "<a@x>", "<b@x>", "<c@x> <b@x>", "Re: x" }, 2 },
		{ "beside", { "<a@x>", "<b@x>", "<c@x>", "Re: x" }, 2 },
		{ "bare", { "<a@x>", "b@x", NULL, "Re: x" }, 1 },
		{ "an address",
		    { "<a@x>", "mail of John <john@x> of today", NULL, "x" },
		    0 },
		{ "two", { "<a@x>", "<b@x> <c@x>", NULL, "x" }, 0 },
		{ "forward", { "<a@x>", "<b@x>", "<b@x>", "Fwd: x" }, 0 },
		{ "of a forward",
		    { "<a@x>", "<b@x>", "<c@x> <b@x>", "Re: Fwd: x" }, 1 },
		{ "broken", { NULL, "<", "<<>> < <a", "x" }, 1 },
	};
	struct arena *a = arena_new(1 << 20);

	ARRAY_EACH (row, rows)
		ROW(row->name, read_one(a, &row->m).n == row->n);
	arena_free(&a);
}
END_TEST

/* Of thousands of ids the first and the last are looked at, in order. */
START_TEST(many)
{
	struct arena *a = arena_new(1 << 22);
	char *text = arena_alloc(a, 100000), *p = text;
	struct threading_mail m;
	const struct mail nearest = { "<4999@x>", NULL, NULL, "x" },
			  first = { "<0@x>", NULL, NULL, "x" };

	for (int i = 0; i < 5000; i++)
		p += snprintf(p, 16, "<%d@x> ", i);
	threading_mail_read(
	    a, STR("<a@x>"), STR("<4999@x>"), str_of(text), STR("Re: x"), &m);
	ck_assert_uint_eq(m.n, THREADING_FIRST + THREADING_LAST);
	ck_assert_int_eq(m.refs[m.n - 1], read_one(a, &nearest).key);
	ck_assert_int_eq(m.refs[0], read_one(a, &first).key);
	arena_free(&a);
}
END_TEST

/* What servers answer to a message, and the id that they write into it. */
START_TEST(queued)
{
	static const struct {
		const char *answer, *id; /* NULL: none */
	} rows[] = {
		{ "250 Ok 0102018f3a5c6e7d-0a1b2c3d-4e5f-6789-abcd-"
		  "0123456789ab-000000",
		    "<0102018f3a5c6e7d-0a1b2c3d-4e5f-6789-abcd-0123456789ab-"
		    "000000@eu-west-1.amazonses.com>" },
		{ "2.0.0 OK <AM0PR01MB1@eurprd01.prod.outlook.com> "
		  "[Hostname=AM0PR01MB1.eurprd01.prod.outlook.com]",
		    "<AM0PR01MB1@eurprd01.prod.outlook.com>" },
		{ "250 2.0.0 Ok: queued as 4F1", NULL },
		{ "250 OK id=1sB2cd-000000", NULL },
		{ "250 <nobody> accepted", NULL },
		{ "", NULL },
	};
	struct arena *a = arena_new(1 << 20);

	ARRAY_EACH (row, rows) {
		const struct mail m = { row->id, NULL, NULL, "x" };
		int64_t key =
		    threading_queued_key(str_of(row->answer), STR("x"));

		ROW(row->answer,
		    key == (row->id != NULL ? read_one(a, &m).key : 0));
	}
	arena_free(&a);
}
END_TEST

/* ---- which mails belong together ---- */

/* A letter a mail, in the order below; alike letters: one thread. */
static const struct mail box[] = {
	{ "<1@x>", NULL, NULL, "Question" },                            /* a */
	{ "<2@x>", "<1@x>", "<1@x>", "Re: Question" },                  /* a */
	{ "<3@x>", "<2@x>", "<1@x> <2@x>", "AW: Question" },            /* a */
	{ "<4@x>", "<2@x>", "<1@x> <2@x>", "Fwd: Question" },           /* b */
	{ "<5@x>", "<4@x>", "<1@x> <2@x> <4@x>", "Re: Fwd: Question" }, /* b */
	{ "<6@x>", "<2@x>", "<1@x> <2@x>", "WG: Question" },            /* c */
	{ "<7@x>", NULL, NULL, "Question" },                            /* d */
	{ "<8@x>", "<gone@x>", NULL, "Re: Question" },                  /* e */
	{ "<9@x>", NULL, "<gone@x>", "Re: Question" },                  /* e */
	{ NULL, "<3@x>", NULL, "Re: Question" },                        /* a */
	{ NULL, NULL, NULL, "" },                                       /* f */
	{ NULL, NULL, NULL, "" },                                       /* g */
	/* in a circle */
	{ "<c1@x>", "<c2@x>", NULL, "x" }, /* h */
	{ "<c2@x>", "<c1@x>", NULL, "x" }, /* h */
	{ "<c3@x>", "<c3@x>", NULL, "x" }, /* i */
	/* a link that comes late */
	{ "<l1@x>", NULL, NULL, "x" },         /* j */
	{ "<l3@x>", "<l2@x>", NULL, "Re: x" }, /* j */
	{ "<l2@x>", "<l1@x>", NULL, "Re: x" }, /* j */
	/* newsletters */
	{ "<n1@x>", NULL, NULL, "News" }, /* k */
	{ "<n2@x>", NULL, NULL, "News" }, /* l */
};
static const char wanted[] = "aaabbcdeeafghhijjjkl";
#define MAILS (sizeof box / sizeof *box)

/* Puts mails into threads, `step` at a time, as the engine does. */
struct house {
	struct threading_known known[1000];
	size_t knowns;
	int64_t thread[MAILS]; /* by place in the box */
	int64_t next;
};

static void
house_join(struct house *h, int64_t src, int64_t dest)
{
	for (size_t i = 0; i < h->knowns; i++)
		if (h->known[i].thread == src)
			h->known[i].thread = dest;
	for (size_t i = 0; i < MAILS; i++)
		if (h->thread[i] == src)
			h->thread[i] = dest;
}

static void
house_lead(struct house *h, int64_t key, int64_t thread)
{
	for (size_t i = 0; i < h->knowns; i++)
		if (h->known[i].key == key) {
			h->known[i].thread = thread;
			return;
		}
	h->known[h->knowns++] =
	    (struct threading_known){ .key = key, .thread = thread };
}

static void
house_take(struct house *h, const size_t *at, size_t n)
{
	struct arena *a = arena_new(1 << 20);
	struct threading_mail mail[MAILS];
	struct threading x;
	int64_t base = h->next;

#define REAL(t) ((t) < 0 ? base - (t) : (t))
	for (size_t i = 0; i < n; i++)
		mail[i] = read_one(a, &box[at[i]]);
	threading_solve(a, mail, n, h->known, h->knowns, &x);
	h->next += (int64_t)x.made;
	for (size_t i = 0; i < x.joins; i++)
		house_join(h, x.join[i].from, REAL(x.join[i].into));
	for (size_t i = 0; i < x.keys; i++)
		house_lead(h, x.key[i], REAL(x.key_thread[i]));
	for (size_t i = 0; i < n; i++)
		h->thread[at[i]] = REAL(x.thread[i]);
	arena_free(&a);
}

static void
shuffle(size_t *at, unsigned *seed)
{
	for (size_t i = MAILS; i-- > 1;) {
		size_t k = (size_t)rand_r(seed) % (i + 1), swap = at[i];

		at[i] = at[k];
		at[k] = swap;
	}
}

static void
check(const struct house *h, int round)
{
	for (size_t i = 0; i < MAILS; i++)
		for (size_t k = 0; k < i; k++)
			ck_assert_msg((h->thread[i] == h->thread[k]) ==
				(wanted[i] == wanted[k]),
			    "round %d: %zu and %zu", round, k, i);
}

START_TEST(any_order)
{
	size_t at[MAILS];
	unsigned seed = 7;

	for (size_t i = 0; i < MAILS; i++)
		at[i] = i;
	for (int round = 0; round < 300; round++) {
		struct house h = { 0 };
		size_t step;

		for (size_t i = 0; i < MAILS; i += step) {
			step = 1 + (size_t)rand_r(&seed) % 5;
			step = step < MAILS - i ? step : MAILS - i;
			house_take(&h, at + i, step);
		}
		check(&h, round);
		shuffle(at, &seed);
	}
}
END_TEST

/* What was parted by hand stays so: an answer goes to its nearest. */
START_TEST(apart)
{
	struct arena *a = arena_new(1 << 20);
	const struct mail one = { "<1@x>", NULL, NULL, "x" },
			  two = { "<2@x>", NULL, NULL, "x" },
			  late = { "<3@x>", "<2@x>", "<1@x> <2@x>", "Re: x" };
	struct threading_mail mail = read_one(a, &late);
	struct threading_known known[] = {
		{ read_one(a, &one).key, 10, false },
		{ read_one(a, &two).key, 11, true },
	};
	struct threading x;

	threading_solve(a, &mail, 1, known, 2, &x);
	ck_assert_int_eq(x.thread[0], 11);
	ck_assert_uint_eq(x.joins, 0);
	known[1].apart = false;
	threading_solve(a, &mail, 1, known, 2, &x);
	ck_assert_int_eq(x.thread[0], 10);
	ck_assert_uint_eq(x.joins, 1);
	ck_assert_int_eq(x.join[0].from, 11);
	ck_assert_int_eq(x.join[0].into, 10);
	arena_free(&a);
}
END_TEST

/* Whoever knows ids of many threads cannot make one of them all. */
START_TEST(greedy)
{
	struct arena *a = arena_new(1 << 20);
	struct threading_known known[THREADING_FIRST + THREADING_LAST];
	struct threading_mail mail;
	struct threading x;
	char *text = arena_alloc(a, 10000), *p = text;

	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		char id[16];
		const struct mail m = { id, NULL, NULL, "x" };

		snprintf(id, sizeof id, "<%zu@x>", i);
		p += snprintf(p, sizeof id + 1, "%s ", id);
		known[i] = (struct threading_known){ read_one(a, &m).key,
			(int64_t)i + 1, false };
	}
	threading_mail_read(
	    a, STR("<a@x>"), STR(""), str_of(text), STR("Re: x"), &mail);
	threading_solve(a, &mail, 1, known, sizeof known / sizeof *known, &x);
	ck_assert_uint_le(x.joins, THREADING_JOINS);
	ck_assert_int_gt(x.thread[0], 0);
	arena_free(&a);
}
END_TEST

UNIT_MAIN("mail/threading", UNIT(subjects), UNIT(ids), UNIT(references),
    UNIT(many), UNIT(queued), UNIT(any_order), UNIT(apart), UNIT(greedy))
