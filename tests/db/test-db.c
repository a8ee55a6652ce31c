/* Statements, rows, pipelines, guards. */
#include "lib/unit.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "db/fixture.h"
#include "db/thing-sql.h"

static struct db *db;
static struct arena *arena;

static void
setup(void)
{
	arena = arena_new(16 << 20);
	db = fixture_guarded(1);
	ck_assert_int_eq(thing_clear(db, 1, NULL), RC_OK);
}

static void
teardown(void)
{
	db_free(&db);
	arena_free(&arena);
}

static struct thing *
add(const char *name, int number)
{
	struct thing *t = NULL;
	struct thing_add_args in = {
		.account = 1, .name = name, .number = number, .at = INSTANT_NONE
	};

	ck_assert_int_eq(thing_add(db, &in, arena, &t), RC_OK);
	return t;
}

START_TEST(one_gives_the_row)
{
	const bool yes = true;
	struct thing *t, *again;
	struct thing_add_args in = { .account = 1,
		.name = "first",
		.number = -7,
		.flag = &yes,
		.at = { 1760797425123456 },
		.data = STR("{\"a\": [1, null]}"),
		.raw = { "\0\xff\n", 3 },
		.note = STR("gr\xc3\xbc\xc3\x9f"
			    "e") };

	ck_assert_int_eq(thing_add(db, &in, arena, &t), RC_OK);
	ck_assert_int_eq(thing_get(db, 1, t->id, arena, &again), RC_OK);
	ck_assert_int_gt(again->id, 0);
	ck_assert_int_eq(again->account_id, 1);
	ck_assert_str_eq(again->name, "first");
	ck_assert_int_eq(again->number, -7);
	ck_assert(again->flag);
	ck_assert_int_eq(again->at.us, 1760797425123456);
	ck_assert(str_eq(again->data, STR("{\"a\": [1, null]}")));
	ck_assert(str_eq(again->raw, (struct str){ "\0\xff\n", 3 }));
	ck_assert(str_eq(again->note, in.note));
}
END_TEST

START_TEST(null_reads_as_nothing)
{
	struct thing *t = add("bare", 0);

	ck_assert(!t->flag);
	ck_assert(!instant_is(t->at));
	ck_assert_ptr_null(t->data.p);
	ck_assert_ptr_null(t->raw.p);
	ck_assert_ptr_null(t->note.p);
}
END_TEST

START_TEST(cardinalities)
{
	struct thing *t, *first = add("a", 1);
	struct thing_list list;
	struct ids ids;
	const char *name;
	int64_t count;
	size_t touched;

	add("b", 2);
	ck_assert_int_eq(thing_get(db, 1, 1 << 30, arena, &t), RC_NOT_FOUND);
	ck_assert_int_eq(thing_find(db, 1, "b", arena, &t), RC_OK);
	ck_assert_str_eq(t->name, "b");
	ck_assert(!instant_is(t->at)); /* not among its columns */
	ck_assert_int_eq(thing_find(db, 1, "none", arena, &t), RC_OK);
	ck_assert_ptr_null(t);
	ck_assert_int_eq(thing_list(db, 1, 50, arena, &list), RC_OK);
	ck_assert_uint_eq(list.n, 2);
	ck_assert_str_eq(list.v[1].name, "b");
	ck_assert_int_eq(thing_list(db, 1, 0, arena, &list), RC_OK);
	ck_assert_uint_eq(list.n, 0);
	ck_assert_int_eq(thing_rename(db, 1, first->id, "c"), RC_OK);
	ck_assert_int_eq(thing_rename(db, 1, 1 << 30, "d"), RC_NOT_FOUND);
	ck_assert_int_eq(thing_count(db, 1, &count), RC_OK);
	ck_assert_int_eq(count, 2);
	ck_assert_int_eq(thing_name(db, 1, first->id, arena, &name), RC_OK);
	ck_assert_str_eq(name, "c");
	ck_assert_int_eq(
	    thing_name(db, 1, 1 << 30, arena, &name), RC_NOT_FOUND);
	ck_assert_int_eq(thing_ids(db, 1, arena, &ids), RC_OK);
	ck_assert_uint_eq(ids.n, 2);
	ck_assert_int_eq(ids.v[0], first->id);
	ck_assert_int_eq(thing_clear(db, 1, &touched), RC_OK);
	ck_assert_uint_eq(touched, 2);
	ck_assert_int_eq(thing_clear(db, 1, &touched), RC_OK);
	ck_assert_uint_eq(touched, 0);
}
END_TEST

START_TEST(pipeline_is_one_transaction)
{
	struct thing *a = add("a", 1), *t = NULL;
	int64_t count = -1, one = -1;

	db_pipe_begin(db);
	ck_assert_int_eq(thing_get(db, 1, a->id, arena, &t), RC_OK);
	ck_assert_int_eq(thing_count(db, 1, &count), RC_OK);
	ck_assert_ptr_null(t); /* not yet */
	ck_assert_int_eq(db_pipe_end(db), RC_OK);
	ck_assert_str_eq(t->name, "a");
	ck_assert_int_eq(count, 1);

	/* A failure undoes what stood before it, and fills nothing. */
	count = -1;
	db_pipe_begin(db);
	ck_assert_int_eq(thing_clear(db, 1, NULL), RC_OK);
	ck_assert_int_eq(thing_count(db, 1, &count), RC_OK);
	ck_assert_int_eq(thing_divide(db, 0, &one), RC_OK);
	ck_assert_int_eq(thing_count(db, 1, &count), RC_OK);
	ck_assert_int_eq(db_pipe_end(db), RC_INVALID);
	ck_assert_int_eq(count, -1);
	ck_assert_int_eq(thing_count(db, 1, &count), RC_OK);
	ck_assert_int_eq(count, 1);
}
END_TEST

START_TEST(long_pipeline)
{
	int64_t counts[1000];

	memset(counts, 0xff, sizeof counts);
	add("a", 1);
	db_pipe_begin(db);
	for (size_t i = 0; i < 1000; i++)
		ck_assert_int_eq(thing_count(db, 1, &counts[i]), RC_OK);
	ck_assert_int_eq(db_pipe_end(db), RC_OK);
	for (size_t i = 0; i < 1000; i++)
		ck_assert_int_eq(counts[i], 1);
}
END_TEST

START_TEST(guard_raises)
{
	int64_t count = -1;
	struct thing_actor *actor = NULL;

	add("a", 1);
	thing_guard(db, 1, "bad", arena, &actor);
	ck_assert_int_eq(thing_clear(db, 1, NULL), RC_UNAUTHORIZED);
	ck_assert_str_eq(fail_detail(), "The token is no good.");
	ck_assert_ptr_null(actor);
	/* Also where the one before was let through on this connection. */
	thing_guard(db, 1, "good", arena, &actor);
	ck_assert_int_eq(thing_count(db, 1, &count), RC_OK);
	ck_assert_int_eq(count, 1);
	ck_assert_int_eq(actor->account, 1);
	ck_assert_str_eq(actor->role, "member");
	thing_guard(db, 1, "bad", arena, &actor);
	count = -1;
	ck_assert_int_eq(thing_count(db, 1, &count), RC_UNAUTHORIZED);
	ck_assert_int_eq(count, -1);
}
END_TEST

START_TEST(guard_alone)
{
	struct thing_actor *actor = NULL;

	thing_guard(db, 2, "good", arena, &actor);
	db_pipe_begin(db);
	ck_assert_int_eq(db_pipe_end(db), RC_OK);
	ck_assert_int_eq(actor->account, 2);
	thing_guard(db, 2, "bad", arena, &actor);
	db_pipe_begin(db);
	ck_assert_int_eq(db_pipe_end(db), RC_UNAUTHORIZED);
}
END_TEST

START_TEST(security_shows_own_rows_only)
{
	int64_t count;

	add("a", 1);
	ck_assert_int_eq(thing_count_bare(db, 1, &count), RC_OK);
	ck_assert_int_eq(count, 1);
	thing_guard(db, 2, "good", NULL, NULL);
	/* The statement asks for account 1, the guard let account 2 in. */
	ck_assert_int_eq(thing_count(db, 1, &count), RC_OK);
	ck_assert_int_eq(count, 0);
	ck_assert_int_eq(thing_count_bare(db, 1, &count), RC_OK);
	ck_assert_int_eq(count, 0);
}
END_TEST

/* A statement that lies about its scope still finds nothing. */
START_TEST(unset_account_fails_closed)
{
	struct stmt liar = thing_count_bare_stmt;
	const struct arg args[] = { { .i = 1 } };
	int64_t count = -1;

	liar.global = "not at all";
	add("a", 1);
	db_guard_none(db);
	ck_assert_int_ne(db_call(db, &liar, args, NULL, &count, NULL), RC_OK);
	ck_assert_int_eq(count, -1);
}
END_TEST

START_TEST(nothing_is_set_for_the_session)
{
	int64_t changed;
	const char *value;

	add("a", 1);
	ck_assert_int_eq(thing_custom(db, 1, arena, &value), RC_OK);
	db_guard_none(db);
	ck_assert_int_eq(thing_changed(db, &changed), RC_OK);
	ck_assert_int_eq(changed, 0);
	ck_assert_int_eq(
	    thing_setting(db, "letterrack.account", arena, &value), RC_OK);
	ck_assert_str_eq(value, "");
}
END_TEST

START_TEST(unguarded_statement_dies)
{
	int64_t count;

	db_guard_none(db);
	ck_assert_int_eq(thing_count(db, 1, &count), RC_OK);
}
END_TEST

START_TEST(unknown_column_dies)
{
	struct thing *t;

	ck_assert_int_eq(thing_unknown(db, arena, &t), RC_OK);
}
END_TEST

START_TEST(wrong_type_dies)
{
	struct thing *t;

	ck_assert_int_eq(thing_mistyped(db, arena, &t), RC_OK);
}
END_TEST

START_TEST(prepare_finds_a_wrong_column)
{
	ck_assert_int_eq(db_prepare(db, &thing_unknown_stmt), RC_OK);
}
END_TEST

START_TEST(prepare_finds_a_wrong_table)
{
	struct stmt wrong = thing_count_stmt;
	int64_t n;

	wrong.name = "wrong";
	wrong.sql = "SELECT count(*) FROM nothing WHERE id = $1";
	ck_assert_int_eq(db_prepare(db, &wrong), RC_INTERNAL);
	ck_assert_int_eq(db_prepare(db, &thing_count_stmt), RC_OK);
	ck_assert_int_eq(thing_count(db, 1, &n), RC_OK);
}
END_TEST

START_TEST(plans)
{
	const char *mode, *after;

	db_pipe_begin(db);
	ck_assert_int_eq(thing_custom(db, 1, arena, &mode), RC_OK);
	ck_assert_int_eq(thing_plan(db, 1, arena, &after), RC_OK);
	ck_assert_int_eq(db_pipe_end(db), RC_OK);
	ck_assert_str_eq(mode, "force_custom_plan");
	ck_assert_str_eq(after, "force_generic_plan");
}
END_TEST

static const struct {
	const char *state;
	enum rc rc;
	const char *detail;
} states[] = {
	{ "LR401", RC_UNAUTHORIZED, "said so" },
	{ "LR403", RC_FORBIDDEN, "said so" },
	{ "LR404", RC_NOT_FOUND, "said so" },
	{ "LR409", RC_CONFLICT, "said so" },
	{ "LR410", RC_STALE, "said so" },
	{ "LR503", RC_RETRY, "said so" },
	{ "LR999", RC_INTERNAL, "said so" },
	{ "23505", RC_CONFLICT, "" },
	{ "23503", RC_NOT_FOUND, "" },
	{ "22P02", RC_INVALID, "" },
	{ "40001", RC_RETRY, "" },
	{ "40P01", RC_RETRY, "" },
	{ "53300", RC_RETRY, "" },
	{ "57014", RC_RETRY, "" },
	{ "42703", RC_INTERNAL, "" },
};

START_TEST(sqlstates)
{
	ck_assert_int_eq(
	    thing_raise(db, states[_i].state, "said so", NULL), states[_i].rc);
	ck_assert_str_eq(fail_detail(), states[_i].detail);
}
END_TEST

START_TEST(unique_violation_is_conflict)
{
	struct thing *t;
	struct thing_add_args in = {
		.account = 1, .name = "twice", .at = INSTANT_NONE
	};

	add("twice", 1);
	ck_assert_int_eq(thing_add(db, &in, arena, &t), RC_CONFLICT);
	in.name = "forbidden";
	ck_assert_int_eq(thing_add(db, &in, arena, &t), RC_INVALID);
}
END_TEST

START_TEST(nul_and_broken_text_are_refused)
{
	struct thing *t;
	struct thing_add_args in = { .account = 1,
		.name = "n",
		.at = INSTANT_NONE,
		.note = { "a\0b", 3 } };
	int before;

	add("a", 1);
	before = db_backend(db);
	ck_assert_int_eq(thing_add(db, &in, arena, &t), RC_INVALID);
	in.note = STR("\xff");
	ck_assert_int_eq(thing_add(db, &in, arena, &t), RC_INVALID);
	in.note = STR("");
	in.data = STR("{\"a\": \"\\u0000\"}");
	ck_assert_int_eq(thing_add(db, &in, arena, &t), RC_INVALID);
	in.data = STR("{");
	ck_assert_int_eq(thing_add(db, &in, arena, &t), RC_INVALID);
	/* It costs the caller its call, not everybody the connection. */
	ck_assert_int_eq(db_backend(db), before);
}
END_TEST

START_TEST(arrays)
{
	static const int64_t a[] = { 1, 0, INT64_MAX };
	static const int64_t b[] = { -1, INT64_MIN, 0 };
	static const int32_t c[] = { 5, INT32_MIN };
	static const int8_t d[] = { 1, -1, 0 };
	static const instant e[] = { { 0 }, { INT64_MIN } };
	static const struct str f[] = { { "x", 1 }, { NULL, 0 }, { "", 0 } };
	static const struct str g[] = { { "{}", 2 }, { NULL, 0 } };
	static const struct str h[] = { { "\0\1", 2 }, { NULL, 0 }, { "", 0 } };
	struct thing_arrays_args in = { { a, 3 }, { b, 3 }, { c, 2 }, { d, 3 },
		{ e, 2 }, { f, 3 }, { g, 2 }, { h, 3 } };
	struct thing_arrays *t;

	ck_assert_int_eq(thing_arrays(db, &in, arena, &t), RC_OK);
	ck_assert_uint_eq(t->ids.n, 3);
	ck_assert_int_eq(t->ids.v[0], 1);
	ck_assert_int_eq(t->ids.v[1], 0);
	ck_assert_int_eq(t->ids.v[2], INT64_MAX);
	ck_assert_str_eq(t->ints, "{-1,NULL,0}");
	ck_assert_str_eq(t->int4s, "{5,NULL}");
	ck_assert_str_eq(t->bools, "{t,NULL,f}");
	ck_assert_str_eq(t->times, "{\"1970-01-01 00:00:00+00\",NULL}");
	ck_assert_uint_eq(t->texts.n, 3);
	ck_assert(str_eq(t->texts.v[0], STR("x")));
	ck_assert_ptr_null(t->texts.v[1].p);
	ck_assert_ptr_nonnull(t->texts.v[2].p);
	ck_assert_str_eq(t->jsons, "{\"{}\",NULL}");
	ck_assert_str_eq(t->bytess, "{\"\\\\x0001\",NULL,\"\\\\x\"}");
	memset(&in, 0, sizeof in);
	ck_assert_int_eq(thing_arrays(db, &in, arena, &t), RC_OK);
	ck_assert_uint_eq(t->ids.n, 0);
	ck_assert_uint_eq(t->texts.n, 0);
	ck_assert_str_eq(t->ints, "{}");
}
END_TEST

START_TEST(nul_in_an_array_is_refused)
{
	static const struct str f[] = { { "x", 1 }, { "a\0b", 3 } };
	struct thing_arrays_args in = { .f = { f, 2 } };
	struct thing_arrays *t;

	ck_assert_int_eq(thing_arrays(db, &in, arena, &t), RC_INVALID);
}
END_TEST

#define BULK 1000

START_TEST(bulk)
{
	static char text[BULK][16];
	static struct str names[BULK], data[BULK], raw[BULK], notes[BULK];
	static int32_t numbers[BULK];
	static int8_t flags[BULK];
	static instant at[BULK];
	struct thing_bulk_args in = { .account = 1,
		.names = { names, BULK },
		.numbers = { numbers, BULK },
		.flags = { flags, BULK },
		.at = { at, BULK },
		.data = { data, BULK },
		.raw = { raw, BULK },
		.notes = { notes, BULK } };
	struct thing_list list;
	size_t n;

	for (int i = 0; i < BULK; i++) {
		snprintf(text[i], sizeof text[i], "bulk %d", i);
		names[i] = str_of(text[i]);
		numbers[i] = i;
		flags[i] = (int8_t)(i % 3 - 1);
		at[i].us = i % 2 ? INT64_MIN : i;
		data[i] = i % 5 ? STR("[1]") : (struct str){ NULL, 0 };
		raw[i] = (struct str){ text[i], (size_t)i % 9 };
		notes[i] = i % 7 ? names[i] : (struct str){ NULL, 0 };
	}
	ck_assert_int_eq(thing_bulk(db, &in, &n), RC_OK);
	ck_assert_uint_eq(n, BULK);
	ck_assert_int_eq(thing_list(db, 1, BULK, arena, &list), RC_OK);
	ck_assert_uint_eq(list.n, BULK);
	for (int i = 0; i < BULK; i++) {
		const struct thing *t = &list.v[i];

		ck_assert_str_eq(t->name, text[i]);
		ck_assert_int_eq(t->number, i);
		ck_assert_int_eq(t->flag, i % 3 == 2);
		ck_assert_int_eq(t->at.us, i % 2 ? INT64_MIN : i);
		ck_assert_int_eq(t->data.p == NULL, i % 5 == 0);
		ck_assert_uint_eq(t->raw.n, (size_t)i % 9);
		ck_assert_int_eq(t->note.p == NULL, i % 7 == 0);
	}
}
END_TEST

/* An arena that is full leaves by longjmp, from the middle of a pipeline. */
START_TEST(jump_out_of_a_pipeline)
{
	struct arena *small = arena_new(8192);
	struct thing_list list;
	int64_t count;
	jmp_buf out;

	for (int i = 0; i < 200; i++) {
		char name[16];

		snprintf(name, sizeof name, "j%d", i);
		add(name, i);
	}
	if (setjmp(out) == 0) {
		arena_guard(small, &out);
		ck_assert_int_eq(thing_list(db, 1, 200, small, &list), RC_OK);
		ck_abort_msg("it fitted");
	}
	arena_free(&small);
	ck_assert_int_eq(thing_count(db, 1, &count), RC_OK);
	ck_assert_int_eq(count, 200);
	db_pipe_begin(db);
	ck_assert_int_eq(thing_clear(db, 1, NULL), RC_OK);
	thing_guard(db, 1, "good", NULL, NULL); /* a new request begins */
	ck_assert_int_eq(thing_count(db, 1, &count), RC_OK);
	ck_assert_int_eq(count, 200);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("db");
	TCase *t = tcase_create("calls");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 20);
	tcase_add_test(t, one_gives_the_row);
	tcase_add_test(t, null_reads_as_nothing);
	tcase_add_test(t, cardinalities);
	tcase_add_test(t, pipeline_is_one_transaction);
	tcase_add_test(t, long_pipeline);
	tcase_add_test(t, guard_raises);
	tcase_add_test(t, guard_alone);
	tcase_add_test(t, security_shows_own_rows_only);
	tcase_add_test(t, unset_account_fails_closed);
	tcase_add_test(t, nothing_is_set_for_the_session);
	tcase_add_test_raise_signal(t, unguarded_statement_dies, SIGABRT);
	tcase_add_test_raise_signal(t, unknown_column_dies, SIGABRT);
	tcase_add_test_raise_signal(t, prepare_finds_a_wrong_column, SIGABRT);
	tcase_add_test(t, prepare_finds_a_wrong_table);
	tcase_add_test_raise_signal(t, wrong_type_dies, SIGABRT);
	tcase_add_test(t, plans);
	tcase_add_loop_test(
	    t, sqlstates, 0, (int)(sizeof states / sizeof *states));
	tcase_add_test(t, unique_violation_is_conflict);
	tcase_add_test(t, nul_and_broken_text_are_refused);
	tcase_add_test(t, arrays);
	tcase_add_test(t, nul_in_an_array_is_refused);
	tcase_add_test(t, bulk);
	tcase_add_test(t, jump_out_of_a_pipeline);
	suite_add_tcase(s, t);
	return s;
}

int
main(void)
{
	return fixture_main(suite);
}
