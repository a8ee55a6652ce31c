/* The mail server stops, hangs or goes away in the middle of a word: each run
 * ends in bounded time, job and mail account say why, and nothing is lost when
 * it is well again. */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "core/clock.h"
#include "crash/cable.h"
#include "crash/crash.h"

#define SESSION_MOST 8192

static struct house house;
static struct cable cable;

/* An account whose server is at the other end of the cable. */
static void
account_begin(const char *user)
{
	house.account = house_int(&house,
	    "INSERT INTO account (application_id, name) SELECT id, 'Fresh' "
	    "FROM application RETURNING id");
	house_newcomer(&house, user);
	house_sql(&house,
	    arena_fmt(house.arena,
		"UPDATE credential SET port = %u WHERE id = {c}", cable.port));
}

static void
account_end(void)
{
	house_sql(&house, "DELETE FROM account WHERE id = {a}");
}

static void
case_begin(const char *user)
{
	struct imap *im;

	house.arena = arena_new((size_t)256 * 1024 * 1024);
	cable_start(&cable, house.port);
	account_begin(user);
	im = house_imap(&house);
	crash_fill(im, "INBOX", 1, 4);
	crash_fill(im, "Sent", 5, 1);
	imap_free(&im);
}

/* A run of letterrack-sync; how long it took. */
static int64_t
run(int seconds)
{
	int64_t from = clock_steady_ms();
	int status = crash_wait(crash_start(&house, NULL, NULL), seconds);

	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0,
	    "letterrack-sync ended with %d", status);
	return clock_steady_ms() - from;
}

/* The sync waits for another try; who has failed says why. */
static void
check_told(const char *code, const char *when)
{
	const char *told = house_sql(&house,
	    "SELECT j.state, j.last_error_code, j.last_error_detail <> '', "
	    "c.last_error_code FROM job j JOIN credential c ON c.id = "
	    "j.credential_id WHERE c.id = {c} AND j.action = "
	    "'imap_sync_messages'");

	ck_assert_msg(
	    strcmp(told,
		arena_fmt(house.arena, "queued|%s|t|%s", code, code)) == 0,
	    "%s: %s", when, told);
}

static void
check_healed(const char *when)
{
	cable_heal(&cable);
	crash_resume(&house);
	crash_check(&house, when);
	ck_assert_str_eq(house_sql(&house,
			     "SELECT last_error_code FROM credential WHERE id "
			     "= {c} AND last_error_code IS NOT NULL UNION ALL "
			     "SELECT last_error_code FROM mailbox WHERE "
			     "credential_id = {c} AND last_error_code IS NOT "
			     "NULL"),
	    "");
}

START_TEST(server_is_away)
{
	case_begin("away");
	(void)house_queue(&house, "imap_sync_messages");
	house_dovecot(&house, "stop");
	ck_assert_int_lt(run(30), 10000);
	check_told("transient_connection", "stopped");
	house_dovecot(&house, "again");
	check_healed("stopped");
	cable_stop(&cable);
}
END_TEST

START_TEST(server_is_slow)
{
	case_begin("slow");
	(void)house_queue(&house, "imap_sync_messages");
	cable.fault->slow_at = 0;
	ck_assert_int_lt(run(90), 60000);
	check_told("transient_timeout", "slow from the start");
	check_healed("slow from the start");
	cable_stop(&cable);
}
END_TEST

/* In the middle of the messages. */
START_TEST(server_becomes_slow)
{
	case_begin("slower");
	(void)house_queue(&house, "imap_sync_messages");
	cable.fault->slow_at = 2500;
	ck_assert_int_lt(run(90), 60000);
	ck_assert_str_eq(
	    house_sql(&house,
		"SELECT j.state, j.last_error_code, m.last_error_code "
		"FROM job j JOIN mailbox m ON m.credential_id = "
		"j.credential_id WHERE j.credential_id = {c} AND j.action = "
		"'imap_sync_messages' AND m.last_error_code IS NOT NULL"),
	    "queued|transient_timeout|transient_timeout");
	check_healed("slow midway");
	cable_stop(&cable);
}
END_TEST

/* Where a whole session has fewer bytes, the cut comes too late. */
static bool
was_cut(void)
{
	return cable.fault->most >= cable.fault->cut_at;
}

/* Once: whatever came next has mended it. Each time: the run has to give up,
 * and may not have given up any mail. */
static void
cut_at(long n, int times)
{
	const char *when =
	    arena_fmt(house.arena, "cut at byte %ld, times %d", n, times);

	account_begin("cut");
	cable.fault->cut_at = n;
	cable.fault->times = times;
	(void)house_queue(&house, "imap_sync_messages");
	ck_assert_int_lt(run(60), 30000);
	if (times < 0 && was_cut() &&
	    house_int(&house,
		"SELECT count(*) FROM job WHERE credential_id = {c} AND state "
		"= 'queued'") > 0)
		ck_assert_msg(
		    house_int(&house,
			"SELECT count(*) FROM job WHERE credential_id = {c} "
			"AND state = 'queued' AND last_error_code IN "
			"('transient_connection', 'transient_timeout')") == 1,
		    "%s: no reason is told", when);
	check_healed(when);
	account_end();
}

static void
cut_everywhere(const char *name, int times)
{
	struct rounds r;
	bool all = getenv("LETTERRACK_TALLY") != NULL;

	(void)name;
	case_begin("cut");
	account_end();
	/* A stride that shares no divisor with line lengths. */
	for (rounds_begin(&r, 20, SESSION_MOST); rounds_next(&r);) {
		struct arena *keep = house.arena;

		house.arena = arena_new((size_t)64 * 1024 * 1024);
		cut_at(all ? r.n : 31 + r.n * 211, times);
		arena_free(&house.arena);
		house.arena = keep;
	}
	cable_stop(&cable);
}

START_TEST(cut_once)
{
	cut_everywhere("once", 1);
}
END_TEST

START_TEST(cut_each_time)
{
	cut_everywhere("each", -1);
}
END_TEST

int
main(void)
{
	const struct unit_case cases[] = {
		UNIT(server_is_away),
		UNIT(server_is_slow),
		UNIT(server_becomes_slow),
		UNIT(cut_once),
		UNIT(cut_each_time),
	};

	unit_seconds(86400);
	house_start(&house, NULL);
	return unit_run(
	    "crash/server-faults", cases, sizeof cases / sizeof *cases);
}
