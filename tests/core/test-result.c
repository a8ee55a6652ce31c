#include "core/result.h"

#include <string.h>

#include "core/text.h"
#include "lib/unit.h"

START_TEST(rows_are_whole)
{
	for (int i = 0; i < RC_COUNT; i++) {
		const struct result *r = result_row((enum rc)i);

		ROW(r->name, r->status[0] >= 200 && r->status[0] < 600);
		ROW(r->name, r->status[1] >= 200 && r->status[1] < 600);
		for (int w = 0; w < 3; w++)
			ROW(r->name, r->word[w] != NULL && r->word[w][0]);
		ROW(r->name, r->text != NULL && r->text[0] != '\0');
	}
	ck_assert_str_eq(result_row((enum rc)9999)->name, "INTERNAL");
}
END_TEST

START_TEST(envelopes_choose_columns)
{
	static const struct {
		enum envelope envelope;
		int status;
		const char *word, *sign_in;
	} rows[] = {
		{ ENV_DATA, 422, "validation_failed", "unauthorized" },
		{ ENV_RAW, 422, "validation_failed", "unauthorized" },
		{ ENV_SUCCESS, 400, "VALIDATION_ERROR", "UNAUTHORIZED" },
		{ ENV_OK, 400, "VALIDATION_ERROR", "AUTH_REQUIRED" },
		{ ENV_PAGE, 400, "validation_failed", "unauthorized" },
	};

	ARRAY_EACH (row, rows) {
		ck_assert_int_eq(
		    result_status(RC_INVALID, row->envelope), row->status);
		ck_assert_str_eq(
		    result_word(RC_INVALID, row->envelope), row->word);
		ck_assert_str_eq(
		    result_word(RC_UNAUTHORIZED, row->envelope), row->sign_in);
	}
	ck_assert_str_eq(result_code(RC_TIMEOUT), "transient_timeout");
}
END_TEST

START_TEST(only_some_pass_by_themselves)
{
	ck_assert(result_is_transient(RC_TIMEOUT));
	ck_assert(result_is_transient(RC_CONNECTION));
	ck_assert(result_is_transient(RC_RETRY));
	ck_assert(!result_is_transient(RC_AUTH_FAILED));
	ck_assert(!result_is_transient(RC_CONFIG_TLS));
	ck_assert(!result_is_transient(RC_OK));
}
END_TEST

static enum rc
twice(enum rc first, int *reached)
{
	TRY(first);
	*reached = 1;
	return RC_CONFLICT;
}

START_TEST(try_passes_failures_up)
{
	int reached = 0;

	ck_assert_int_eq(twice(RC_FORBIDDEN, &reached), RC_FORBIDDEN);
	ck_assert_int_eq(reached, 0);
	ck_assert_int_eq(twice(RC_OK, &reached), RC_CONFLICT);
	ck_assert_int_eq(reached, 1);
}
END_TEST

START_TEST(detail_is_bounded_and_plain)
{
	char longer[600];

	ck_assert_str_eq(fail_detail(), "");
	ck_assert_int_eq(fail(RC_TIMEOUT, "a\r\nb\x1b[0m %d", 7), RC_TIMEOUT);
	ck_assert_str_eq(fail_detail(), "a  b [0m 7");
	fail(RC_TIMEOUT, "again: %s", fail_detail());
	ck_assert_str_eq(fail_detail(), "again: a  b [0m 7");
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	fail(RC_TIMEOUT, "%s", longer);
	ck_assert_uint_eq(strlen(fail_detail()), 511);
	fail(RC_TIMEOUT, "%.510s\xe2\x82\xac", longer);
	ck_assert_uint_eq(strlen(fail_detail()), 510);
	fail(RC_TIMEOUT, "%.508s\xe2\x82\xac", longer);
	ck_assert_uint_eq(strlen(fail_detail()), 511);
	ck_assert(utf8_valid(fail_detail(), 511));
	fail_clear();
	ck_assert_str_eq(fail_detail(), "");
}
END_TEST

START_TEST(codes_name_their_results)
{
	for (enum rc rc = 0; rc < RC_COUNT; rc++)
		ck_assert_str_eq(result_code(result_of_code(result_code(rc))),
		    result_code(rc));
	ck_assert_int_eq(result_of_code("recipient_rejected"), RC_RECIPIENT);
	ck_assert_int_eq(result_of_code("nonsense"), RC_INTERNAL);
}
END_TEST

UNIT_MAIN("core/result", UNIT(codes_name_their_results), UNIT(rows_are_whole),
    UNIT(envelopes_choose_columns), UNIT(only_some_pass_by_themselves),
    UNIT(try_passes_failures_up), UNIT(detail_is_bounded_and_plain))
