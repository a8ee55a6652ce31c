#include "web/openapi-schema.h"

#include <stdio.h>

#include "db/row.h"

/* "type": "string", or "type": ["string", "null"]. */
static void
type(struct jw *w, const char *name, bool null)
{
	jw_key(w, "type");
	if (!null) {
		jw_text(w, name);
		return;
	}
	jw_array(w);
	jw_text(w, name);
	jw_text(w, "null");
	jw_array_end(w);
}

static void
pattern_id(struct jw *w, enum id_kind kind, bool prefix_optional)
{
	struct str prefix = id_prefix(kind);
	char text[64];

	if (prefix.n == 0)
		snprintf(text, sizeof text, "^[1-9][0-9]{0,18}$");
	else
		snprintf(text, sizeof text, "^%s%.*s%s[1-9][0-9]{0,18}$",
		    prefix_optional ? "(" : "", STR_FMT(prefix),
		    prefix_optional ? ")?" : "");
	JW_TEXT(w, "pattern", text);
}

void
schema_path_id(struct jw *w, enum id_kind kind)
{
	jw_object(w);
	type(w, "string", false);
	pattern_id(w, kind, true);
	jw_object_end(w);
}

/* ---- columns ---- */

static void
id_out(struct jw *w, enum id_kind kind, bool null, bool prefixed)
{
	if (prefixed && id_prefix(kind).n > 0) {
		type(w, "string", null);
		pattern_id(w, kind, false);
	} else {
		type(w, "integer", null);
		JW_TEXT(w, "format", "int64");
	}
}

static void
time_out(struct jw *w, const struct schema_style *s)
{
	type(w, "string", true);
	if (s->spaced)
		JW_TEXT(w, "pattern",
		    "^[0-9]{4}-[0-9]{2}-[0-9]{2} "
		    "[0-9]{2}:[0-9]{2}:[0-9]{2}$");
	else
		JW_TEXT(w, "format", "date-time");
}

static void
list_out(struct jw *w, const struct col *c, const struct schema_style *s)
{
	type(w, "array", c->content);
	jw_key(w, "items");
	jw_object(w);
	if (c->type == COL_IDS_)
		id_out(w, c->id, false, s->prefixed);
	else
		type(w, "string", true);
	jw_object_end(w);
}

static void
col_body(struct jw *w, const struct col *c, const struct schema_style *s)
{
	switch (c->type) {
	case COL_INT_:
	case COL_INT4_:
		id_out(w, c->id, c->zero_null || c->content, s->prefixed);
		break;
	case COL_BOOL_: type(w, "boolean", c->content); break;
	case COL_TEXT_:
	case COL_STR_: type(w, "string", true); break;
	case COL_TIME_: time_out(w, s); break;
	case COL_IDS_:
	case COL_TEXTS_: list_out(w, c, s); break;
	default: break; /* JSON: anything */
	}
	if (c->note != NULL)
		JW_TEXT(w, "description", c->note);
}

static bool
shown(const struct col *c)
{
	return !c->hidden && c->type != COL_BYTES_;
}

void
schema_col_properties(
    struct jw *w, const struct col *cols, const struct schema_style *s)
{
	COL_EACH (c, cols) {
		if (!shown(c))
			continue;
		jw_key(w, c->name);
		jw_object(w);
		col_body(w, c, s);
		jw_object_end(w);
	}
}

void
schema_col_required(struct jw *w, const struct col *cols)
{
	COL_EACH (c, cols) {
		if (shown(c))
			jw_text(w, c->name);
	}
}

void
schema_cols(struct jw *w, const struct col *cols, const struct schema_style *s)
{
	jw_object(w);
	type(w, "object", false);
	jw_key(w, "properties");
	jw_object(w);
	schema_col_properties(w, cols, s);
	jw_object_end(w);
	jw_key(w, "required");
	jw_array(w);
	schema_col_required(w, cols);
	jw_array_end(w);
	if (s->closed)
		JW_BOOL(w, "additionalProperties", false);
	jw_object_end(w);
}

/* ---- fields ---- */

static bool
null_ok(const struct field *f, const struct schema_style *s)
{
	return (f->flags & NULLABLE) != 0 ||
	    (s->use == SCHEMA_ANSWER && f->kind == FIELD_TIME);
}

static void
lengths(struct jw *w, const struct field *f)
{
	if (f->least > 0)
		JW_INT(w, "minLength", f->least);
	if (f->most > 0)
		JW_INT(w, "maxLength", f->most);
}

static void
numbers(struct jw *w, const struct field *f, const struct schema_style *s)
{
	type(w, "integer", null_ok(f, s));
	JW_TEXT(w, "format", "int64");
	if (s->use == SCHEMA_ANSWER)
		return;
	JW_INT(w, "minimum", f->least);
	if ((f->flags & CLAMP) == 0)
		JW_INT(w, "maximum", f->most);
	if (f->has_preset)
		JW_INT(w, "default", f->preset);
}

static void
words(struct jw *w, const struct field *f, const struct schema_style *s)
{
	type(w, "string", null_ok(f, s));
	jw_key(w, "enum");
	jw_array(w);
	for (size_t i = 0; f->words[i] != NULL; i++)
		jw_text(w, f->words[i]);
	if (null_ok(f, s))
		jw_null(w);
	jw_array_end(w);
	if (f->has_preset)
		JW_TEXT(w, "default", f->words[f->preset]);
}

/* In a body an id is a number or has its prefix, in a path or query both are
 * text. */
static void
id_in(struct jw *w, const struct field *f, const struct schema_style *s)
{
	if (s->use == SCHEMA_ANSWER) {
		id_out(w, f->id, null_ok(f, s), s->prefixed);
		return;
	}
	if (s->use == SCHEMA_PARAM) {
		type(w, "string", false);
		pattern_id(w, f->id, true);
		return;
	}
	jw_key(w, "anyOf");
	jw_array(w);
	jw_object(w);
	type(w, "integer", null_ok(f, s));
	JW_INT(w, "minimum", 1);
	jw_object_end(w);
	if (id_prefix(f->id).n > 0) {
		jw_object(w);
		type(w, "string", false);
		pattern_id(w, f->id, false);
		jw_object_end(w);
	}
	jw_array_end(w);
}

static void
text_like(struct jw *w, const struct field *f, const struct schema_style *s)
{
	type(w, "string", null_ok(f, s));
	switch (f->kind) {
	case FIELD_TIME:
		if (s->use == SCHEMA_ANSWER)
			JW_TEXT(w, "format", "date-time");
		return;
	case FIELD_EMAIL: JW_TEXT(w, "format", "email"); break;
	case FIELD_SECRET:
		JW_TEXT(w, "format", "password");
		JW_BOOL(w, "writeOnly", true);
		break;
	default: break;
	}
	lengths(w, f);
}

static void
elements(struct jw *w, const struct field *f, const struct schema_style *s)
{
	jw_object(w);
	type(w, "array", null_ok(f, s));
	if (s->use != SCHEMA_ANSWER) {
		if (f->least > 0)
			JW_INT(w, "minItems", f->least);
		JW_INT(w, "maxItems", f->most);
	}
	jw_key(w, "items");
	if (f->kind == FIELD_LIST)
		schema_field(w, f->of, s);
	else
		schema_fields(w, f->of, s);
	jw_object_end(w);
}

/* ONE_OR_MANY: the element itself, or an array of it. */
static void
list(struct jw *w, const struct field *f, const struct schema_style *s)
{
	if ((f->flags & ONE_OR_MANY) == 0) {
		elements(w, f, s);
		return;
	}
	jw_object(w);
	jw_key(w, "anyOf");
	jw_array(w);
	schema_field(w, f->of, s);
	elements(w, f, s);
	jw_array_end(w);
	jw_object_end(w);
}

static void
scalar(struct jw *w, const struct field *f, const struct schema_style *s)
{
	jw_object(w);
	switch (f->kind) {
	case FIELD_INT: numbers(w, f, s); break;
	case FIELD_NUMBER: type(w, "number", null_ok(f, s)); break;
	case FIELD_BOOL:
		type(w, "boolean", null_ok(f, s));
		if (f->has_preset)
			JW_BOOL(w, "default", f->preset != 0);
		break;
	case FIELD_ENUM: words(w, f, s); break;
	case FIELD_ID: id_in(w, f, s); break;
	case FIELD_JSON: break;
	default: text_like(w, f, s); break;
	}
	if (f->about != NULL)
		JW_TEXT(w, "description", f->about);
	jw_object_end(w);
}

void
schema_field(struct jw *w, const struct field *f, const struct schema_style *s)
{
	switch (f->kind) {
	case FIELD_OBJECT:
		if (!null_ok(f, s)) {
			schema_fields(w, f->of, s);
			break;
		}
		jw_object(w);
		jw_key(w, "anyOf");
		jw_array(w);
		schema_fields(w, f->of, s);
		jw_object(w);
		JW_TEXT(w, "type", "null");
		jw_object_end(w);
		jw_array_end(w);
		jw_object_end(w);
		break;
	case FIELD_ARRAY:
	case FIELD_LIST: list(w, f, s); break;
	default: scalar(w, f, s); break;
	}
}

void
schema_field_properties(
    struct jw *w, const struct field *rows, const struct schema_style *s)
{
	for (const struct field *f = rows; f->kind != FIELD_END; f++) {
		jw_key(w, f->name);
		schema_field(w, f, s);
	}
}

static bool
always(const struct field *f, const struct schema_style *s)
{
	return s->use == SCHEMA_ANSWER ? (f->flags & MAY_LACK) == 0
				       : (f->flags & REQUIRED) != 0;
}

void
schema_field_required(
    struct jw *w, const struct field *rows, const struct schema_style *s)
{
	for (const struct field *f = rows; f->kind != FIELD_END; f++)
		if (always(f, s))
			jw_text(w, f->name);
}

/* A member named "*" stands for members of any name. */
static const struct field *
any_name(const struct field *rows)
{
	for (const struct field *f = rows; f->kind != FIELD_END; f++)
		if (strcmp(f->name, "*") == 0)
			return f;
	return NULL;
}

void
schema_fields(
    struct jw *w, const struct field *rows, const struct schema_style *s)
{
	const struct field *any = any_name(rows);

	jw_object(w);
	type(w, "object", false);
	if (any == NULL) {
		jw_key(w, "properties");
		jw_object(w);
		schema_field_properties(w, rows, s);
		jw_object_end(w);
		jw_key(w, "required");
		jw_array(w);
		schema_field_required(w, rows, s);
		jw_array_end(w);
		if (s->closed)
			JW_BOOL(w, "additionalProperties", false);
	} else {
		jw_key(w, "additionalProperties");
		schema_field(w, any, s);
	}
	jw_object_end(w);
}
