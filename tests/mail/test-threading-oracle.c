/* Threads of real mail against those that notmuch makes of it, in a hundred
 * orders of arrival. Where the two differ, the difference has a name below. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/buffer.h"
#include "lib/unit.h"
#include "mail/header.h"
#include "mail/threading.h"

#define EXIT_SKIPPED 77
#define MAILS_MOST   1000
#define FILE_MOST    ((size_t)4 << 20)
#define ORDERS       100
#define KEYS_MOST    20000

/* ---- the mails ---- */

static struct {
	const char *name;
	struct threading_mail mail;
	bool is_forward; /* by its subject, or an answer to one */
	long notmuch;    /* its thread there */
} box[MAILS_MOST];
static size_t mails;
static struct arena *a;

static const char *
folder(void)
{
	static char path[4096];
	const char *corpus = getenv("LETTERRACK_CORPUS");

	snprintf(path, sizeof path, "%s/lists", corpus != NULL ? corpus : ".");
	return path;
}

static struct str
slurp(const char *path)
{
	FILE *f = fopen(path, "r");
	char *p = arena_alloc(a, FILE_MOST);
	size_t n;

	ck_assert_ptr_nonnull(f);
	n = fread(p, 1, FILE_MOST, f);
	ck_assert(feof(f));
	fclose(f);
	return (struct str){ p, n };
}

/* As far as its first empty line. */
static struct str
header_of(struct str raw)
{
	const char *end = memmem(raw.p, raw.n, "\n\n", 2);

	return end != NULL ? (struct str){ raw.p, (size_t)(end - raw.p) + 1 }
			   : raw;
}

static void
mail_add(const char *name)
{
	struct str h, subject;
	struct threading_subject s;

	ck_assert_uint_lt(mails, MAILS_MOST);
	box[mails].name = arena_str(a, name);
	h = header_of(slurp(arena_fmt(a, "%s/%s", folder(), name)));
	subject = header_text(a, h, "Subject", 998);
	s = threading_subject(subject);
	box[mails].is_forward = s.has_forward;
	threading_mail_read(a, header_find(h, "Message-ID"),
	    header_find(h, "In-Reply-To"), header_find(h, "References"),
	    subject, &box[mails].mail);
	mails++;
}

static int
is_mail(const struct dirent *e)
{
	return strstr(e->d_name, ".eml") != NULL;
}

static void
read_all(void)
{
	struct dirent **e;
	int n = scandir(folder(), &e, is_mail, alphasort);

	ck_assert_int_gt(n, 0);
	for (int i = 0; i < n; i++) {
		mail_add(e[i]->d_name);
		free(e[i]);
	}
	free(e);
}

/* ---- what notmuch says ---- */

/* Its index is made in a directory of the test's own. */
#define NOTMUCH                                                                \
	"set -e; d=$(mktemp -d); trap 'rm -rf $d' EXIT; mkdir $d/mail; "       \
	"cp %s/*.eml $d/mail/; export HOME=$d NOTMUCH_CONFIG=$d/config; "      \
	"printf '[database]\\npath=%%s/mail\\n[new]\\ntags=\\n' $d "           \
	">$d/config; notmuch new --quiet; n=0; "                               \
	"for t in $(notmuch search --output=threads '*'); do n=$((n+1)); "     \
	"notmuch search --output=files --exclude=false $t | "                  \
	"sed \"s|.*/|$n |\"; done"

static void
notmuch_said(long thread, const char *name)
{
	for (size_t i = 0; i < mails; i++)
		if (strcmp(box[i].name, name) == 0)
			box[i].notmuch = thread;
}

static void
ask_notmuch(void)
{
	FILE *f = popen(arena_fmt(a, NOTMUCH, folder()), "r");
	char name[64];
	long thread;

	ck_assert_ptr_nonnull(f);
	while (fscanf(f, "%ld %63s", &thread, name) == 2)
		notmuch_said(thread, name);
	ck_assert_int_eq(pclose(f), 0);
	for (size_t i = 0; i < mails; i++)
		ck_assert_msg(box[i].notmuch != 0, "%s", box[i].name);
}

/* ---- what we say, mail by mail ---- */

static struct threading_known known[KEYS_MOST];
static size_t knowns;
static int64_t thread[MAILS_MOST], next;

static void
lead(int64_t key, int64_t to)
{
	for (size_t i = 0; i < knowns; i++)
		if (known[i].key == key) {
			known[i].thread = to;
			return;
		}
	ck_assert_uint_lt(knowns, KEYS_MOST);
	known[knowns++] = (struct threading_known){ .key = key, .thread = to };
}

static void
rename_thread(int64_t from, int64_t into)
{
	for (size_t i = 0; i < mails; i++)
		if (thread[i] == from)
			thread[i] = into;
	for (size_t i = 0; i < knowns; i++)
		if (known[i].thread == from)
			known[i].thread = into;
}

static void
come(const size_t *at, size_t n)
{
	struct arena *step = arena_new((size_t)16 << 20);
	struct threading_mail *m = ARENA_ARRAY(step, struct threading_mail, n);
	int64_t base = next;
	struct threading x;

#define REAL(t) ((t) < 0 ? base - (t) : (t))
	for (size_t i = 0; i < n; i++)
		m[i] = box[at[i]].mail;
	threading_solve(step, m, n, known, knowns, &x);
	next += (int64_t)x.made;
	for (size_t i = 0; i < x.joins; i++)
		rename_thread(x.join[i].from, REAL(x.join[i].into));
	for (size_t i = 0; i < x.keys; i++)
		lead(x.key[i], REAL(x.key_thread[i]));
	for (size_t i = 0; i < n; i++)
		thread[at[i]] = REAL(x.thread[i]);
	arena_free(&step);
}

static void
shuffle(size_t *at, unsigned *seed)
{
	for (size_t i = mails; i-- > 1;) {
		size_t k = (size_t)rand_r(seed) % (i + 1), swap = at[i];

		at[i] = at[k];
		at[k] = swap;
	}
}

/* ---- where they differ ---- */

/* By CONTRACT a forward starts its own thread; for notmuch it is an answer. */
static bool
is_forwards(size_t i, size_t k)
{
	return box[i].notmuch == box[k].notmuch && thread[i] != thread[k] &&
	    (box[i].is_forward || box[k].is_forward);
}

static size_t
compare(int order)
{
	size_t forwards = 0;

	for (size_t i = 0; i < mails; i++)
		for (size_t k = 0; k < i; k++) {
			bool ours = thread[i] == thread[k];

			if (is_forwards(i, k)) {
				forwards++;
				continue;
			}
			ck_assert_msg(
			    ours == (box[i].notmuch == box[k].notmuch),
			    "order %d: %s and %s: %s thread", order,
			    box[k].name, box[i].name,
			    ours ? "here one" : "there one");
		}
	return forwards;
}

START_TEST(as_notmuch)
{
	size_t at[MAILS_MOST], forwards = 0;
	unsigned seed = 11;

	read_all();
	ask_notmuch();
	for (size_t i = 0; i < mails; i++)
		at[i] = i;
	for (int order = 0; order < ORDERS; order++) {
		size_t step;

		knowns = 0;
		next = 0;
		memset(thread, 0, sizeof thread);
		for (size_t i = 0; i < mails; i += step) {
			step = 1 + (size_t)rand_r(&seed) % 9;
			step = step < mails - i ? step : mails - i;
			come(at + i, step);
		}
		forwards = compare(order);
		shuffle(at, &seed);
	}
	printf("%zu messages, %d orders, as notmuch; %zu pairs apart as "
	       "forwards\n",
	    mails, ORDERS, forwards);
}
END_TEST

int
main(void)
{
	const struct unit_case cases[] = { UNIT(as_notmuch) };
	int failed;

	if (access(folder(), R_OK) != 0 ||
	    system("command -v notmuch >/dev/null") != 0) {
		printf("skipped: 263 messages, for %s or notmuch is not "
		       "there\n",
		    folder());
		return EXIT_SKIPPED;
	}
	a = arena_new((size_t)2 << 30);
	failed = unit_run("mail/threading-oracle", cases, 1);
	arena_free(&a);
	return failed;
}
