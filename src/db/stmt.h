/* Statements: what sql/typed.awk makes of sql/queries/<noun>.sql. */
#ifndef DB_STMT_H
#define DB_STMT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "db/row.h"

/* X(kind, type in the .sql file's args, PostgreSQL's type, its array of) */
enum arg_type {
	ARG_ACCOUNT,   /* int64_t, bigint; never 0 */
	ARG_ID,        /* int64_t, bigint */
	ARG_ID_NULL,   /* the same; 0 is NULL */
	ARG_INT,       /* int64_t, bigint */
	ARG_INT_NULL,  /* const int64_t * */
	ARG_INT4,      /* int32_t, integer */
	ARG_BOOL,      /* bool, boolean */
	ARG_BOOL_NULL, /* const bool * */
	ARG_TEXT,      /* const char *, text */
	ARG_TEXT_NULL, /* the same, may be NULL */
	ARG_STR,       /* struct str, text; p == NULL is NULL */
	ARG_JSON,      /* struct str, jsonb; p == NULL is NULL */
	ARG_BYTES,     /* struct str, bytea; p == NULL is NULL */
	ARG_TIME,      /* instant, timestamptz */
	ARG_TIME_NULL, /* the same; INSTANT_NONE is NULL */
	ARG_IDS,       /* struct ids, bigint[] */
	ARG_INTS,      /* struct ints, bigint[] */
	ARG_INT4S,     /* struct int4s, integer[] */
	ARG_BOOLS,     /* struct bools, boolean[] */
	ARG_TIMES,     /* struct instants, timestamptz[] */
	ARG_TEXTS,     /* struct texts, text[] */
	ARG_JSONS,     /* struct texts, jsonb[] */
	ARG_BYTESS,    /* struct texts, bytea[] */
	ARG_TYPES
};

struct arg {
	union {
		int64_t i; /* ACCOUNT ID ID_NULL INT INT4 BOOL */
		const int64_t *ip;
		const bool *bp;
		const char *text;
		struct str str; /* STR JSON BYTES */
		instant time;
		struct ids ids;
		struct ints ints;
		struct int4s int4s;
		struct bools bools;
		struct instants times;
		struct texts texts; /* TEXTS JSONS BYTESS */
	};
};

enum stmt_card {
	STMT_ONE,   /* a row, or RC_NOT_FOUND */
	STMT_MAYBE, /* a row, or NULL */
	STMT_MANY,  /* rows, side by side */
	STMT_EXEC,  /* the number of rows touched */
	STMT_MUST,  /* the same; RC_NOT_FOUND where it is 0 */
	STMT_VALUE, /* one value of one row, or RC_NOT_FOUND */
	STMT_GUARD, /* given to db_guard, never called */
};

struct stmt {
	const char *name; /* the C function's, and the server's */
	const char *from; /* "task.sql:12" */
	const char *sql;
	const enum arg_type *args;
	size_t nargs;
	enum stmt_card card;
	const struct col *row; /* NULL: none */
	size_t row_size;
	enum col_type value; /* of STMT_VALUE */
	const char *global;  /* why it has no account; NULL: it has */
	bool custom;         /* planned with its values each time */
};

#endif
