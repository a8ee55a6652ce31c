/* Several letterrack-sync at once: each job is done once, whoever has lost its
 * lease writes nothing more, and what a dead one held is free at once: but only
 * what a dead one held. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/clock.h"
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

/* ---- a worker that is dead ---- */

#define SOON_MS 2000

/* An account with mail and a job for it. */
static void
work_begin(const char *user)
{
	struct imap *im;

	account_begin(&house, user);
	im = house_imap(&house);
	crash_fill(im, "INBOX", 1, 12);
	imap_free(&im);
	(void)house_queue(&house, "imap_sync_messages");
}

static const char *
work_state(void)
{
	return house_sql(&house,
	    "SELECT state, worker IS NULL, attempt_count FROM job "
	    "WHERE account_id = {a} AND action = 'imap_sync_messages'");
}

static void
work_end(const char *when)
{
	crash_resume(&house);
	crash_check(&house, when);
	house_sql(&house, "DELETE FROM account WHERE id = {a}");
}

static void
pass(void)
{
	check_ended_well(crash_wait(crash_start(&house, NULL, NULL), 60));
}

/* What a killed one asked of the database last may be carried out still, and
 * a pass leaves that job to the next. */
static void
check_done_soon(const char *when)
{
	int64_t until = clock_steady_ms() + SOON_MS;

	do
		pass();
	while (strstr(work_state(), "running") != NULL &&
	    clock_steady_ms() < until);
	ck_assert_msg(strncmp(work_state(), "succeeded|t|", 12) == 0, "%s: %s",
	    when, work_state());
}

START_TEST(dead_ones_jobs_are_free)
{
	const char *points[CRASH_POINTS];
	size_t n = crash_points(points);
	struct rounds r;

	for (rounds_begin(&r, (long)n, (long)n * 4); rounds_next(&r);) {
		const char *point = points[(size_t)r.n % n];
		int pass_of = (int)((size_t)r.n / n) + 1;

		house.arena = arena_new((size_t)64 * 1024 * 1024);
		work_begin(arena_fmt(house.arena, "dead%ld", r.n));
		if (crash_at(&house, point, pass_of))
			check_done_soon(point);
		work_end(point);
		arena_free(&house.arena);
	}
}
END_TEST

static const char killed_in_work[] = "sync-batch-after";

START_TEST(slow_one_keeps_its_job)
{
	bool stopped;
	pid_t slow;

	house.arena = arena_new((size_t)64 * 1024 * 1024);
	work_begin("slow");
	slow = crash_start(
	    &house, "LETTERRACK_FAILPOINT=sync-batch-after:1:stop", NULL);
	wait_stopped(slow, &stopped);
	ck_assert(stopped);
	pass();
	ck_assert_str_eq(work_state(), "running|f|1");
	kill(slow, SIGCONT);
	check_ended_well(crash_wait(slow, 60));
	ck_assert_str_eq(work_state(), "succeeded|t|1");
	work_end("slow");
}
END_TEST

/* Files in the directory, whosever. */
static void
files_do(const char *what)
{
	ck_assert_int_eq(
	    system(arena_fmt(house.arena,
		"cd %s/workers && for f in *; do %s; done", house.dir, what)),
	    0);
}

/* Of whom this machine does not know, nothing is taken: another machine's, one
 * of before the last boot, one without a file. */
START_TEST(unknown_ones_keep_their_jobs)
{
	static const char *const as[] = {
		"echo 01234567-89ab-cdef-0123-456789abcdef >$f",
		": >$f",
		"mv $f ${f%%?????}00000",
		"rm $f",
	};

	ARRAY_EACH (what, as) {
		house.arena = arena_new((size_t)64 * 1024 * 1024);
		work_begin(
		    arena_fmt(house.arena, "unknown%d", (int)(what - as)));
		ck_assert(crash_at(&house, killed_in_work, 1));
		files_do(*what);
		crash_quiet(&house);
		pass();
		ROW(*what, strcmp(work_state(), "running|f|1") == 0);
		work_end(*what);
		arena_free(&house.arena);
	}
}
END_TEST

/* A transaction that the dead one had begun ends before its job is another's.
 */
START_TEST(late_transaction_is_waited_for)
{
	pid_t late;

	house.arena = arena_new((size_t)64 * 1024 * 1024);
	work_begin("late");
	ck_assert(crash_at(&house, killed_in_work, 1));
	crash_quiet(&house);
	late = fork();
	if (late == 0) {
		house_sql(&house,
		    "BEGIN; SELECT FROM job WHERE account_id = {a} FOR SHARE; "
		    "SELECT pg_sleep(3); COMMIT");
		_exit(0);
	}
	while (house_int(&house,
		   "SELECT count(*) FROM pg_stat_activity WHERE wait_event = "
		   "'PgSleep'") == 0)
		;
	pass();
	ck_assert_str_eq(work_state(), "running|f|1");
	ck_assert_int_eq(waitpid(late, NULL, 0), late);
	pass();
	ck_assert_str_eq(work_state(), "succeeded|t|2");
	work_end("late");
}
END_TEST

/* Until a claim waits for what another transaction holds. */
static void
wait_claiming(void)
{
	int64_t until = clock_steady_ms() + 30000;

	while (
	    house_int(&house,
		"SELECT count(*) FROM pg_stat_activity WHERE "
		"wait_event_type = 'Lock' AND query LIKE '%job_claim%'") == 0)
		ck_assert_int_lt(clock_steady_ms(), until);
}

/* A claim that the dead one had sent is carried out when nobody sees anything
 * of it yet: it is looked for until the dead one's session is over. */
START_TEST(late_claim_is_waited_for)
{
	pid_t holder, late;

	house.arena = arena_new((size_t)64 * 1024 * 1024);
	work_begin("claimed");
	holder = fork();
	if (holder == 0) {
		house_sql(&house,
		    "DO $$ BEGIN PERFORM FROM task WHERE account_id = {a} "
		    "FOR UPDATE; WHILE EXISTS (SELECT FROM account WHERE "
		    "id = {a} AND name = 'Fresh') LOOP PERFORM pg_sleep(0.05); "
		    "END LOOP; END $$");
		_exit(0);
	}
	while (house_int(&house,
		   "SELECT count(*) FROM pg_stat_activity WHERE wait_event = "
		   "'PgSleep'") == 0)
		;
	late = crash_start(&house, NULL, NULL);
	wait_claiming();
	kill(late, SIGKILL);
	(void)crash_wait(late, 60);
	pass();
	ck_assert_str_eq(work_state(), "queued|t|0");
	house_sql(&house, "UPDATE account SET name = 'Let go' WHERE id = {a}");
	ck_assert_int_eq(waitpid(holder, NULL, 0), holder);
	crash_quiet(&house);
	ck_assert_str_eq(work_state(), "running|f|1");
	pass();
	ck_assert_str_eq(work_state(), "succeeded|t|2");
	work_end("claimed");
}
END_TEST

/* What kills each worker is not given out for ever, and not in a loop. */
START_TEST(deadly_job_fails)
{
	house.arena = arena_new((size_t)256 * 1024 * 1024);
	work_begin("deadly");
	for (int i = 1; i <= 8; i++) {
		ck_assert(crash_at(&house, "sync-folders-before", 1));
		crash_quiet(&house);
		house_sql(&house,
		    "SELECT job_release_dead(worker) FROM job WHERE state = "
		    "'running'");
		ck_assert_int_eq(house_int(&house,
				     "SELECT (run_at > now())::int FROM job "
				     "WHERE account_id = {a}"),
		    i > 3);
		house_sql(&house,
		    "UPDATE job SET run_at = now() WHERE account_id = {a}");
	}
	pass();
	ck_assert_str_eq(work_state(), "failed|t|9");
	house_sql(&house, "DELETE FROM account WHERE id = {a}");
}
END_TEST

int
main(void)
{
	const struct unit_case cases[] = {
		UNIT(each_job_once),
		UNIT(late_writes_are_refused),
		UNIT(dead_ones_jobs_are_free),
		UNIT(slow_one_keeps_its_job),
		UNIT(unknown_ones_keep_their_jobs),
		UNIT(late_transaction_is_waited_for),
		UNIT(late_claim_is_waited_for),
		UNIT(deadly_job_fails),
	};

	unit_seconds(86400);
	house_start(&house, NULL);
	return unit_run("crash/workers", cases, sizeof cases / sizeof *cases);
}
