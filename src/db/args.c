/* Arguments: C values to PostgreSQL's binary parameters.
 *
 * Text is sent from where it lies; everything else goes through one buffer
 * that is kept, sized before it is filled, so that arrays of a thousand
 * elements cost no allocation of their own. */
#include "db/inside.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

#define OID_BOOL        16u
#define OID_BYTEA       17u
#define OID_INT8        20u
#define OID_INT4        23u
#define OID_TEXT        25u
#define OID_TIMESTAMPTZ 1184u
#define OID_JSONB       3802u

#define EPOCH_US        INT64_C(946684800000000) /* 2000-01-01 since 1970 */
#define JSONB_MARK      1 /* version byte before jsonb's text */
#define NULL_ARG        (-1)

/* X(kind, type, element's type or 0, encoder) */
#define ARG_LIST(X)                                                            \
	X(ACCOUNT, OID_INT8, 0, account)                                       \
	X(ID, OID_INT8, 0, int8)                                               \
	X(ID_NULL, OID_INT8, 0, id_null)                                       \
	X(INT, OID_INT8, 0, int8)                                              \
	X(INT_NULL, OID_INT8, 0, int_null)                                     \
	X(INT4, OID_INT4, 0, int4)                                             \
	X(BOOL, OID_BOOL, 0, bool)                                             \
	X(BOOL_NULL, OID_BOOL, 0, bool_null)                                   \
	X(TEXT, OID_TEXT, 0, text)                                             \
	X(TEXT_NULL, OID_TEXT, 0, text_null)                                   \
	X(STR, OID_TEXT, 0, str)                                               \
	X(JSON, OID_JSONB, 0, json)                                            \
	X(BYTES, OID_BYTEA, 0, bytes)                                          \
	X(TIME, OID_TIMESTAMPTZ, 0, time)                                      \
	X(TIME_NULL, OID_TIMESTAMPTZ, 0, time_null)                            \
	X(IDS, 1016u, OID_INT8, ids)                                           \
	X(INTS, 1016u, OID_INT8, ints)                                         \
	X(INT4S, 1007u, OID_INT4, int4s)                                       \
	X(BOOLS, 1000u, OID_BOOL, bools)                                       \
	X(TIMES, 1185u, OID_TIMESTAMPTZ, times)                                \
	X(TEXTS, 1009u, OID_TEXT, texts)                                       \
	X(JSONS, 3807u, OID_JSONB, texts)                                      \
	X(BYTESS, 1001u, OID_BYTEA, texts)

struct slot {
	const char *direct; /* NULL: in the buffer, at `at` */
	size_t at;
	int length; /* NULL_ARG: NULL */
};

typedef enum rc
encoder(struct buf *, unsigned element, const struct arg *, struct slot *);

static void
put4(char *p, uint32_t v)
{
	v = htobe32(v);
	memcpy(p, &v, sizeof v);
}

static void
put8(char *p, int64_t v)
{
	uint64_t u = htobe64((uint64_t)v);

	memcpy(p, &u, sizeof u);
}

/* Room for an argument of `n` bytes. */
static char *
slot_room(struct buf *b, size_t n, struct slot *s)
{
	char *p = n > INT32_MAX ? NULL : buf_room(b, n);

	if (p == NULL)
		return NULL;
	s->at = b->n;
	s->length = (int)n;
	buf_wrote(b, n);
	return p;
}

static enum rc
too_large(void)
{
	return fail(RC_TOO_LARGE, "an argument is too large");
}

static enum rc
no_nul(struct str s)
{
	if (s.n != 0 && memchr(s.p, '\0', s.n) != NULL)
		return fail(RC_INVALID, "text holds a NUL character");
	return RC_OK;
}

/* ---- scalars ---- */

static enum rc
put_int8(struct buf *b, int64_t v, struct slot *s)
{
	char *p = slot_room(b, 8, s);

	if (p == NULL)
		return too_large();
	put8(p, v);
	return RC_OK;
}

static enum rc
encode_int8(
    struct buf *b, unsigned element, const struct arg *a, struct slot *s)
{
	(void)element;
	return put_int8(b, a->i, s);
}

static enum rc
encode_account(
    struct buf *b, unsigned element, const struct arg *a, struct slot *s)
{
	assert(a->i > 0);
	return encode_int8(b, element, a, s);
}

static enum rc
encode_id_null(
    struct buf *b, unsigned element, const struct arg *a, struct slot *s)
{
	return a->i == 0 ? RC_OK : encode_int8(b, element, a, s);
}

static enum rc
encode_int_null(
    struct buf *b, unsigned element, const struct arg *a, struct slot *s)
{
	(void)element;
	return a->ip == NULL ? RC_OK : put_int8(b, *a->ip, s);
}

static enum rc
encode_int4(
    struct buf *b, unsigned element, const struct arg *a, struct slot *s)
{
	char *p = slot_room(b, 4, s);

	(void)element;
	if (p == NULL)
		return too_large();
	put4(p, (uint32_t)a->i);
	return RC_OK;
}

static enum rc
put_bool(struct buf *b, bool v, struct slot *s)
{
	char *p = slot_room(b, 1, s);

	if (p == NULL)
		return too_large();
	*p = v;
	return RC_OK;
}

static enum rc
encode_bool(
    struct buf *b, unsigned element, const struct arg *a, struct slot *s)
{
	(void)element;
	return put_bool(b, a->i != 0, s);
}

static enum rc
encode_bool_null(
    struct buf *b, unsigned element, const struct arg *a, struct slot *s)
{
	(void)element;
	return a->bp == NULL ? RC_OK : put_bool(b, *a->bp, s);
}

static enum rc
put_direct(struct str v, struct slot *s)
{
	if (v.n > INT32_MAX)
		return too_large();
	/* libpq takes a NULL value for NULL, whatever the length. */
	s->direct = v.n != 0 ? v.p : "";
	s->length = (int)v.n;
	return RC_OK;
}

static enum rc
encode_text_null(
    struct buf *b, unsigned element, const struct arg *a, struct slot *s)
{
	(void)b;
	(void)element;
	return a->text == NULL ? RC_OK : put_direct(str_of(a->text), s);
}

static enum rc
encode_text(
    struct buf *b, unsigned element, const struct arg *a, struct slot *s)
{
	assert(a->text != NULL);
	return encode_text_null(b, element, a, s);
}

static enum rc
encode_bytes(
    struct buf *b, unsigned element, const struct arg *a, struct slot *s)
{
	(void)b;
	(void)element;
	return a->str.p == NULL ? RC_OK : put_direct(a->str, s);
}

static enum rc
encode_str(struct buf *b, unsigned element, const struct arg *a, struct slot *s)
{
	TRY(no_nul(a->str));
	return encode_bytes(b, element, a, s);
}

static enum rc
encode_json(
    struct buf *b, unsigned element, const struct arg *a, struct slot *s)
{
	char *p;

	(void)element;
	if (a->str.p == NULL)
		return RC_OK;
	TRY(no_nul(a->str));
	p = slot_room(b, a->str.n + 1, s);
	if (p == NULL)
		return too_large();
	*p = JSONB_MARK;
	memcpy(p + 1, a->str.p, a->str.n);
	return RC_OK;
}

static enum rc
encode_time_null(
    struct buf *b, unsigned element, const struct arg *a, struct slot *s)
{
	int64_t us;

	(void)element;
	if (!instant_is(a->time))
		return RC_OK;
	if (__builtin_sub_overflow(a->time.us, EPOCH_US, &us))
		return fail(RC_INVALID, "a time is out of range");
	return put_int8(b, us, s);
}

static enum rc
encode_time(
    struct buf *b, unsigned element, const struct arg *a, struct slot *s)
{
	assert(instant_is(a->time));
	return encode_time_null(b, element, a, s);
}

/* ---- arrays: head, then length and bytes of each element ---- */

#define ARRAY_HEAD 20

/* Writes the head; `bytes` of elements are to follow where it returns. */
static char *
array_room(
    struct buf *b, unsigned element, size_t n, size_t bytes, struct slot *s)
{
	char *p = n > INT32_MAX || bytes > INT32_MAX - ARRAY_HEAD
	    ? NULL
	    : slot_room(b, n == 0 ? 12 : ARRAY_HEAD + bytes, s);

	if (p == NULL)
		return NULL;
	put4(p, n == 0 ? 0 : 1); /* dimensions */
	put4(p + 4, 0);          /* the server looks for NULLs itself */
	put4(p + 8, element);
	if (n == 0)
		return p;
	put4(p + 12, (uint32_t)n);
	put4(p + 16, 1); /* lower bound */
	return p + ARRAY_HEAD;
}

static char *
put_null(char *p)
{
	put4(p, UINT32_MAX);
	return p + 4;
}

/* Elements of 8 bytes, `none` being NULL and each less `minus`. */
static enum rc
put_array8(struct buf *b, unsigned element, const struct ints *in, int64_t none,
    int64_t minus, struct slot *s)
{
	size_t start = b->n;
	char *p = in->n > INT32_MAX / 12
	    ? NULL
	    : array_room(b, element, in->n, in->n * 12, s);

	if (p == NULL)
		return too_large();
	for (size_t i = 0; i < in->n; i++) {
		if (in->v[i] == none) {
			p = put_null(p);
			continue;
		}
		put4(p, 8);
		put8(p + 4, (int64_t)((uint64_t)in->v[i] - (uint64_t)minus));
		p += 12;
	}
	if (in->n != 0) { /* NULLs took less */
		b->n = (size_t)(p - b->p);
		s->length = (int)(b->n - start);
	}
	return RC_OK;
}

static enum rc
encode_ids(struct buf *b, unsigned element, const struct arg *a, struct slot *s)
{
	const struct ints in = { a->ids.v, a->ids.n };

	return put_array8(b, element, &in, 0, 0, s);
}

static enum rc
encode_ints(
    struct buf *b, unsigned element, const struct arg *a, struct slot *s)
{
	return put_array8(b, element, &a->ints, INT64_MIN, 0, s);
}

/* struct instant is its number. */
_Static_assert(sizeof(instant) == sizeof(int64_t), "instant grew");

static enum rc
encode_times(
    struct buf *b, unsigned element, const struct arg *a, struct slot *s)
{
	const struct ints in = { (const void *)a->times.v, a->times.n };

	return put_array8(b, element, &in, INT64_MIN, EPOCH_US, s);
}

static enum rc
encode_int4s(
    struct buf *b, unsigned element, const struct arg *a, struct slot *s)
{
	const struct int4s *in = &a->int4s;
	size_t start = b->n;
	char *p = in->n > INT32_MAX / 8
	    ? NULL
	    : array_room(b, element, in->n, in->n * 8, s);

	if (p == NULL)
		return too_large();
	for (size_t i = 0; i < in->n; i++) {
		if (in->v[i] == INT32_MIN) {
			p = put_null(p);
			continue;
		}
		put4(p, 4);
		put4(p + 4, (uint32_t)in->v[i]);
		p += 8;
	}
	if (in->n != 0) {
		b->n = (size_t)(p - b->p);
		s->length = (int)(b->n - start);
	}
	return RC_OK;
}

static enum rc
encode_bools(
    struct buf *b, unsigned element, const struct arg *a, struct slot *s)
{
	const struct bools *in = &a->bools;
	size_t start = b->n;
	char *p = in->n > INT32_MAX / 5
	    ? NULL
	    : array_room(b, element, in->n, in->n * 5, s);

	if (p == NULL)
		return too_large();
	for (size_t i = 0; i < in->n; i++) {
		if (in->v[i] < 0) {
			p = put_null(p);
			continue;
		}
		put4(p, 1);
		p[4] = in->v[i] != 0;
		p += 5;
	}
	if (in->n != 0) {
		b->n = (size_t)(p - b->p);
		s->length = (int)(b->n - start);
	}
	return RC_OK;
}

/* Text, JSON and bytes: sized first, so that the room is had at once. */
static enum rc
encode_texts(
    struct buf *b, unsigned element, const struct arg *a, struct slot *s)
{
	const struct texts *in = &a->texts;
	size_t mark = element == OID_JSONB ? 1 : 0, bytes = 0;
	char *p;

	for (size_t i = 0; i < in->n; i++) {
		const struct str *t = &in->v[i];

		if (element != OID_BYTEA)
			TRY(no_nul(*t));
		if (t->n > INT32_MAX)
			return too_large();
		bytes += t->p == NULL ? 4 : 4 + mark + t->n;
	}
	p = array_room(b, element, in->n, bytes, s);
	if (p == NULL)
		return too_large();
	for (size_t i = 0; i < in->n; i++) {
		const struct str *t = &in->v[i];

		if (t->p == NULL) {
			p = put_null(p);
			continue;
		}
		put4(p, (uint32_t)(t->n + mark));
		p += 4;
		if (mark != 0)
			*p++ = JSONB_MARK;
		memcpy(p, t->p, t->n);
		p += t->n;
	}
	return RC_OK;
}

/* ---- the table ---- */

const unsigned arg_oids[ARG_TYPES] = {
#define ARG_OID(kind, oid, element, name) [ARG_##kind] = (oid),
	ARG_LIST(ARG_OID)
#undef ARG_OID
};

static const struct {
	unsigned element;
	encoder *encode;
} arg_rows[ARG_TYPES] = {
#define ARG_ROW(kind, oid, element, name)                                      \
	[ARG_##kind] = { (element), encode_##name },
	ARG_LIST(ARG_ROW)
#undef ARG_ROW
};

enum rc
args_encode(struct buf *b, const struct stmt *stmt, const struct arg *in,
    struct args *out)
{
	struct slot slots[ARGS_MOST];

	assert(stmt->nargs <= ARGS_MOST);
	buf_reset(b);
	for (size_t i = 0; i < stmt->nargs; i++) {
		enum arg_type type = stmt->args[i];

		slots[i] = (struct slot){ NULL, 0, NULL_ARG };
		TRY(arg_rows[type].encode(
		    b, arg_rows[type].element, &in[i], &slots[i]));
	}
	for (size_t i = 0; i < stmt->nargs; i++) {
		const struct slot *s = &slots[i];

		out->formats[i] = 1;
		out->lengths[i] = s->length;
		out->values[i] = s->length == NULL_ARG ? NULL
		    : s->direct != NULL                ? s->direct
						       : b->p + s->at;
	}
	return RC_OK;
}
