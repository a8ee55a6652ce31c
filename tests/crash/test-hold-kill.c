/* Mail that is held and released: the worker is killed at every failpoint on
 * the way. At every moment each message is in INBOX, in the quarantine or kept;
 * in the end each is in one place, the right one, once, and every place that is
 * written down has the bytes that it says. */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crash/crash.h"
#include "domain/hold.h"

#define PASSES 2

static struct house house;

static void
case_begin(const char *user)
{
	house.arena = arena_new((size_t)256 * 1024 * 1024);
	house.account = house_int(&house,
	    "INSERT INTO account (application_id, name) SELECT id, 'Fresh' "
	    "FROM application RETURNING id");
	house_newcomer(&house, user);
	house_sql(&house,
	    "UPDATE credential SET hold_policy = 'rules' WHERE id = {c}; "
	    "INSERT INTO rule (application_id, account_id, name, type, "
	    "operator, value, action, priority) SELECT application_id, id, "
	    "'r', "
	    "'subject', 'starts_with', 'hold', 'hold', 45 FROM account WHERE "
	    "id = {a}");
}

static void
arrives(struct imap *im, const char *what, long n)
{
	house_append(im, "INBOX",
	    arena_fmt(house.arena,
		"From: Anna <anna@example.org>\r\nSubject: %s %ld\r\n\r\n"
		"Text %ld of %s.\r\n",
		what, n, n, what));
}

static const char *
one(const char *sql)
{
	return house_sql(&house, sql);
}

/* What a person decides: the oldest that is held goes, every second one in
 * another form. */
static void
decide(void)
{
	house_sql(&house,
	    "UPDATE hold SET state = 'releasing', decided_at = now(), "
	    "edited_text = CASE WHEN email_id % 4 < 2 THEN 'Seen.' END WHERE "
	    "credential_id = {c} AND email_id = (SELECT min(email_id) FROM "
	    "hold "
	    "WHERE credential_id = {c} AND state = 'held')");
}

/* ---- what must hold ---- */

struct list {
	struct imap *im;
	const char *folder;
	struct buf *out;
};

static enum rc
take(void *arg, const struct imap_message *m)
{
	struct list *l = arg;

	if (!(m->flags.system & IMAP_DELETED))
		buf_fmt(l->out, "%s %.*s\n", l->folder,
		    STR_FMT(m->envelope.subject));
	return RC_OK;
}

static void
list_add(struct list *l)
{
	const struct imap_fetch how = { .message = take, .arg = l };
	struct imap_mailbox box;
	struct imap_found found;
	bool qresync;

	if (imap_select(l->im, str_of(l->folder), true, NULL, NULL, &box,
		&qresync) != RC_OK)
		return;
	MUST(imap_search(
	    l->im, house.arena, "ALL", (struct str){ NULL, 0 }, &found));
	if (found.all.n > 0)
		MUST(imap_fetch(l->im, &found.all, "UID FLAGS ENVELOPE", &how));
}

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static const char *
sorted(const char *text)
{
	struct str rest = str_of(text);
	const char *v[2000], *line;
	size_t n = 0;
	struct buf b;

	while (rest.n > 0) {
		struct str s = house_piece(&rest, '\n');

		if (s.n > 0)
			v[n++] = arena_dup(house.arena, s.p, s.n);
	}
	if (n > 1)
		qsort(v, n, sizeof *v, by_text);
	buf_init(&b, 1 << 20);
	for (size_t i = 0; i < n; i++)
		buf_fmt(&b, "%s\n", v[i]);
	line = arena_str(house.arena, buf_text(&b));
	buf_clear(&b);
	return line;
}

static const char *
on_server(struct imap *im)
{
	struct buf b;
	struct list inbox = { im, "INBOX", &b },
		    other = { im, "Quarantine", &b };
	const char *text;

	buf_init(&b, 1 << 20);
	list_add(&inbox);
	list_add(&other);
	text = sorted(buf_text(&b));
	buf_clear(&b);
	return text;
}

/* Each email where its state says that it is: held ones in the quarantine, all
 * others in INBOX, none twice and none missing. */
static void
check_ledger(struct imap *im, const char *when)
{
	const char *want = sorted(
	    one("SELECT CASE WHEN h.state = 'held' THEN 'Quarantine ' ELSE "
		"'INBOX ' END || e.subject FROM email e LEFT JOIN hold h ON "
		"h.email_id = e.id WHERE e.credential_id = {c}"));
	const char *have = on_server(im);

	ck_assert_msg(strcmp(want, have) == 0,
	    "%s: the tables say\n%s\nand the server has\n%s", when, want, have);
}

static enum rc
sum_bytes(void *arg, const void *p, size_t n)
{
	sha256_add(arg, p, n);
	return RC_OK;
}

static void
check_bytes(struct imap *im, const char *when)
{
	struct str rest = str_of(
	    one("SELECT b.wire_name, p.uid, encode(coalesce(h.edited_sha256, "
		"h.sha256), 'hex') FROM hold h JOIN placement p ON p.email_id "
		"= h.email_id JOIN mailbox b "
		"ON b.id = p.mailbox_id WHERE h.credential_id = {c} AND "
		"h.sha256 IS NOT NULL"));

	while (rest.n > 0) {
		struct str line = house_piece(&rest, '\n');
		struct str folder = house_piece(&line, '|');
		struct str number = house_piece(&line, '|');
		struct sha256 *sum = sha256_new();
		unsigned char hash[SHA256_SIZE];
		char hex[2 * SHA256_SIZE + 1];
		struct imap_mailbox box;
		uint64_t size, uid;
		bool qresync;

		ck_assert(str_uint(number, UINT32_MAX, &uid));
		MUST(imap_select(im, folder, true, NULL, NULL, &box, &qresync));
		MUST(imap_body(
		    im, (uint32_t)uid, "", 0, 1 << 20, sum_bytes, sum, &size));
		sha256_end(&sum, hash);
		hex_encode(hash, sizeof hash, hex);
		ck_assert_msg(str_eq(str_of(hex), line),
		    "%s: %.*s %.*s has others", when, STR_FMT(folder),
		    STR_FMT(number));
	}
}

/* Nothing that came is nowhere, whatever has been written down so far. */
static void
check_none_lost(struct imap *im, long most, const char *when)
{
	const char *have = on_server(im);

	for (long i = 0; i < most; i++)
		for (int k = 0; k < 2; k++) {
			const char *name = arena_fmt(house.arena, "%s %ld\n",
			    k == 0 ? "hold" : "pass", i);

			ck_assert_msg(strstr(have, name) != NULL,
			    "%s: %s is nowhere", when, name);
		}
}

/* ---- rounds ---- */

static size_t
points_of_the_way(const char *names[CRASH_POINTS])
{
	static const char *const starts[] = { "hold-", "release-", "raw-",
		"db-", "job-", "sync-" };

	return crash_points_of(starts, sizeof starts / sizeof *starts, names);
}

static void
kill_everywhere(const char *user)
{
	const char *points[CRASH_POINTS];
	size_t n = points_of_the_way(points);
	struct rounds r;
	struct imap *im;
	int kills = 0;

	ck_assert_uint_gt(n, 20);
	case_begin(user);
	im = house_imap(&house);
	crash_sync(&house);
	for (rounds_begin(&r, (long)n, (long)n * PASSES); rounds_next(&r);) {
		const char *point = points[(size_t)r.n % n];
		int pass = (int)((size_t)r.n / n) + 1;
		const char *when =
		    arena_fmt(house.arena, "%s pass %d", point, pass);

		arrives(im, "hold", r.n - r.from);
		arrives(im, "pass", r.n - r.from);
		if ((r.n - r.from) % 2 == 1)
			decide();
		(void)house_queue(&house, "imap_sync_messages");
		kills += crash_at(&house, point, pass);
		check_none_lost(im, r.n - r.from + 1, when);
		crash_resume(&house);
		crash_sync(&house);
		ck_assert_str_eq(crash_faults(&house), "");
		check_ledger(im, when);
		check_bytes(im, when);
	}
	imap_free(&im);
	if (r.from == 0 && r.n >= (long)n)
		ck_assert_int_ge(kills, 20);
}

/* Of a watcher that holds on its own session. */
static size_t
points_of_the_watcher(const char *names[CRASH_POINTS])
{
	static const char *const starts[] = { "hold-", "raw-", "db-commit-",
		"job-finish-", "sync-batch-", "sync-fetched", "watch-" };

	return crash_points_of(starts, sizeof starts / sizeof *starts, names);
}

/* Each failpoint on that way; what a dead one has left another worker ends. */
START_TEST(watching_killed_at_points)
{
	const char *points[CRASH_POINTS];
	size_t n = points_of_the_watcher(points);
	struct rounds r;
	struct imap *im;
	int kills = 0, held = 0;

	ck_assert_uint_gt(n, 20);
	case_begin("watching");
	im = house_imap(&house);
	crash_sync(&house);
	arrives(im, "hold", 1000); /* makes the quarantine */
	crash_sync(&house);
	house_sql(&house,
	    "UPDATE credential SET sync_mode = 'idle', next_poll_at = now() + "
	    "interval '1 day' WHERE id = {c}");
	for (rounds_begin(&r, (long)n, (long)n); rounds_next(&r);) {
		const char *point = points[(size_t)r.n];
		long i = r.n - r.from;
		/* all that came is seen to, or left to a worker */
		const char *over = arena_fmt(house.arena,
		    "SELECT (SELECT count(*) = 1 FROM email e LEFT JOIN hold h "
		    "ON h.email_id = e.id WHERE e.credential_id = {c} AND "
		    "e.subject = 'hold %ld' AND h.state = 'held') AND NOT "
		    "EXISTS (SELECT FROM job WHERE credential_id = {c} AND "
		    "action = 'imap_watch' AND state = 'running') OR EXISTS "
		    "(SELECT FROM job WHERE credential_id = {c} AND action = "
		    "'imap_watch' AND state = 'queued')",
		    i);

		arrives(im, "hold", i);
		arrives(im, "pass", i);
		kills += crash_watch_at(&house, point, 1, over);
		held +=
		    house_int(&house,
			arena_fmt(house.arena,
			    "SELECT count(*) FROM hold h JOIN email e ON e.id "
			    "= "
			    "h.email_id WHERE h.state = 'held' AND e.subject = "
			    "'hold %ld' AND e.credential_id = {c}",
			    i)) > 0;
		check_none_lost(im, i + 1, point);
		crash_resume(&house);
		crash_sync(&house);
		ck_assert_str_eq(crash_faults(&house), "");
		check_ledger(im, point);
		check_bytes(im, point);
	}
	imap_free(&im);
	if (r.from == 0 && r.n >= (long)n) {
		ck_assert_int_ge(kills, 12);
		/* by the watcher: no worker was there */
		ck_assert_int_ge(held, 8);
	}
}
END_TEST

START_TEST(holding_killed_at_points)
{
	kill_everywhere("holding");
}
END_TEST

/* At any time, as often as there is time for. */
START_TEST(holding_killed_at_random)
{
	struct rounds r;
	struct imap *im;

	case_begin("random");
	im = house_imap(&house);
	crash_sync(&house);
	for (rounds_begin(&r, 20, 0); rounds_next(&r);) {
		const char *when = rounds_name(&r);

		arrives(im, "hold", r.n - r.from);
		arrives(im, "pass", r.n - r.from);
		if (rounds_roll(&r, 2) == 0)
			decide();
		(void)house_queue(&house, "imap_sync_messages");
		for (int i = rounds_roll(&r, 3); i >= 0; i--)
			(void)crash_after(&house, rounds_roll(&r, 120000));
		check_none_lost(im, r.n - r.from + 1, when);
		crash_resume(&house);
		crash_sync(&house);
		check_ledger(im, when);
		check_bytes(im, when);
	}
	imap_free(&im);
}
END_TEST

/* ---- beside another mail program ---- */

/* A UID of the folder whose subject begins so, by the dice; 0: none. */
struct pick {
	struct rounds *r;
	const char *start;
	uint32_t uid;
	int seen;
};

static enum rc
pick_take(void *arg, const struct imap_message *m)
{
	struct pick *p = arg;

	if (m->flags.system & IMAP_DELETED ||
	    !str_starts(m->envelope.subject, str_of(p->start)))
		return RC_OK;
	if (rounds_roll(p->r, ++p->seen) == 0)
		p->uid = m->uid;
	return RC_OK;
}

static uint32_t
pick(struct imap *im, struct rounds *r, const char *folder, const char *start)
{
	struct pick p = { .r = r, .start = start };
	const struct imap_fetch how = { .message = pick_take, .arg = &p };
	struct imap_mailbox box;
	struct imap_found found;
	bool qresync;

	if (imap_select(im, str_of(folder), true, NULL, NULL, &box, &qresync) !=
	    RC_OK)
		return 0;
	MUST(imap_search(
	    im, house.arena, "ALL", (struct str){ NULL, 0 }, &found));
	if (found.all.n > 0)
		MUST(imap_fetch(im, &found.all, "UID FLAGS ENVELOPE", &how));
	return p.uid;
}

static void
carry(struct imap *im, struct rounds *r, const char *from, const char *start,
    const char *to)
{
	uint32_t uid = pick(im, r, from, start);
	const char *text = arena_fmt(house.arena, "%u", uid);

	if (uid == 0)
		return;
	if (imap_caps(im) & IMAP_CAP(MOVE)) {
		house_move(im, from, text, to);
		return;
	}
	house_copy(im, from, text, to);
	house_expunge(im, from, text);
}

/* Who puts mail back while it is being released in another form has both. */
static bool
is_leaving(void)
{
	return house_int(&house,
		   "SELECT count(*) FROM hold WHERE credential_id = {c} AND "
		   "state IN ('releasing', 'filed')") > 0;
}

/* Takes mail away, puts it elsewhere, and held mail back; how many it took. */
static int
other_program(struct imap *im, struct rounds *r)
{
	uint32_t uid;

	switch (rounds_roll(r, 4)) {
	case 0: carry(im, r, "INBOX", "pass", "Trash"); break;
	case 1:
		if (!is_leaving())
			carry(im, r, "Quarantine", "hold", "INBOX");
		break;
	case 2: carry(im, r, "Trash", "pass", "INBOX"); break;
	default:
		uid = pick(im, r, "INBOX", "pass");
		if (uid == 0)
			break;
		house_expunge(im, "INBOX", arena_fmt(house.arena, "%u", uid));
		return 1;
	}
	return 0;
}

/* What the tables have is what the server has, each once; all that came and was
 * not deleted is there; and mail that is to be held is in INBOX only where
 * somebody has let it go. */
static void
check_beside(long came, const char *when)
{
	ck_assert_str_eq(crash_on_server(&house), crash_placed(&house));
	ck_assert_msg(
	    house_int(&house,
		"SELECT count(DISTINCT e.id) FROM email e JOIN placement p ON "
		"p.email_id = e.id WHERE e.credential_id = {c} AND NOT "
		"'\\Deleted' = ANY (p.flags)") == came,
	    "%s: %ld mails came and were not deleted, and the tables have\n%s",
	    when, came, crash_placed(&house));
	ck_assert_str_eq(
	    one("SELECT e.subject, count(*) FROM email e JOIN placement p ON "
		"p.email_id = e.id WHERE e.credential_id = {c} AND NOT "
		"'\\Deleted' = ANY (p.flags) GROUP BY 1 HAVING count(*) > 1"),
	    "");
	ck_assert_str_eq(
	    one("SELECT e.subject, h.state FROM email e JOIN placement p ON "
		"p.email_id = e.id JOIN mailbox b ON b.id = p.mailbox_id LEFT "
		"JOIN hold h ON h.email_id = e.id WHERE e.credential_id = {c} "
		"AND e.subject LIKE 'hold %' AND b.special_use = 'inbox' AND "
		"h.state IS DISTINCT FROM 'released'"),
	    "");
}

START_TEST(others_beside_killed_at_random)
{
	struct rounds r;
	struct imap *im;
	long came = 0;

	case_begin("beside");
	im = house_imap(&house);
	crash_sync(&house);
	for (rounds_begin(&r, 20, 0); rounds_next(&r);) {
		const char *when = rounds_name(&r);

		arrives(im, "hold", r.n - r.from);
		arrives(im, "pass", r.n - r.from);
		came += 2;
		if (rounds_roll(&r, 2) == 0)
			decide();
		(void)house_queue(&house, "imap_sync_messages");
		for (int i = rounds_roll(&r, 3); i >= 0; i--) {
			(void)crash_after(&house, rounds_roll(&r, 120000));
			came -= other_program(im, &r);
		}
		crash_resume(&house);
		crash_sync(&house);
		crash_sync(&house);
		check_beside(came, when);
		check_bytes(im, when);
	}
	imap_free(&im);
}
END_TEST

static const struct profile {
	const char *name;
	const char *const settings[2];
} profiles[] = {
	{ "MOVE", { NULL } },
	{ "copies",
	    { "imap_capability = IMAP4rev1 UIDPLUS SPECIAL-USE", NULL } },
};

int
main(void)
{
	const struct unit_case cases[] = {
		UNIT(watching_killed_at_points),
		UNIT(holding_killed_at_points),
		UNIT(holding_killed_at_random),
		UNIT(others_beside_killed_at_random),
	};
	int failed = EXIT_SUCCESS;

	unit_seconds(86400);
	ARRAY_EACH (p, profiles) {
		pid_t child = fork();
		int status;

		if (child == 0) {
			house_start(&house, p->settings);
			exit(unit_run(
			    arena_fmt(house.arena, "crash/hold (%s)", p->name),
			    cases, sizeof cases / sizeof *cases));
		}
		if (child < 0 || waitpid(child, &status, 0) != child ||
		    status != 0)
			failed = EXIT_FAILURE;
	}
	return failed;
}
