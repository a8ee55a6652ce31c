/* Rows of the database layer's tests. */
#ifndef TESTS_DB_THING_H
#define TESTS_DB_THING_H

#include "db/row.h"

struct thing {
	int64_t id;
	int64_t account_id;
	const char *name;
	int32_t number;
	bool flag;
	instant at;
	struct str data;
	struct str raw;
	struct str note;
};
extern const struct col thing_cols[];

struct thing_actor {
	int64_t account;
	const char *role;
};
extern const struct col thing_actor_cols[];

struct thing_arrays {
	struct ids ids;
	const char *ints, *int4s, *bools, *times;
	struct texts texts;
	const char *jsons, *bytess;
};
extern const struct col thing_arrays_cols[];

#endif
