/* Every statement of sql/queries: it prepares under the programs' role, its
 * columns fit their row, and it is scoped by the account. */
#include "lib/unit.h"

#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "db/fixture.h"
#include "domain/statements.h"

static struct db *db;

static void
setup(void)
{
	db = fixture_db();
}

static void
teardown(void)
{
	db_free(&db);
}

START_TEST(prepares)
{
	const struct stmt *s = statements[_i];
	enum rc rc = db_prepare(db, s);

	ck_assert_msg(rc == RC_OK, "%s (%s): %s %s", s->name, s->from,
	    result_row(rc)->name, fail_detail());
}
END_TEST

/* How a statement keeps to the account in $1. */
static const char *const scoped[] = {
	"(account_id|account\\.id|[^_a-z]id) *= *\\$1", /* a row's, a table's */
	"INSERT INTO [a-z_]+ *\\([^)]*account_id",
	"[a-z_]+\\( *\\$1", /* a function that takes it */
};

static bool
matches(const char *pattern, const char *text)
{
	regex_t re;
	bool ok;

	ck_assert_int_eq(regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB), 0);
	ok = regexec(&re, text, 0, NULL, 0) == 0;
	regfree(&re);
	return ok;
}

START_TEST(is_scoped)
{
	const struct stmt *s = statements[_i];
	bool ok = s->global != NULL;

	for (size_t i = 0; !ok && i < sizeof scoped / sizeof *scoped; i++)
		ok = matches(scoped[i], s->sql);
	ck_assert_msg(ok, "%s (%s): where is the account?", s->name, s->from);
}
END_TEST

START_TEST(names_are_unique)
{
	for (size_t i = 0; statements[i] != NULL; i++)
		for (size_t j = 0; j < i; j++)
			ck_assert_str_ne(
			    statements[i]->name, statements[j]->name);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("meta/statements");
	TCase *t = tcase_create("statements");
	int n = 0;

	while (statements[n] != NULL)
		n++;
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, prepares, 0, n);
	tcase_add_loop_test(t, is_scoped, 0, n);
	tcase_add_test(t, names_are_unique);
	suite_add_tcase(s, t);
	return s;
}

int
main(void)
{
	return fixture_main(suite);
}
