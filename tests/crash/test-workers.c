/* Several letterrack-sync at once: each job is done once, and whoever has lost
 * its lease writes nothing more. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "crash/crash.h"

#define ACCOUNTS 3
#define WORKERS  4

static struct house house;

static void
account_begin(struct house *h, const char *user)
{
	h->account = house_int(h,
	    "INSERT INTO account (application_id, name) SELECT id, 'Fresh' "
	    "FROM application RETURNING id");
	house_newcomer(h, user);
}

static void
check_ended_well(int status)
{
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0,
	    "letterrack-sync ended with %d", status);
}

/* ---- passes of cron that start together ---- */

static void
all_at_once(void)
{
	pid_t worker[WORKERS];

	for (int i = 0; i < WORKERS; i++)
		worker[i] = crash_start(&house, NULL, NULL);
	for (int i = 0; i < WORKERS; i++)
		check_ended_well(crash_wait(worker[i], 60));
}

/* One sync an account, and the reading of first words: tried once, told of
 * once. A pass that finds an account busy leaves its words to the next. */
static void
check_each_once(const char *when)
{
	const char *jobs = house_sql(&house,
	    "SELECT action, state, attempt_count, count(*), (SELECT count(*) "
	    "FROM log WHERE subject = 'job' AND action = job.action) FROM job "
	    "GROUP BY 1, 2, 3 ORDER BY 1");

	ck_assert_msg(strcmp(jobs,
			  "imap_fetch_text|succeeded|1|3|3\n"
			  "imap_sync_messages|succeeded|1|3|3") == 0,
	    "%s: %s", when, jobs);
}

START_TEST(each_job_once)
{
	struct house owner[ACCOUNTS];
	struct rounds r;

	house.arena = arena_new((size_t)256 * 1024 * 1024);
	for (int i = 0; i < ACCOUNTS; i++) {
		owner[i] = house;
		account_begin(&owner[i], arena_fmt(house.arena, "one%d", i));
		house_sql(&owner[i],
		    "UPDATE credential SET sync_mode = 'poll' WHERE id = {c}");
	}
	for (rounds_begin(&r, 20, 0); rounds_next(&r);) {
		house_sql(&house,
		    "DELETE FROM task; DELETE FROM log; "
		    "UPDATE credential SET next_poll_at = now()");
		for (int i = 0; i < ACCOUNTS; i++) {
			struct imap *im = house_imap(&owner[i]);

			if (r.n % 20 == 19)
				house_expunge(im, "INBOX", "1:1000");
			crash_fill(im, "INBOX", (int)r.n * 3, 2);
			imap_free(&im);
		}
		all_at_once();
		crash_resume(&house); /* words that were left */
		check_each_once(rounds_name(&r));
		ck_assert_str_eq(crash_faults(&house), "");
		for (int i = 0; i < ACCOUNTS; i++)
			ck_assert_str_eq(crash_placed(&owner[i]),
			    crash_on_server(&owner[i]));
	}
}
END_TEST

/* ---- a worker that was thought dead ---- */

static void
wait_stopped(pid_t worker, bool *stopped)
{
	int status;

	if (waitpid(worker, &status, WUNTRACED) != worker)
		die("waitpid: %m");
	*stopped = WIFSTOPPED(status);
	if (!*stopped)
		check_ended_well(status);
}

static bool
file_has(const char *path, const char *text)
{
	char line[1024];
	FILE *f = fopen(path, "r");
	bool found = false;

	while (f != NULL && fgets(line, sizeof line, f) != NULL)
		found |= strstr(line, text) != NULL;
	if (f != NULL)
		fclose(f);
	return found;
}

/* Where it holds the job's row, its lease cannot end: nobody else gets it. */
static bool
end_lease(void)
{
	return house_int(&house,
		   "WITH x AS (SELECT id FROM job WHERE state = 'running' FOR "
		   "UPDATE SKIP LOCKED), y AS (UPDATE job SET lease_until = "
		   "now() - interval '1 s' FROM x WHERE job.id = x.id "
		   "RETURNING 1) SELECT count(*) FROM y") > 0;
}

START_TEST(late_writes_are_refused)
{
	const char *points[CRASH_POINTS];
	size_t n = crash_points(points);
	struct rounds r;
	int refused = 0;

	setenv("LETTERRACK_LOG_LEVEL", "warn", 1);
	for (rounds_begin(&r, (long)n, (long)n * 4); rounds_next(&r);) {
		const char *point = points[(size_t)r.n % n];
		const char *when, *log;
		bool stopped, taken;
		struct imap *im;
		pid_t late;

		house.arena = arena_new((size_t)64 * 1024 * 1024);
		log = arena_fmt(house.arena, "%s/late.log", house.dir);
		when = arena_fmt(house.arena, "%s:%d:stop", point,
		    (int)((size_t)r.n / n) + 1);
		account_begin(&house, arena_fmt(house.arena, "late%ld", r.n));
		im = house_imap(&house);
		crash_fill(im, "INBOX", 1, 12);
		(void)house_queue(&house, "imap_sync_messages");
		late = crash_start(&house,
		    arena_fmt(house.arena, "LETTERRACK_FAILPOINT=%s", when),
		    log);
		wait_stopped(late, &stopped);
		if (stopped) {
			taken = end_lease();
			check_ended_well(
			    crash_wait(crash_start(&house, NULL, NULL), 60));
			kill(late, SIGCONT);
			check_ended_well(crash_wait(late, 60));
			refused += taken && file_has(log, "lease lost");
		}
		imap_free(&im);
		crash_resume(&house);
		crash_check(&house, when);
		house_sql(&house, "DELETE FROM account WHERE id = {a}");
		arena_free(&house.arena);
	}
	if (r.from == 0 && r.n >= (long)n)
		ck_assert_int_ge(refused, 6);
}
END_TEST

int
main(void)
{
	const struct unit_case cases[] = {
		UNIT(each_job_once),
		UNIT(late_writes_are_refused),
	};

	unit_seconds(86400);
	house_start(&house, NULL);
	return unit_run("crash/workers", cases, sizeof cases / sizeof *cases);
}
