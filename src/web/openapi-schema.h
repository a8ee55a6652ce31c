/* JSON Schemas of rows: fields (input and answers) and columns. */
#ifndef WEB_OPENAPI_SCHEMA_H
#define WEB_OPENAPI_SCHEMA_H

#include "core/json.h"
#include "web/route.h"

enum schema_use {
	SCHEMA_BODY,   /* JSON that comes in */
	SCHEMA_PARAM,  /* text that comes in */
	SCHEMA_ANSWER, /* what goes out */
};

/* How the route's envelope shows ids and times. */
struct schema_style {
	enum schema_use use;
	bool prefixed;
	bool spaced; /* times "2025-10-18 14:23:45" */
	bool closed; /* no other members */
};

void
schema_field(struct jw *, const struct field *, const struct schema_style *);
/* {"type": "object", …} of all rows. */
void schema_fields(
    struct jw *, const struct field *rows, const struct schema_style *);
/* Only its "properties" and "required" content, for objects with more. */
void schema_field_properties(
    struct jw *, const struct field *rows, const struct schema_style *);
void schema_field_required(
    struct jw *, const struct field *rows, const struct schema_style *);

void
schema_cols(struct jw *, const struct col *cols, const struct schema_style *);
void schema_col_properties(
    struct jw *, const struct col *cols, const struct schema_style *);
void schema_col_required(struct jw *, const struct col *cols);

/* {"type": "string", "pattern": "^(acc_)?[1-9]…"}: an id in a path. */
void schema_path_id(struct jw *, enum id_kind);

#endif
