/* The connection: lost, slow, refused, back again. */
#include "lib/unit.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/clock.h"
#include "db/fixture.h"
#include "db/migrate.h"
#include "db/thing-sql.h"

static struct db *db;
static struct arena *arena;

static void
setup(void)
{
	arena = arena_new(1 << 20);
	db = fixture_guarded(1);
}

static void
teardown(void)
{
	db_free(&db);
	arena_free(&arena);
}

static int64_t
elapsed(int64_t since)
{
	return clock_steady_ms() - since;
}

/* Calls until it succeeds; every failure is RC_RETRY. */
static void
until_back(int64_t most_ms)
{
	int64_t start = clock_steady_ms(), n;
	enum rc rc;

	while ((rc = thing_count(db, 1, &n)) != RC_OK) {
		ck_assert_int_eq(rc, RC_RETRY);
		ck_assert_int_lt(elapsed(start), most_ms);
		usleep(10000);
	}
}

START_TEST(opens_late)
{
	ck_assert_int_eq(db_backend(db), 0);
	ck_assert_int_eq(db_open(db), RC_OK);
	ck_assert_int_gt(db_backend(db), 0);
}
END_TEST

static const char *const nowhere[] = {
	"host=/nowhere dbname=x",
	"host=127.0.0.1 port=1 dbname=x",
	"this is no connection string",
};

START_TEST(away_is_retry)
{
	struct db *none = db_new(nowhere[_i], (struct log){ .who = "test" });
	int64_t start = clock_steady_ms();

	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(db_open(none), RC_RETRY);
	ck_assert_str_eq(fail_detail(), "the database is away");
	ck_assert_int_lt(elapsed(start), 3000);
	db_free(&none);
}
END_TEST

/* A server that takes the connection and says nothing. */
START_TEST(silent_server_is_retry)
{
	char conninfo[80], dir[] = "/tmp/lr-mute.XXXXXX";
	struct db *mute;
	int64_t start = clock_steady_ms();
	int s = fixture_mute_socket(mkdtemp(dir));

	snprintf(conninfo, sizeof conninfo, "host=%s dbname=x user=x", dir);
	mute = db_new(conninfo, (struct log){ .who = "test" });
	ck_assert_int_eq(db_open(mute), RC_RETRY);
	ck_assert_int_lt(elapsed(start), 4000);
	db_free(&mute);
	close(s);
	fixture_mute_remove(dir);
}
END_TEST

/* Nothing was asked meanwhile, so nothing is lost. */
START_TEST(restart_while_idle)
{
	int64_t n;

	ck_assert_int_eq(thing_count(db, 1, &n), RC_OK);
	fixture_again("immediate");
	ck_assert_int_eq(thing_count(db, 1, &n), RC_OK);
}
END_TEST

START_TEST(away_and_back)
{
	int64_t n, start;

	ck_assert_int_eq(thing_count(db, 1, &n), RC_OK);
	fixture_stop("immediate");
	start = clock_steady_ms();
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(thing_count(db, 1, &n), RC_RETRY);
	ck_assert_int_lt(elapsed(start), 1000);
	fixture_run();
	until_back(5000);
}
END_TEST

static pid_t
stop_soon(void)
{
	pid_t child = fork();

	if (child == 0) {
		usleep(300000);
		fixture_stop("immediate");
		_exit(0);
	}
	return child;
}

START_TEST(stop_during_statement)
{
	pid_t child;
	int64_t start = clock_steady_ms();
	enum rc rc;

	ck_assert_int_eq(db_open(db), RC_OK);
	child = stop_soon();
	rc = thing_sleep(db, 8, NULL);
	ck_assert_int_eq(rc, RC_RETRY);
	ck_assert(db_outcome_unknown(rc));
	ck_assert_int_lt(elapsed(start), 4000);
	waitpid(child, NULL, 0);
	fixture_run();
	until_back(5000);
}
END_TEST

static enum rc
stop_inside(struct db *inside, void *ctx)
{
	int *runs = ctx;
	int64_t n;

	++*runs;
	TRY(thing_clear(inside, 1, NULL));
	fixture_stop("immediate");
	enum rc rc = thing_count(inside, 1, &n);
	ck_assert_int_eq(rc, RC_RETRY);
	/* Nothing was committed, so nothing is unknown. */
	ck_assert(!db_outcome_unknown(rc));
	ck_assert_int_eq(thing_count(inside, 1, &n), RC_RETRY);
	return rc;
}

START_TEST(stop_during_transaction)
{
	int runs = 0;

	ck_assert_int_eq(db_tx(db, stop_inside, &runs), RC_RETRY);
	ck_assert_int_eq(runs, 1);
	fixture_run();
	until_back(5000);
}
END_TEST

START_TEST(statement_limit)
{
	int64_t start = clock_steady_ms(), n;
	int before;

	db_statement_limit(db, 200);
	ck_assert_int_eq(db_open(db), RC_OK);
	before = db_backend(db);
	ck_assert_int_eq(thing_sleep(db, 8, NULL), RC_RETRY);
	ck_assert_int_lt(elapsed(start), 1500);
	ck_assert_int_eq(thing_count(db, 1, &n), RC_OK);
	ck_assert_int_eq(db_backend(db), before);
}
END_TEST

/* A server that has stopped answering altogether. */
START_TEST(frozen_server)
{
	int64_t start, n;
	int frozen;

	db_statement_limit(db, 200);
	ck_assert_int_eq(db_open(db), RC_OK);
	frozen = db_backend(db);
	kill(frozen, SIGSTOP);
	start = clock_steady_ms();
	ck_assert_int_eq(thing_count(db, 1, &n), RC_RETRY);
	ck_assert_int_lt(elapsed(start), 3500);
	kill(frozen, SIGCONT);
	until_back(3000);
	ck_assert_int_ne(db_backend(db), frozen);
}
END_TEST

START_TEST(unknown_schema_is_refused)
{
	char sql[200], want[100];

	snprintf(sql, sizeof sql,
	    "INSERT INTO letterrack.migration VALUES (9999, 'newer', '')");
	fixture_psql(sql);
	enum rc rc = db_open(db);
	snprintf(want, sizeof want,
	    "schema version 9999, this program knows %d", migration_last());
	fixture_psql("DELETE FROM letterrack.migration WHERE number = 9999");
	ck_assert_int_eq(rc, RC_RETRY);
	ck_assert_str_eq(fail_detail(), want);
	until_back(2000);
}
END_TEST

START_TEST(settings_of_the_session)
{
	static const struct {
		const char *name, *value;
	} rows[] = {
		{ "search_path", "letterrack" },
		{ "TimeZone", "UTC" },
		{ "plan_cache_mode", "force_generic_plan" },
		{ "jit", "off" },
		{ "statement_timeout", "10s" },
		{ "idle_in_transaction_session_timeout", "30s" },
		{ "application_name", "test" },
		{ "work_mem", "5MB" },
	};
	char conninfo[256];
	const char *value;
	struct db *own;

	snprintf(conninfo, sizeof conninfo, "%s options='-c work_mem=5MB'",
	    fixture_conninfo());
	own = db_new(conninfo, (struct log){ .who = "test" });
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		ck_assert_int_eq(
		    thing_setting(own, rows[i].name, arena, &value), RC_OK);
		ck_assert_str_eq(value, rows[i].value);
	}
	db_free(&own);
}
END_TEST

START_TEST(waits_for_notifications)
{
	struct db *other = fixture_db();
	enum db_event event;
	int64_t start;
	int pipefd[2];

	ck_assert_int_eq(pipe(pipefd), 0);
	db_listen(db, "letterrack_thing");
	/* What came before it listened may have been missed. */
	ck_assert_int_eq(db_wait(db, 5000, -1, &event), RC_OK);
	ck_assert_int_eq(event, DB_NOTIFIED);
	start = clock_steady_ms();
	ck_assert_int_eq(db_wait(db, 100, pipefd[0], &event), RC_OK);
	ck_assert_int_eq(event, DB_TIMEOUT);
	ck_assert_int_ge(elapsed(start), 90);
	ck_assert_int_eq(thing_notify(other, "", NULL), RC_OK);
	ck_assert_int_eq(db_wait(db, 5000, pipefd[0], &event), RC_OK);
	ck_assert_int_eq(event, DB_NOTIFIED);
	ck_assert_int_eq(write(pipefd[1], "x", 1), 1);
	ck_assert_int_eq(db_wait(db, 5000, pipefd[0], &event), RC_OK);
	ck_assert_int_eq(event, DB_FD);
	/* It came while a statement ran. */
	ck_assert_int_eq(thing_notify(db, "", NULL), RC_OK);
	ck_assert_int_eq(db_wait(db, 5000, -1, &event), RC_OK);
	ck_assert_int_eq(event, DB_NOTIFIED);
	fixture_again("fast");
	ck_assert_int_eq(db_wait(db, 5000, -1, &event), RC_OK);
	ck_assert_int_eq(event, DB_NOTIFIED);
	db_free(&other);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("db/link");
	TCase *t = tcase_create("link");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, opens_late);
	tcase_add_loop_test(
	    t, away_is_retry, 0, (int)(sizeof nowhere / sizeof *nowhere));
	tcase_add_test(t, silent_server_is_retry);
	tcase_add_test(t, restart_while_idle);
	tcase_add_test(t, away_and_back);
	tcase_add_test(t, stop_during_statement);
	tcase_add_test(t, stop_during_transaction);
	tcase_add_test(t, statement_limit);
	tcase_add_test(t, frozen_server);
	tcase_add_test(t, unknown_schema_is_refused);
	tcase_add_test(t, settings_of_the_session);
	tcase_add_test(t, waits_for_notifications);
	suite_add_tcase(s, t);
	return s;
}

int
main(void)
{
	return fixture_main(suite);
}
