/* The sync, killed: at each of its failpoints, at each pass of it, and at
 * random moments. Taken up again, it ends with the tables of a run that nobody
 * disturbed; run once more, it changes nothing.
 *
 *	LETTERRACK_KILLS=200 LETTERRACK_SEED=7 tests/crash/test-sync-kill */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "domain/flag.h"
#include "domain/house.h"
#include "lib/unit.h"

#define KILLS    10
#define PASSES   40 /* of one failpoint; more would be a loop */
#define MESSAGES 2400
#define RUN_US   900000 /* an undisturbed run takes less */

static struct house house;

static const char *const points[] = {
	"sync-folders-before",
	"sync-folders-after",
	"sync-begin-before",
	"sync-begin-after",
	"sync-fetched",
	"sync-batch-before",
	"sync-batch-after",
	"sync-flags-before",
	"sync-flags-after",
	"sync-gone-before",
	"sync-gone-after",
	"sync-step-before",
	"sync-step-after",
	"sync-folder-end",
	"flags-store-before",
	"flags-store-after",
	"flags-confirmed",
	"texts-before",
	"texts-after",
	"job-finish-before",
	"job-finish-after",
	"db-commit-before",
	"db-commit-after",
};

/* ---- the mailbox ---- */

static void
fill(struct imap *im, int from, int to)
{
	for (int i = from; i <= to; i++)
		house_append(im, i % 3 == 0 ? "Sent" : "INBOX",
		    arena_fmt(house.arena,
			"From: Anna <anna@example.org>\r\n"
			"Subject: number %d\r\n"
			"Message-ID: <%d@example.org>\r\n"
			"\r\n"
			"Text %d.\r\n",
			i, i % 7, i));
}

/* By the file: quicker than by APPEND, and enough for several batches. */
static void
fill_much(int n)
{
	char path[256];
	FILE *f;

	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof path,
		    "%s/imap/mail/much/Maildir/cur/%d.M%dP1.test:2,%s",
		    house.dir, 1700000000 + i, i, i % 2 ? "S" : "");
		f = fopen(path, "w");
		if (f == NULL)
			die("%s: %m", path);
		fprintf(f,
		    "From: b@example.org\nSubject: much %d\n\nText %d.\n", i,
		    i);
		fclose(f);
	}
}

/* Everything that a sync may meet, at once. */
static void
stir(struct imap *im, int round)
{
	const char *name = arena_fmt(house.arena, "Box%d", round);

	house_store(im, "INBOX", "1:4", "+FLAGS",
	    round % 2 ? "(\\Seen Later)" : "(\\Flagged)");
	fill(im, 100 * round, 100 * round + 6);
	MUST(imap_folder_create(im, str_of(name)));
	house_move(im, "INBOX", arena_fmt(house.arena, "%d", 5 + round), name);
	if (round > 1)
		MUST(imap_folder_delete(
		    im, str_of(arena_fmt(house.arena, "Was%d", round - 1))));
	MUST(imap_folder_rename(
	    im, str_of(name), str_of(arena_fmt(house.arena, "Was%d", round))));
}

/* ---- the runs ---- */

/* The same mailbox as another credential: nothing of it is known. */
static void
again(const char *user)
{
	house_newcomer(&house, user);
	house_sql(&house,
	    "UPDATE credential SET sync_mode = 'on_demand' WHERE id = {c}");
}

/* The dead worker's lease is over; so are the pauses. */
static void
time_passes(void)
{
	house_sql(&house,
	    "UPDATE job SET lease_until = now() - interval '1 s' "
	    "WHERE state = 'running'; "
	    "UPDATE job SET run_at = now() WHERE state = 'queued'");
}

static void
run_whole(void)
{
	int status = house_program(&house, NULL);

	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0,
	    "letterrack-sync ended with %d", status);
	ck_assert_int_eq(house_int(&house,
			     "SELECT count(*) FROM job WHERE state <> "
			     "'succeeded'"),
	    0);
}

static void
sync_whole(void)
{
	(void)house_queue(&house, "imap_sync_messages");
	run_whole();
}

static void
check_same(const char *wanted, const char *when)
{
	const char *got = house_tables(&house);

	if (strcmp(wanted, got) != 0) {
		char path[96];
		FILE *f;

		snprintf(path, sizeof path, "/tmp/lr-kill.%d", (int)getpid());
		f = fopen(path, "w");
		if (f != NULL) {
			fprintf(f, "%s\n-- got --\n%s\n", wanted, got);
			fclose(f);
		}
		ck_abort_msg("%s: the tables differ, see %s", when, path);
	}
	ck_assert_int_eq(
	    house_int(&house,
		"SELECT coalesce(sum(server_messages - stored_messages - "
		"skipped_messages), -1) FROM mailbox WHERE "
		"credential_id = {c} AND removed_at IS NULL"),
	    0);
	ck_assert_str_eq(
	    house_sql(&house,
		"SELECT (SELECT n FROM counter WHERE name = 'emails') - "
		"(SELECT count(*) FROM email WHERE removed_at IS NULL), "
		"(SELECT n FROM counter WHERE name = 'unread') - (SELECT "
		"count(*) FROM email WHERE removed_at IS NULL AND NOT "
		"is_read)"),
	    "0|0");
}

static void
check_whole(const char *wanted, const char *when)
{
	time_passes();
	run_whole();
	check_same(wanted, when);
	sync_whole();
	check_same(wanted, when);
}

/* ---- at each failpoint ---- */

/* Was it killed? Else the run never came by for the Nth time. */
static bool
run_to(const char *point, int pass)
{
	int status = house_program(&house,
	    arena_fmt(house.arena, "LETTERRACK_FAILPOINT=%s:%d", point, pass));

	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		return true;
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0,
	    "%s:%d: status %d", point, pass, status);
	return false;
}

static const char *
reference(const char *user)
{
	const char *tables;

	again(user);
	sync_whole();
	tables = house_tables(&house);
	return tables;
}

START_TEST(first_sync_killed_at_points)
{
	const char *wanted;
	struct imap *im;
	int kills = 0;

	house_newcomer(&house, "points");
	im = house_imap(&house);
	fill(im, 1, 20);
	imap_free(&im);
	wanted = reference("points");
	for (size_t i = 0; i < sizeof points / sizeof *points; i++)
		for (int pass = 1; pass < PASSES; pass++) {
			bool killed;

			again("points");
			(void)house_queue(&house, "imap_sync_messages");
			killed = run_to(points[i], pass);
			check_whole(wanted,
			    arena_fmt(house.arena, "%s:%d", points[i], pass));
			kills += killed;
			if (!killed)
				break;
		}
	ck_assert_int_gt(kills, 20);
}
END_TEST

/* A later sync, with every kind of change to follow, and a user's wish. */
static enum rc
wish(struct db *db, void *arg)
{
	const bool yes = true;

	return email_flags_set(db, house.account, *(int64_t *)arg,
	    &(struct email_flags){ .is_flagged = &yes }, house.arena);
}

START_TEST(later_sync_killed_at_points)
{
	struct imap *im;
	int64_t email;
	int kills = 0, round = 1;

	house_newcomer(&house, "later");
	im = house_imap(&house);
	fill(im, 1, 30);
	sync_whole();
	email = house_int(
	    &house, "SELECT min(id) FROM email WHERE credential_id = {c}");
	for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
		const char *point = points[i];
		struct house other;
		const char *wanted;

		stir(im, round++);
		house_as_user(&house, wish, &email);
		(void)house_queue(&house, "imap_sync_messages");
		kills += run_to(point, 1);
		time_passes();
		run_whole();
		sync_whole();
		/* what a newcomer finds is what there is */
		other = house;
		again("later");
		sync_whole();
		wanted = house_sql(&house,
		    "SELECT b.name, p.uid, p.flags, e.subject, e.is_read, "
		    "e.flags, e.size_bytes FROM placement p JOIN email e ON "
		    "e.id = p.email_id JOIN mailbox b ON b.id = p.mailbox_id "
		    "WHERE b.credential_id = {c} ORDER BY 1, 2");
		house.credential = other.credential;
		ck_assert_str_eq(
		    house_sql(&house,
			"SELECT b.name, p.uid, p.flags, e.subject, e.is_read, "
			"e.flags, e.size_bytes FROM placement p JOIN email e "
			"ON e.id = p.email_id JOIN mailbox b ON b.id = "
			"p.mailbox_id WHERE b.credential_id = {c} "
			"ORDER BY 1, 2"),
		    wanted);
		check_same(house_tables(&house), point);
	}
	imap_free(&im);
	ck_assert_int_gt(kills, 10);
}
END_TEST

/* ---- at random moments ---- */

static int
from_environment(const char *name, int otherwise)
{
	const char *s = getenv(name);

	return s != NULL ? atoi(s) : otherwise;
}

static bool
run_for(long us)
{
	pid_t child = fork();
	int status;

	if (child < 0)
		die("fork: %m");
	if (child == 0) {
		execl(LETTERRACK_SYNC, "letterrack-sync", "-c",
		    house.conf->file, (char *)NULL);
		_exit(127);
	}
	usleep((useconds_t)us);
	kill(child, SIGKILL);
	if (waitpid(child, &status, 0) != child)
		die("waitpid: %m");
	return WIFSIGNALED(status);
}

START_TEST(killed_at_random)
{
	unsigned seed = (unsigned)from_environment(
	    "LETTERRACK_SEED", (int)time(NULL) & 0xffff);
	int kills = from_environment("LETTERRACK_KILLS", KILLS);
	const char *wanted;
	struct imap *im;

	printf("seed %u\n", seed);
	house_newcomer(&house, "much");
	im = house_imap(&house);
	fill(im, 1, 1);
	imap_free(&im);
	fill_much(MESSAGES);
	wanted = reference("much");
	for (int i = 0; i < kills; i++) {
		long us = (long)(rand_r(&seed) % RUN_US);

		again("much");
		(void)house_queue(&house, "imap_sync_messages");
		(void)run_for(us);
		check_whole(
		    wanted, arena_fmt(house.arena, "killed after %ld us", us));
	}
}
END_TEST

int
main(void)
{
	const struct unit_case cases[] = {
		UNIT(first_sync_killed_at_points),
		UNIT(later_sync_killed_at_points),
		UNIT(killed_at_random),
	};

	unit_seconds(1800);
	house_start(&house, NULL);
	return unit_run("crash/sync", cases, sizeof cases / sizeof *cases);
}
