#include "db/row.h"

#include <string.h>

static void
write_id(
    struct jw *w, enum id_kind kind, int64_t id, const struct row_style *style)
{
	char text[ID_PRINT_SIZE];

	if (!style->prefixed || id_prefix(kind).n == 0)
		jw_int(w, id);
	else
		jw_str(w, (struct str){ text, id_print(kind, id, text) });
}

static void
write_ids(struct jw *w, const struct col *c, const struct ids *ids,
    const struct row_style *style)
{
	jw_array(w);
	for (size_t i = 0; i < ids->n; i++)
		write_id(w, c->id, ids->v[i], style);
	jw_array_end(w);
}

static void
write_texts(struct jw *w, const struct texts *texts)
{
	jw_array(w);
	for (size_t i = 0; i < texts->n; i++)
		jw_str(w, texts->v[i]);
	jw_array_end(w);
}

/* What is not NULL and has no fixed length. */
static void
write_value(struct jw *w, const struct col *c, const void *p,
    const struct row_style *style)
{
	switch (c->type) {
	case COL_TEXT_: jw_text(w, *(const char *const *)p); break;
	case COL_STR_: jw_str(w, *(const struct str *)p); break;
	case COL_JSON_: jw_raw(w, *(const struct str *)p); break;
	case COL_IDS_: write_ids(w, c, p, style); break;
	case COL_TEXTS_: write_texts(w, p); break;
	default: jw_null(w); break;
	}
}

/* ---- values of a fixed length ----
 *
 * A page of emails has fifteen hundred members, two thirds of them numbers,
 * truths, times and nulls: those are written behind their key into room that
 * is asked for once. */

#define FIXED_MOST 48

static char *
put_bytes(char *p, const char *from, size_t n)
{
	memcpy(p, from, n);
	return p + n;
}

static char *
put_null(char *p)
{
	return put_bytes(p, "null", 4);
}

static char *
put_int(char *p, const struct col *c, int64_t v, const struct row_style *style)
{
	if (v == 0 && (c->zero_null || c->id != ID_NONE))
		return put_null(p);
	if (!style->prefixed || id_prefix(c->id).n == 0)
		return p + int_print(v, p);
	*p++ = '"';
	p += id_print(c->id, v, p);
	*p++ = '"';
	return p;
}

static char *
put_bool(char *p, bool v)
{
	return v ? put_bytes(p, "true", 4) : put_bytes(p, "false", 5);
}

static char *
put_time(char *p, instant t, const struct row_style *style)
{
	if (!instant_is(t))
		return put_null(p);
	*p++ = '"';
	p += instant_print(t, style->time, p);
	*p++ = '"';
	return p;
}

static bool
is_absent(const struct col *c, const void *p)
{
	return c->type == COL_TEXT_ ? *(const char *const *)p == NULL
				    : ((const struct str *)p)->p == NULL;
}

/* The end of the value, or NULL: it has no fixed length. */
static char *
put_fixed(
    char *to, const struct col *c, const void *p, const struct row_style *style)
{
	if (c->content && style->viewer)
		return put_null(to);
	switch (c->type) {
	case COL_INT_: return put_int(to, c, *(const int64_t *)p, style);
	case COL_INT4_: return put_int(to, c, *(const int32_t *)p, style);
	case COL_BOOL_: return put_bool(to, *(const bool *)p);
	case COL_TIME_: return put_time(to, *(const instant *)p, style);
	case COL_TEXT_:
	case COL_STR_:
	case COL_JSON_: return is_absent(c, p) ? put_null(to) : NULL;
	default: return NULL;
	}
}

/* The key is ready made; the comma before it is the writer's rule. */
static void
write_member(struct jw *w, const struct col *c, const void *value,
    const struct row_style *style)
{
	char *p = buf_room(w->out, c->key_n + 1 + FIXED_MOST);
	char *end;

	if (p == NULL)
		return;
	*p = ',';
	memcpy(p + w->comma, c->key, c->key_n);
	p += c->key_n + w->comma;
	end = put_fixed(p, c, value, style);
	w->comma = end != NULL;
	buf_wrote(w->out,
	    (size_t)((end != NULL ? end : p) - (w->out->p + w->out->n)));
	if (end == NULL)
		write_value(w, c, value, style);
}

void
row_members(struct jw *w, const struct col *cols, const void *row,
    const struct row_style *style)
{
	COL_EACH (c, cols)
		if (!c->hidden && c->type != COL_BYTES_)
			write_member(
			    w, c, (const char *)row + c->offset, style);
}

void
row_write(struct jw *w, const struct col *cols, const void *row,
    const struct row_style *style)
{
	if (row == NULL) {
		jw_null(w);
		return;
	}
	jw_object(w);
	row_members(w, cols, row, style);
	jw_object_end(w);
}

void
rows_write(struct jw *w, const struct col *cols, const void *rows, size_t n,
    size_t size, const struct row_style *style)
{
	jw_array(w);
	for (size_t i = 0; i < n; i++)
		row_write(w, cols, (const char *)rows + i * size, style);
	jw_array_end(w);
}
