#include "db/decode.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "core/log.h"

#define EPOCH_US   INT64_C(946684800000000) /* 2000-01-01 since 1970 */
#define OID_USER   16384u /* enum types, citext: sent as text */
#define ARRAY_HEAD 20

/* How to read a wire value into a member. */
enum step_op {
	STEP_INT8,
	STEP_INT4_INT, /* integer into int64_t */
	STEP_INT2_INT,
	STEP_INT4,
	STEP_INT2_INT4,
	STEP_BOOL,
	STEP_TEXT,
	STEP_STR, /* also json, bytea */
	STEP_JSONB,
	STEP_TIME,
	STEP_IDS,
	STEP_TEXTS,
};

static const struct {
	enum col_type type;
	Oid oid;
	enum step_op op;
} pairs[] = {
	{ COL_INT_, 20, STEP_INT8 },
	{ COL_INT_, 5069, STEP_INT8 }, /* xid8 */
	{ COL_INT_, 23, STEP_INT4_INT },
	{ COL_INT_, 21, STEP_INT2_INT },
	{ COL_INT4_, 23, STEP_INT4 },
	{ COL_INT4_, 21, STEP_INT2_INT4 },
	{ COL_BOOL_, 16, STEP_BOOL },
	{ COL_TEXT_, 25, STEP_TEXT },
	{ COL_TEXT_, 1043, STEP_TEXT }, /* varchar */
	{ COL_TEXT_, 19, STEP_TEXT },   /* name */
	{ COL_STR_, 25, STEP_STR },
	{ COL_STR_, 1043, STEP_STR },
	{ COL_TIME_, 1184, STEP_TIME }, /* timestamptz */
	{ COL_JSON_, 114, STEP_STR },
	{ COL_JSON_, 25, STEP_STR }, /* JSON of our own, kept as text */
	{ COL_JSON_, 3802, STEP_JSONB },
	{ COL_BYTES_, 17, STEP_STR },
	{ COL_IDS_, 1016, STEP_IDS },
	{ COL_TEXTS_, 1009, STEP_TEXTS },
};

struct step {
	int column;
	enum step_op op;
	size_t offset;
};

struct decode {
	bool borrows;
	size_t n, blanks_n;
	struct step *steps;
	size_t *blanks; /* instants that no column fills */
};

static bool
step_op(enum col_type type, Oid oid, enum step_op *op)
{
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		if (pairs[i].type == type && pairs[i].oid == oid) {
			*op = pairs[i].op;
			return true;
		}
	}
	if (oid < OID_USER || (type != COL_TEXT_ && type != COL_STR_))
		return false;
	*op = type == COL_TEXT_ ? STEP_TEXT : STEP_STR;
	return true;
}

static bool
op_borrows(enum step_op op)
{
	return op == STEP_TEXT || op == STEP_STR || op == STEP_JSONB ||
	    op == STEP_TEXTS;
}

static void
add_step(struct decode *d, const struct stmt *stmt, const PGresult *res,
    int column, enum col_type type, size_t offset)
{
	struct step *s = &d->steps[d->n++];

	*s = (struct step){ column, STEP_INT8, offset };
	if (!step_op(type, PQftype(res, column), &s->op))
		die("%s (%s): column %s has type %u, which its member cannot "
		    "hold",
		    stmt->name, stmt->from, PQfname(res, column),
		    PQftype(res, column));
	d->borrows |= op_borrows(s->op);
}

static const struct col *
col_named(const struct col *cols, const char *name)
{
	COL_EACH (c, cols) {
		if (strcmp(c->name, name) == 0)
			return c;
	}
	return NULL;
}

static void
match_columns(struct decode *d, const struct stmt *stmt, const PGresult *res)
{
	for (int i = 0; i < PQnfields(res); i++) {
		const struct col *c = col_named(stmt->row, PQfname(res, i));

		if (c == NULL)
			die("%s (%s): no member for column %s", stmt->name,
			    stmt->from, PQfname(res, i));
		add_step(d, stmt, res, i, c->type, c->offset);
	}
	COL_EACH (c, stmt->row) {
		if (c->type == COL_TIME_ && PQfnumber(res, c->name) < 0)
			d->blanks[d->blanks_n++] = c->offset;
	}
}

static void *
must_alloc(size_t n, size_t size)
{
	void *p = calloc(n + 1, size);

	if (p == NULL)
		die("out of memory");
	return p;
}

struct decode *
decode_new(const struct stmt *stmt, const PGresult *res)
{
	struct decode *d = must_alloc(1, sizeof *d);
	size_t blanks = 0;

	d->steps = must_alloc((size_t)PQnfields(res), sizeof *d->steps);
	if (stmt->card == STMT_VALUE) {
		if (PQnfields(res) != 1)
			die("%s (%s): :value has %d columns", stmt->name,
			    stmt->from, PQnfields(res));
		add_step(d, stmt, res, 0, stmt->value, 0);
		return d;
	}
	COL_EACH (c, stmt->row) {
		blanks++;
	}
	d->blanks = must_alloc(blanks, sizeof *d->blanks);
	match_columns(d, stmt, res);
	return d;
}

void
decode_free(struct decode **d)
{
	if (*d == NULL)
		return;
	free((*d)->steps);
	free((*d)->blanks);
	free(*d);
	*d = NULL;
}

bool
decode_borrows(const struct decode *d)
{
	return d->borrows;
}

/* ---- values ---- */

static int16_t
get2(const char *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof v);
	return (int16_t)be16toh(v);
}

static int32_t
get4(const char *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof v);
	return (int32_t)be32toh(v);
}

static int64_t
get8(const char *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof v);
	return (int64_t)be64toh(v);
}

/* Both infinities lie outside of what an instant can say: the later one
 * becomes the last instant, the earlier one is none. */
static instant
get_time(const char *p)
{
	instant t;
	int64_t us = get8(p);

	if (us == INT64_MIN)
		return INSTANT_NONE;
	if (__builtin_add_overflow(us, EPOCH_US, &t.us))
		t.us = INT64_MAX;
	return t;
}

/* Number of elements of a one-dimensional array, and where they begin. */
static size_t
array_begin(const char **p)
{
	int dimensions = get4(*p);

	if (dimensions == 0)
		return 0;
	if (dimensions != 1)
		die("an array of %d dimensions", dimensions);
	size_t n = (size_t)get4(*p + 12);
	*p += ARRAY_HEAD;
	return n;
}

static struct ids
get_ids(const char *p, struct arena *arena)
{
	size_t n = array_begin(&p);
	int64_t *v = ARENA_ARRAY(arena, int64_t, n);

	for (size_t i = 0; i < n; i++) {
		int32_t length = get4(p);

		p += 4;
		if (length != 8)
			continue; /* NULL */
		v[i] = get8(p);
		p += 8;
	}
	return (struct ids){ v, n };
}

static struct texts
get_texts(const char *p, struct arena *arena)
{
	size_t n = array_begin(&p);
	struct str *v = ARENA_ARRAY(arena, struct str, n);

	for (size_t i = 0; i < n; i++) {
		int32_t length = get4(p);

		p += 4;
		if (length < 0)
			continue; /* NULL */
		v[i] = (struct str){ p, (size_t)length };
		p += length;
	}
	return (struct texts){ v, n };
}

/* A value that is not NULL and `n` bytes long. */
static void
read_value(
    enum step_op op, const char *p, size_t n, struct arena *arena, void *to)
{
	switch (op) {
	case STEP_INT8: *(int64_t *)to = get8(p); break;
	case STEP_INT4_INT: *(int64_t *)to = get4(p); break;
	case STEP_INT2_INT: *(int64_t *)to = get2(p); break;
	case STEP_INT4: *(int32_t *)to = get4(p); break;
	case STEP_INT2_INT4: *(int32_t *)to = get2(p); break;
	case STEP_BOOL: *(bool *)to = *p != 0; break;
	case STEP_TEXT: *(const char **)to = p; break;
	case STEP_STR: *(struct str *)to = (struct str){ p, n }; break;
	case STEP_JSONB: /* behind the version byte */
		*(struct str *)to = (struct str){ p + 1, n - 1 };
		break;
	case STEP_TIME: *(instant *)to = get_time(p); break;
	case STEP_IDS: *(struct ids *)to = get_ids(p, arena); break;
	case STEP_TEXTS: *(struct texts *)to = get_texts(p, arena); break;
	}
}

void
decode_row(const struct decode *d, const PGresult *res, int row,
    struct arena *arena, void *out)
{
	for (size_t i = 0; i < d->n; i++) {
		const struct step *s = &d->steps[i];
		void *to = (char *)out + s->offset;
		size_t n = (size_t)PQgetlength(res, row, s->column);

		/* NULL has no length, and only text may be empty besides. */
		if (n != 0 || !PQgetisnull(res, row, s->column))
			read_value(s->op, PQgetvalue(res, row, s->column), n,
			    arena, to);
		else if (s->op == STEP_TIME)
			*(instant *)to = INSTANT_NONE;
	}
	for (size_t i = 0; i < d->blanks_n; i++)
		*(instant *)((char *)out + d->blanks[i]) = INSTANT_NONE;
}
