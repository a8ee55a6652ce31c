/* Transactions of several round trips. */
#include "lib/unit.h"

#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/failpoint.h"
#include "db/fixture.h"
#include "db/thing-sql.h"

static struct db *db;
static struct arena *arena;
static int runs;

static void
setup(void)
{
	arena = arena_new(1 << 20);
	db = fixture_guarded(1);
	runs = 0;
	fixture_psql("ALTER SEQUENCE letterrack.thing_collisions RESTART");
	ck_assert_int_eq(thing_clear(db, 1, NULL), RC_OK);
}

static void
teardown(void)
{
	db_free(&db);
	arena_free(&arena);
}

static int64_t
count(void)
{
	int64_t n = -1;

	ck_assert_int_eq(thing_count(db, 1, &n), RC_OK);
	return n;
}

static enum rc
add(const char *name)
{
	struct thing *t;
	struct thing_add_args in = {
		.account = 1, .name = name, .at = INSTANT_NONE
	};

	return thing_add(db, &in, arena, &t);
}

static enum rc
add_two(struct db *inside, void *ctx)
{
	(void)ctx;
	ck_assert_ptr_eq(inside, db);
	runs++;
	TRY(add("a"));
	return add("b");
}

START_TEST(commits)
{
	ck_assert_int_eq(db_tx(db, add_two, NULL), RC_OK);
	ck_assert_int_eq(count(), 2);
	ck_assert_int_eq(runs, 1);
}
END_TEST

static enum rc
add_then_fail(struct db *inside, void *ctx)
{
	TRY(add_two(inside, ctx));
	return fail(RC_CONFLICT, "not this time");
}

START_TEST(rolls_back)
{
	ck_assert_int_eq(db_tx(db, add_then_fail, NULL), RC_CONFLICT);
	ck_assert_str_eq(fail_detail(), "not this time");
	ck_assert_int_eq(count(), 0);
	ck_assert_int_eq(runs, 1);
}
END_TEST

static enum rc
add_same(struct db *inside, void *ctx)
{
	TRY(add_two(inside, ctx));
	return add("a");
}

static enum rc
add_same_overlooked(struct db *inside, void *ctx)
{
	ck_assert_int_eq(add_same(inside, ctx), RC_CONFLICT);
	ck_assert_int_eq(add("c"), RC_RETRY);
	return RC_OK;
}

START_TEST(sql_error_rolls_back)
{
	ck_assert_int_eq(db_tx(db, add_same, NULL), RC_CONFLICT);
	ck_assert_int_eq(count(), 0);
	ck_assert_int_eq(db_tx(db, add_same_overlooked, NULL), RC_INTERNAL);
	ck_assert_int_eq(count(), 0);
}
END_TEST

static enum rc
add_in_pipe(struct db *inside, void *ctx)
{
	int64_t *n = ctx;
	struct thing *t;
	struct thing_add_args in = {
		.account = 1, .name = "p", .at = INSTANT_NONE
	};

	db_pipe_begin(inside);
	TRY(thing_add(inside, &in, arena, &t));
	TRY(thing_count(inside, 1, n));
	return db_pipe_end(inside);
}

START_TEST(pipeline_inside)
{
	int64_t n = -1;

	ck_assert_int_eq(db_tx(db, add_in_pipe, &n), RC_OK);
	ck_assert_int_eq(n, 1);
	ck_assert_int_eq(count(), 1);
}
END_TEST

START_TEST(guard_refuses)
{
	thing_guard(db, 1, "bad", NULL, NULL);
	ck_assert_int_eq(db_tx(db, add_two, NULL), RC_UNAUTHORIZED);
	ck_assert_int_eq(runs, 0);
	thing_guard(db, 1, "good", NULL, NULL);
	ck_assert_int_eq(count(), 0);
}
END_TEST

START_TEST(guard_row)
{
	struct thing_actor *actor = NULL;

	thing_guard(db, 1, "good", arena, &actor);
	ck_assert_int_eq(db_tx(db, add_two, NULL), RC_OK);
	ck_assert_str_eq(actor->role, "member");
}
END_TEST

/* One whose BEGIN leaves with its first statement ends alike. */
START_TEST(late_commits)
{
	int64_t n = -1;

	ck_assert_int_eq(db_tx_late(db, add_two, NULL), RC_OK);
	ck_assert_int_eq(count(), 2);
	ck_assert_int_eq(db_tx_late(db, add_in_pipe, &n), RC_OK);
	ck_assert_int_eq(n, 3);
}
END_TEST

START_TEST(late_rolls_back)
{
	ck_assert_int_eq(db_tx_late(db, add_same, NULL), RC_CONFLICT);
	ck_assert_int_eq(
	    db_tx_late(db, add_same_overlooked, NULL), RC_INTERNAL);
	ck_assert_int_eq(count(), 0);
}
END_TEST

START_TEST(late_guard_refuses)
{
	thing_guard(db, 1, "bad", NULL, NULL);
	ck_assert_int_eq(db_tx_late(db, add_two, NULL), RC_UNAUTHORIZED);
	thing_guard(db, 1, "good", NULL, NULL);
	ck_assert_int_eq(count(), 0);
}
END_TEST

static enum rc
say_nothing(struct db *inside, void *ctx)
{
	(void)inside;
	return ctx == NULL ? RC_OK : fail(RC_INVALID, "%s", (char *)ctx);
}

/* Whoever may not ask at all is told that first. */
START_TEST(late_without_statements)
{
	ck_assert_int_eq(db_tx_late(db, say_nothing, NULL), RC_OK);
	ck_assert_int_eq(db_tx_late(db, say_nothing, "wrong"), RC_INVALID);
	ck_assert_str_eq(fail_detail(), "wrong");
	thing_guard(db, 1, "bad", NULL, NULL);
	ck_assert_int_eq(db_tx_late(db, say_nothing, NULL), RC_UNAUTHORIZED);
	ck_assert_int_eq(db_tx_late(db, say_nothing, "wrong"), RC_UNAUTHORIZED);
	thing_guard(db, 1, "good", NULL, NULL);
	ck_assert_int_eq(db_tx(db, add_two, NULL), RC_OK);
}
END_TEST

struct collision {
	const char *state;
	int64_t times;
};

static enum rc
add_colliding(struct db *inside, void *ctx)
{
	const struct collision *c = ctx;

	TRY(add_two(inside, NULL));
	return thing_collide(inside, c->state, c->times, NULL);
}

static const struct {
	struct collision collision;
	enum rc rc;
	int runs;
} collisions[] = {
	{ { "40001", 1 }, RC_OK, 2 },
	{ { "40P01", 4 }, RC_OK, 5 },
	{ { "40001", 5 }, RC_RETRY, 5 },
	{ { "57014", 1 }, RC_RETRY, 1 }, /* a timeout is not run again */
	{ { "LR409", 1 }, RC_CONFLICT, 1 },
};

START_TEST(runs_again)
{
	struct collision c = collisions[_i].collision;

	ck_assert_int_eq(db_tx(db, add_colliding, &c), collisions[_i].rc);
	ck_assert_int_eq(runs, collisions[_i].runs);
	ck_assert_int_eq(count(), collisions[_i].rc == RC_OK ? 2 : 0);
}
END_TEST

struct crossing {
	int64_t first, second;
	const char *names[2];
};

static enum rc
lock_both(struct db *inside, void *ctx)
{
	const struct crossing *c = ctx;

	TRY(thing_rename(inside, 1, c->first, c->names[0]));
	TRY(thing_sleep_ms(inside, 200, NULL));
	return thing_rename(inside, 1, c->second, c->names[1]);
}

/* Two real transactions that lock crosswise: one is chosen, runs again, and
 * both succeed. */
START_TEST(deadlock)
{
	struct ids ids;
	pid_t child;
	int status;

	ck_assert_int_eq(db_tx(db, add_two, NULL), RC_OK);
	ck_assert_int_eq(thing_ids(db, 1, arena, &ids), RC_OK);
	struct crossing ours = { ids.v[0], ids.v[1], { "ours 1", "ours 2" } };
	struct crossing theirs = { ids.v[1], ids.v[0],
		{ "theirs 1", "theirs 2" } };
	child = fork();
	if (child == 0) {
		db = fixture_guarded(1);
		_exit(db_tx(db, lock_both, &theirs) == RC_OK ? 0 : 1);
	}
	ck_assert_int_eq(db_tx(db, lock_both, &ours), RC_OK);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
}
END_TEST

static enum rc
nested(struct db *inside, void *ctx)
{
	return db_tx(inside, add_two, ctx);
}

START_TEST(nesting_dies)
{
	ck_assert_int_eq(db_tx(db, nested, NULL), RC_OK);
}
END_TEST

/* The session is ended while it commits: nobody knows. */
START_TEST(lost_commit_is_told_apart)
{
	fixture_psql("CREATE CONSTRAINT TRIGGER thing_cut AFTER INSERT "
		     "ON letterrack.thing DEFERRABLE INITIALLY DEFERRED "
		     "FOR EACH ROW EXECUTE FUNCTION letterrack.thing_cut()");
	enum rc rc = db_tx(db, add_two, NULL);
	bool unknown = db_outcome_unknown(rc);
	fixture_psql("DROP TRIGGER thing_cut ON letterrack.thing");

	ck_assert_int_eq(rc, RC_RETRY);
	ck_assert(unknown);
	ck_assert_int_eq(runs, 1);
	ck_assert_int_eq(count(), 0);
}
END_TEST

static const struct {
	const char *point;
	int64_t rows;
} stops[] = {
	{ "db-commit-before", 0 },
	{ "db-commit-after", 2 },
};

/* A power cut on either side of the commit. */
START_TEST(stopped_at_commit)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		db = fixture_guarded(1);
		failpoint_set(stops[_i].point);
		(void)!db_tx(db, add_two, NULL);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	ck_assert_int_eq(count(), stops[_i].rows);
}
END_TEST

static jmp_buf out;

static enum rc
add_and_jump(struct db *inside, void *ctx)
{
	(void)add_two(inside, ctx);
	longjmp(out, 1);
}

START_TEST(jump_out_rolls_back)
{
	if (setjmp(out) == 0)
		ck_assert_int_eq(db_tx(db, add_and_jump, NULL), RC_OK);
	thing_guard(db, 1, "good", NULL, NULL);
	ck_assert_int_eq(count(), 0);
	ck_assert_int_eq(db_tx(db, add_two, NULL), RC_OK);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("db/tx");
	TCase *t = tcase_create("tx");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 30);
	tcase_add_test(t, commits);
	tcase_add_test(t, rolls_back);
	tcase_add_test(t, sql_error_rolls_back);
	tcase_add_test(t, pipeline_inside);
	tcase_add_test(t, guard_refuses);
	tcase_add_test(t, guard_row);
	tcase_add_test(t, late_commits);
	tcase_add_test(t, late_rolls_back);
	tcase_add_test(t, late_guard_refuses);
	tcase_add_test(t, late_without_statements);
	tcase_add_loop_test(
	    t, runs_again, 0, (int)(sizeof collisions / sizeof *collisions));
	tcase_add_test(t, deadlock);
	tcase_add_test_raise_signal(t, nesting_dies, SIGABRT);
	tcase_add_test(t, lost_commit_is_told_apart);
	tcase_add_loop_test(
	    t, stopped_at_commit, 0, (int)(sizeof stops / sizeof *stops));
	tcase_add_test(t, jump_out_rolls_back);
	suite_add_tcase(s, t);
	return s;
}

int
main(void)
{
	return fixture_main(suite);
}
