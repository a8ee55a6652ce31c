/* Tables of cases by number; the failure names its row. */
#ifndef TESTS_MAIL_ROWS_H
#define TESTS_MAIL_ROWS_H

#include <stdlib.h>

#include "core/arena.h"
#include "core/text.h"
#include "lib/unit.h"

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

#define SAME_TEXT(row, got, want)                                              \
	ck_assert_msg(str_eq((got), (want)),                                   \
	    "row %zu: got \"%.*s\", want \"%.*s\"", (size_t)(row),             \
	    STR_FMT(got), STR_FMT(want))

#endif
