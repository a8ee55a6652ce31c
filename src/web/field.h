/* Fields: what a JSON body, a query string or an answer consists of, as rows.
 *
 * One row says name, kind, range and place in a struct. body.c and params.c
 * fill the struct from it, openapi.c prints it, the tests read it. What a
 * handler finds has passed its row; it checks no shape again.
 *
 *	struct task_new { const char *task_type; int64_t priority; };
 *	static const struct field task_new_body[] = {
 *		F_TEXT(struct task_new, task_type, 1, 64, REQUIRED),
 *		F_INT(struct task_new, priority, 0, 9, OPTIONAL, PRESET(5)),
 *		F_END
 *	};
 */
#ifndef WEB_FIELD_H
#define WEB_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/clock.h"
#include "core/secret.h"
#include "core/text.h"
#include "db/ids.h"
#include "db/row.h"

enum field_kind {
	FIELD_END,
	FIELD_TEXT,   /* const char *: UTF-8, no NUL; NULL where absent */
	FIELD_INT,    /* int64_t */
	FIELD_BOOL,   /* bool */
	FIELD_ENUM,   /* int: index into `words`; -1 where absent, no preset */
	FIELD_TIME,   /* instant; INSTANT_NONE where absent */
	FIELD_ID,     /* int64_t: 7 or "tsk_7"; 0 where absent */
	FIELD_SECRET, /* struct secret; never echoed, never logged */
	FIELD_EMAIL,  /* const char *: one address, local@domain */
	FIELD_JSON,   /* struct str: any JSON value as text; p NULL where absent
		       */
	FIELD_OBJECT, /* T *: of its own rows; NULL where absent */
	FIELD_ARRAY,  /* struct items of T: objects of their own rows */
	FIELD_LIST, /* struct ids of INT and ID, struct texts of TEXT and EMAIL,
		     * struct items of int of ENUM */
	FIELD_NUMBER, /* answers only: a JSON number with a fraction */
};

enum field_flag {
	OPTIONAL = 0,
	REQUIRED = 1 << 0,
	NULLABLE = 1 << 1,    /* null is a value: GIVEN() and IS_NULL() tell */
	ONE_OR_MANY = 1 << 2, /* LIST: a bare scalar counts as a list of one */
	CLAMP = 1 << 3,       /* INT: a value beyond `most` is lowered to it */
	PAGING = 1 << 4,      /* does not change which rows a list holds */
	WRITE_ONLY = 1 << 5,
	BLANK_OK = 1 << 6, /* TEXT: may consist of blanks */
	LINES_OK = 1 << 7, /* TEXT: may hold CR, LF, HT; else refused */
	MAY_LACK = 1 << 8, /* answers: the member may be absent */
};

/* An array as it came; at most `most` of its row. */
struct items {
	void *p; /* in the request's arena */
	size_t n;
};
#define ITEM(type, items, i) (((type *)(items)->p)[i])

struct field {
	enum field_kind kind;
	unsigned flags;
	const char *name;
	size_t offset;
	/* TEXT, SECRET: characters; INT: value; ARRAY, LIST: elements;
	 * JSON: bytes */
	int64_t least, most;
	const char *const *words; /* ENUM: NULL-terminated */
	enum id_kind id;          /* ID */
	const struct field *of;   /* OBJECT, ARRAY: rows; LIST: one row */
	size_t size;              /* OBJECT, ARRAY: sizeof(T) */
	int64_t preset;           /* INT, BOOL, ENUM where absent */
	bool has_preset;
	const char *about; /* a sentence for the manual */
};

/* clang-format off */
/* Behind the flags more may follow: PRESET(5), .about = "…". */
#define PRESET(v) .preset = (v), .has_preset = true
#define F_TEXT(T, m, lo, hi, ...) \
	{ .kind = FIELD_TEXT, .name = #m, .offset = offsetof(T, m), \
	  .least = (lo), .most = (hi), .flags = __VA_ARGS__ }
#define F_INT(T, m, lo, hi, ...) \
	{ .kind = FIELD_INT, .name = #m, .offset = offsetof(T, m), \
	  .least = (lo), .most = (hi), .flags = __VA_ARGS__ }
#define F_BOOL(T, m, ...) \
	{ .kind = FIELD_BOOL, .name = #m, .offset = offsetof(T, m), \
	  .flags = __VA_ARGS__ }
#define F_ENUM(T, m, list, ...) \
	{ .kind = FIELD_ENUM, .name = #m, .offset = offsetof(T, m), \
	  .words = (list), .flags = __VA_ARGS__ }
#define F_TIME(T, m, ...) \
	{ .kind = FIELD_TIME, .name = #m, .offset = offsetof(T, m), \
	  .flags = __VA_ARGS__ }
#define F_ID(T, m, what, ...) \
	{ .kind = FIELD_ID, .name = #m, .offset = offsetof(T, m), \
	  .id = (what), .flags = __VA_ARGS__ }
#define F_SECRET(T, m, lo, hi, ...) \
	{ .kind = FIELD_SECRET, .name = #m, .offset = offsetof(T, m), \
	  .least = (lo), .most = (hi), .flags = WRITE_ONLY | __VA_ARGS__ }
#define F_EMAIL(T, m, ...) \
	{ .kind = FIELD_EMAIL, .name = #m, .offset = offsetof(T, m), \
	  .least = 3, .most = 320, .flags = __VA_ARGS__ }
#define F_JSON(T, m, hi, ...) \
	{ .kind = FIELD_JSON, .name = #m, .offset = offsetof(T, m), \
	  .most = (hi), .flags = __VA_ARGS__ }
#define F_OBJECT(T, m, inner, ...) \
	{ .kind = FIELD_OBJECT, .name = #m, .offset = offsetof(T, m), \
	  .of = inner##_body, .size = sizeof(struct inner), \
	  .flags = __VA_ARGS__ }
#define F_ARRAY(T, m, lo, hi, inner, ...) \
	{ .kind = FIELD_ARRAY, .name = #m, .offset = offsetof(T, m), \
	  .least = (lo), .most = (hi), .of = inner##_body, \
	  .size = sizeof(struct inner), .flags = __VA_ARGS__ }
#define F_LIST(T, m, lo, hi, item, ...) \
	{ .kind = FIELD_LIST, .name = #m, .offset = offsetof(T, m), \
	  .least = (lo), .most = (hi), .of = (item), .flags = __VA_ARGS__ }
#define F_END { .kind = FIELD_END }

/* Rows of answers that are written by hand: name, kind and flags (0, NULLABLE,
 * MAY_LACK), no struct. */
#define A_(k, n, ...) { .kind = (k), .name = (n), .flags = __VA_ARGS__ }
#define A_TEXT(n, ...) A_(FIELD_TEXT, n, __VA_ARGS__)
#define A_INT(n, ...) A_(FIELD_INT, n, __VA_ARGS__)
#define A_NUMBER(n, ...) A_(FIELD_NUMBER, n, __VA_ARGS__)
#define A_BOOL(n, ...) A_(FIELD_BOOL, n, __VA_ARGS__)
#define A_TIME(n, ...) A_(FIELD_TIME, n, __VA_ARGS__)
#define A_ENUM(n, list, ...) \
	{ .kind = FIELD_ENUM, .name = (n), .words = (list), .flags = __VA_ARGS__ }
#define A_ID(n, what, ...) \
	{ .kind = FIELD_ID, .name = (n), .id = (what), .flags = __VA_ARGS__ }
#define A_JSON(n, ...) A_(FIELD_JSON, n, __VA_ARGS__)
#define A_OBJECT(n, rows, ...) \
	{ .kind = FIELD_OBJECT, .name = (n), .of = (rows), .flags = __VA_ARGS__ }
#define A_ARRAY(n, rows, ...) \
	{ .kind = FIELD_ARRAY, .name = (n), .of = (rows), .flags = __VA_ARGS__ }
#define A_LIST(n, row, ...) \
	{ .kind = FIELD_LIST, .name = (n), .of = (row), .flags = __VA_ARGS__ }
/* clang-format on */

/* The page of a list: embed `struct page page` and put F_PAGE among the rows;
 * `size` is the document's default limit. */
struct page {
	int64_t limit, offset;
	const char *cursor; /* NULL: from `offset` on; see web/cursor.h */
};
#define PAGE_MOST 200
#define F_PAGE(T, preset_limit)                                                \
	{ .kind = FIELD_INT,                                                   \
		.name = "limit",                                               \
		.least = 1,                                                    \
		.most = PAGE_MOST,                                             \
		.offset = offsetof(T, page.limit),                             \
		.flags = CLAMP | PAGING,                                       \
		PRESET(preset_limit),                                          \
		.about = "Rows of a page." },                                  \
	    { .kind = FIELD_INT,                                               \
		    .name = "offset",                                          \
		    .most = 1000000000,                                        \
		    .offset = offsetof(T, page.offset),                        \
		    .flags = PAGING,                                           \
		    .about = "Rows to skip; prefer cursor." },                 \
	{                                                                      \
		.kind = FIELD_TEXT, .name = "cursor", .least = 1,              \
		.most = 1024, .offset = offsetof(T, page.cursor),              \
		.flags = PAGING, .about = "next_cursor of the page before."    \
	}

/* A struct and the rows that fill it. */
struct shape {
	const struct field *rows; /* NULL: none */
	size_t size;
};

#define FIELDS_MOST 64 /* a bit each in `given` */

#endif
