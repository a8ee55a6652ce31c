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
write_int(
    struct jw *w, const struct col *c, int64_t v, const struct row_style *style)
{
	if (v == 0 && (c->zero_null || c->id != ID_NONE))
		jw_null(w);
	else if (c->id != ID_NONE)
		write_id(w, c->id, v, style);
	else
		jw_int(w, v);
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

static void
write_json(struct jw *w, struct str json)
{
	if (json.p == NULL)
		jw_null(w);
	else
		jw_raw(w, json);
}

static void
write_value(struct jw *w, const struct col *c, const void *p,
    const struct row_style *style)
{
	switch (c->type) {
	case COL_INT_: write_int(w, c, *(const int64_t *)p, style); break;
	case COL_INT4_: write_int(w, c, *(const int32_t *)p, style); break;
	case COL_BOOL_: jw_bool(w, *(const bool *)p); break;
	case COL_TEXT_: jw_text(w, *(const char *const *)p); break;
	case COL_STR_: jw_str(w, *(const struct str *)p); break;
	case COL_TIME_: jw_time(w, *(const instant *)p, style->time); break;
	case COL_JSON_: write_json(w, *(const struct str *)p); break;
	case COL_IDS_: write_ids(w, c, p, style); break;
	case COL_TEXTS_: write_texts(w, p); break;
	default: jw_null(w); break;
	}
}

/* The key is ready made; the comma before it is the writer's rule. */
static void
write_key(struct jw *w, const struct col *c)
{
	char *p = buf_room(w->out, c->key_n + 1);

	if (p == NULL)
		return;
	*p = ',';
	memcpy(p + w->comma, c->key, c->key_n);
	buf_wrote(w->out, c->key_n + w->comma);
	w->comma = false;
}

void
row_members(struct jw *w, const struct col *cols, const void *row,
    const struct row_style *style)
{
	COL_EACH (c, cols) {
		if (c->hidden || c->type == COL_BYTES_)
			continue;
		write_key(w, c);
		if (c->content && style->viewer)
			jw_null(w);
		else
			write_value(w, c, (const char *)row + c->offset, style);
	}
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
