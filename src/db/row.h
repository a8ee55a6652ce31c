/* Rows: one list of columns decodes a row and writes it as JSON.
 *
 * A row is a plain struct; its columns are matched by name to what a
 * statement returns. A column that a statement does not return, and SQL NULL,
 * read as 0, false, NULL or INSTANT_NONE. Text, JSON, bytes and arrays of text
 * are borrowed from the result, which lives as long as the arena given to the
 * call. */
#ifndef DB_ROW_H
#define DB_ROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/clock.h"
#include "core/json.h"
#include "core/text.h"
#include "db/ids.h"

/* Arrays, as arguments and as columns. Which element stands for NULL: */
struct ids { /* bigint[]; 0 */
	const int64_t *v;
	size_t n;
};
struct ints { /* bigint[]; INT64_MIN */
	const int64_t *v;
	size_t n;
};
struct int4s { /* integer[]; INT32_MIN */
	const int32_t *v;
	size_t n;
};
struct bools { /* boolean[], 0 and 1; -1 */
	const int8_t *v;
	size_t n;
};
struct instants { /* timestamptz[]; INSTANT_NONE */
	const instant *v;
	size_t n;
};
struct texts { /* text[], jsonb[], bytea[]; p == NULL */
	const struct str *v;
	size_t n;
};

enum col_type {
	COL_END_,   /* ends a list */
	COL_INT_,   /* int64_t: bigint, integer, smallint, xid8 */
	COL_INT4_,  /* int32_t: integer, smallint */
	COL_BOOL_,  /* bool: boolean */
	COL_TEXT_,  /* const char *: text, varchar, enum types */
	COL_STR_,   /* struct str: the same, with its length */
	COL_TIME_,  /* instant: timestamptz */
	COL_JSON_,  /* struct str: json, jsonb; written as it is */
	COL_BYTES_, /* struct str: bytea; never written */
	COL_IDS_,   /* struct ids: bigint[] */
	COL_TEXTS_, /* struct texts: text[] */
	COL_TYPES
};

struct col {
	const char *name; /* of the SQL column and of the JSON member */
	const char *key;  /* "name": as JSON has it, with quotes and colon */
	size_t key_n;
	enum col_type type;
	size_t offset;
	enum id_kind id;  /* of COL_INT_ and COL_IDS_ */
	bool zero_null;   /* 0 is written as null */
	bool content;     /* viewers get null: body text, snippet, payload */
	bool hidden;      /* decoded, never written */
	const char *note; /* for the manual; may be NULL */
};

/* Members behind the field may follow by name:
 *   COL(struct email, snippet, .content = true, .note = "First words.") */
#define COL(S, f, ...) COL_OF_(S, f, #f, COL_TYPE_(S, f), __VA_ARGS__)
/* Where the name is no C name, or is taken: COL_AS(struct x, dflt, "default")
 */
#define COL_AS(S, f, as, ...) COL_OF_(S, f, as, COL_TYPE_(S, f), __VA_ARGS__)
#define COL_ID(S, f, kind, ...)                                                \
	COL_OF_(S, f, #f, COL_TYPE_(S, f), .id = (kind), __VA_ARGS__)
#define COL_INT0(S, f, ...)                                                    \
	COL_OF_(S, f, #f, COL_TYPE_(S, f), .zero_null = true, __VA_ARGS__)
#define COL_JSON(S, f, ...)  COL_OF_(S, f, #f, COL_JSON_, __VA_ARGS__)
#define COL_STR(S, f, ...)   COL_OF_(S, f, #f, COL_STR_, __VA_ARGS__)
#define COL_BYTES(S, f, ...) COL_OF_(S, f, #f, COL_BYTES_, __VA_ARGS__)
#define COL_END                                                                \
	{                                                                      \
		.type = COL_END_                                               \
	}

#define COL_OF_(S, f, as, kind, ...)                                           \
	{                                                                      \
		.name = (as),                                                  \
		.key = "\"" as "\":", .key_n = sizeof("\"" as "\":") - 1,      \
		.type = (kind), .offset = offsetof(S, f), __VA_ARGS__          \
	}
/* struct str has no guess: say COL_JSON, COL_STR or COL_BYTES. */
#define COL_TYPE_(S, f)                                                        \
	_Generic(((S *)0)->f, int64_t : COL_INT_, int32_t : COL_INT4_,         \
	    bool : COL_BOOL_, const char * : COL_TEXT_, instant : COL_TIME_,   \
	    struct ids : COL_IDS_, struct texts : COL_TEXTS_)

#define COL_EACH(c, cols)                                                      \
	for (const struct col *c = (cols); c->type != COL_END_; c++)

/* How an envelope writes rows. */
struct row_style {
	bool prefixed; /* ids as "tsk_12"; else as 12 */
	enum time_form time;
	bool viewer; /* columns marked `content` are null */
};

/* One object; row == NULL writes null. */
void row_write(
    struct jw *, const struct col *, const void *row, const struct row_style *);

/* Its members only, into an object that is open: for answers that add some. */
void row_members(
    struct jw *, const struct col *, const void *row, const struct row_style *);

/* An array of `n` rows of `size` bytes each. */
void rows_write(struct jw *, const struct col *, const void *rows, size_t n,
    size_t size, const struct row_style *);

#endif
