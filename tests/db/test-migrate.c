/* Migrations: in order, once, all or nothing. */
#include "lib/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "db/fixture.h"
#include "db/migrate.h"

#define GRANT                                                                  \
	"CREATE FUNCTION letterrack.grant_to(r name) RETURNS void "            \
	"LANGUAGE plpgsql AS 'BEGIN EXECUTE "                                  \
	"format(''GRANT USAGE ON SCHEMA letterrack TO %I'', r); END';"

static const struct migration list[] = {
	{ 1, "0001-one", GRANT "CREATE TABLE one (id int);" },
	{ 2, "0002-two",
	    "CREATE TABLE two (id int);\nINSERT INTO two "
	    "SELECT 1 FROM pg_sleep(0.2);" },
	{ 3, "0003-bad",
	    "CREATE TABLE three (id int);\n-- \xc3\xbc\n"
	    "SELECT nothing_such();" },
};
static const struct migration changed[] = {
	{ 1, "0001-one", GRANT "CREATE TABLE one (id bigint);" },
};
static const struct migration commits[] = {
	{ 1, "0001-one", GRANT "CREATE TABLE one (id int);" },
	{ 2, "0002-two", "CREATE TABLE two (id int); COMMIT;" },
};

static char owner[200];
static size_t told;

static void
tell(const struct migration *m)
{
	(void)m;
	told++;
}

/* A database of its own for each test. */
static void
setup(void)
{
	char sql[100];

	snprintf(sql, sizeof sql, "CREATE DATABASE m%d", (int)getpid());
	fixture_psql(sql);
	snprintf(owner, sizeof owner, "%s dbname=m%d", fixture_owner(),
	    (int)getpid());
	told = 0;
}

static enum rc
run(const struct migration *from, size_t n, bool dry)
{
	const struct migrate m = { .owner = owner,
		.program = "letterrack",
		.dry_run = dry,
		.list = from,
		.n = n,
		.tell = tell };

	told = 0;
	return migrate_run(&m);
}

/* What a query in the test's database prints, compared by the server. */
static void
expect(const char *condition)
{
	char command[600];

	snprintf(command, sizeof command,
	    "test \"$(psql -X -A -t -d '%s' -c \"SELECT %s\")\" = t", owner,
	    condition);
	ck_assert_msg(system(command) == 0, "%s", condition);
}

START_TEST(runs_what_is_missing)
{
	ck_assert_int_eq(run(list, 1, false), RC_OK);
	ck_assert_uint_eq(told, 1);
	ck_assert_int_eq(run(list, 2, false), RC_OK);
	ck_assert_uint_eq(told, 1);
	ck_assert_int_eq(run(list, 2, false), RC_OK);
	ck_assert_uint_eq(told, 0);
	expect("array_agg(name ORDER BY number) = '{0001-one,0002-two}' "
	       "AND min(length(checksum)) = 64 FROM letterrack.migration");
	expect("has_schema_privilege('letterrack', 'letterrack', 'USAGE')");
}
END_TEST

START_TEST(dry_run_changes_nothing)
{
	ck_assert_int_eq(run(list, 3, true), RC_OK);
	ck_assert_uint_eq(told, 3);
	expect("to_regnamespace('letterrack') IS NULL");
	ck_assert_int_eq(run(list, 1, false), RC_OK);
	ck_assert_int_eq(run(list, 3, true), RC_OK);
	ck_assert_uint_eq(told, 2);
	expect("max(number) = 1 FROM letterrack.migration");
}
END_TEST

START_TEST(failure_undoes_its_own)
{
	ck_assert_int_eq(run(list, 3, false), RC_INVALID);
	ck_assert_msg(strncmp(fail_detail(), "0003-bad.sql:3: ", 16) == 0, "%s",
	    fail_detail());
	expect("max(number) = 2 FROM letterrack.migration");
	expect("to_regclass('letterrack.three') IS NULL");
}
END_TEST

START_TEST(changed_file_is_refused)
{
	ck_assert_int_eq(run(list, 2, false), RC_OK);
	ck_assert_int_eq(run(changed, 1, false), RC_CONFLICT);
	ck_assert_str_eq(fail_detail(),
	    "0001-one.sql was changed after it had been applied");
	ck_assert_int_eq(run(changed, 1, true), RC_CONFLICT);
}
END_TEST

START_TEST(newer_schema_is_refused)
{
	ck_assert_int_eq(run(list, 2, false), RC_OK);
	ck_assert_int_eq(run(list, 1, false), RC_CONFLICT);
	ck_assert_str_eq(
	    fail_detail(), "schema version 2, this program knows 1");
}
END_TEST

START_TEST(own_commit_is_refused)
{
	ck_assert_int_eq(run(commits, 2, false), RC_INVALID);
	ck_assert_str_eq(fail_detail(),
	    "0002-two.sql: a migration leaves its transaction alone");
	expect("max(number) = 1 FROM letterrack.migration");
}
END_TEST

/* Two at once: each migration runs once, and both say yes. */
START_TEST(two_at_once)
{
	pid_t children[4];

	for (size_t i = 0; i < 4; i++) {
		children[i] = fork();
		if (children[i] == 0)
			_exit(run(list, 2, false) == RC_OK ? 0 : 1);
	}
	for (size_t i = 0; i < 4; i++) {
		int status = -1;

		ck_assert_int_eq(waitpid(children[i], &status, 0), children[i]);
		ck_assert_int_eq(status, 0);
	}
	expect("count(*) = 1 FROM letterrack.two");
}
END_TEST

START_TEST(away_is_retry)
{
	snprintf(owner, sizeof owner, "host=/nowhere dbname=x user=x");
	ck_assert_int_eq(run(list, 1, false), RC_RETRY);
}
END_TEST

static const struct {
	const char *conninfo, *user; /* NULL: refused */
} users[] = {
	{ "dbname=x user=letterrack", "letterrack" },
	{ "postgresql://some%2Done@localhost/x", "some-one" },
	{ "dbname=x", NULL },
	{ "nonsense", NULL },
	{ "user=''", NULL },
};

START_TEST(user_of_conninfo)
{
	ARRAY_EACH (row, users) {
		char user[64] = "";
		enum rc rc = conninfo_user(row->conninfo, user);

		ROW(row->conninfo, (rc == RC_OK) == (row->user != NULL));
		ROW(row->conninfo,
		    row->user == NULL || strcmp(user, row->user) == 0);
	}
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("db/migrate");
	TCase *t = tcase_create("migrate");

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_set_timeout(t, 30);
	tcase_add_test(t, runs_what_is_missing);
	tcase_add_test(t, dry_run_changes_nothing);
	tcase_add_test(t, failure_undoes_its_own);
	tcase_add_test(t, changed_file_is_refused);
	tcase_add_test(t, newer_schema_is_refused);
	tcase_add_test(t, own_commit_is_refused);
	tcase_add_test(t, two_at_once);
	tcase_add_test(t, away_is_retry);
	tcase_add_test(t, user_of_conninfo);
	suite_add_tcase(s, t);
	return s;
}

int
main(void)
{
	return fixture_main(suite);
}
