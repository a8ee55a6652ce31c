/* What all operations refer to: errors, the meta of lists, the ways to sign in,
 * the Idempotency-Key. */
#include "web/body.h"
#include "web/openapi-parts.h"
#include "web/openapi-schema.h"

static const struct field fault_answer[] = {
	A_TEXT("field", 0),
	A_TEXT("code", 0),
	A_TEXT("message", 0),
	F_END,
};

static const struct field problem_answer[] = {
	A_TEXT("type", 0),
	A_TEXT("title", 0),
	A_INT("status", 0),
	A_TEXT("detail", 0),
	A_TEXT("code", 0),
	A_TEXT("request_id", 0),
	A_ARRAY("errors", fault_answer, MAY_LACK),
	F_END,
};

static const struct field success_error[] = {
	A_BOOL("success", 0),
	A_TEXT("error", 0),
	A_TEXT("code", 0),
	A_JSON("details", MAY_LACK),
	A_TEXT("request_id", MAY_LACK),
	F_END,
};

static const struct field ok_error[] = {
	A_BOOL("ok", 0),
	A_TEXT("error", 0),
	A_TEXT("code", 0),
	A_ARRAY("details", fault_answer, MAY_LACK),
	A_TEXT("request_id", MAY_LACK),
	F_END,
};

static const struct field oauth_error[] = {
	A_TEXT("error", 0),
	A_TEXT("error_description", MAY_LACK),
	F_END,
};

static const struct field meta_answer[] = {
	A_INT("total", NULLABLE, .about = "null: not counted"),
	A_BOOL("total_capped", MAY_LACK, .about = "there are at least so many"),
	A_INT("limit", 0),
	A_INT("offset", 0),
	A_TEXT("next_cursor", NULLABLE, .about = "null: the last page"),
	F_END,
};

static const struct {
	const char *name;
	const struct field *rows;
} shared[] = {
	{ "Problem", problem_answer },
	{ "SuccessError", success_error },
	{ "OkError", ok_error },
	{ "OAuthError", oauth_error },
	{ "Meta", meta_answer },
};

static void
schemes(struct jw *w)
{
	jw_key(w, "securitySchemes");
	jw_object(w);
	jw_key(w, "bearer");
	jw_object(w);
	JW_TEXT(w, "type", "http");
	JW_TEXT(w, "scheme", "bearer");
	JW_TEXT(w, "bearerFormat", "JWT");
	jw_object_end(w);
	jw_key(w, "session");
	jw_object(w);
	JW_TEXT(w, "type", "apiKey");
	JW_TEXT(w, "in", "cookie");
	JW_TEXT(w, "name", "session");
	jw_object_end(w);
	jw_object_end(w);
}

static void
idempotency_key(struct jw *w)
{
	jw_key(w, "IdempotencyKey");
	jw_object(w);
	JW_TEXT(w, "name", "Idempotency-Key");
	JW_TEXT(w, "in", "header");
	JW_TEXT(w, "description",
	    "The same key within 24 hours gives the same answer, and does the "
	    "work once.");
	jw_key(w, "schema");
	jw_object(w);
	JW_TEXT(w, "type", "string");
	JW_INT(w, "minLength", 1);
	JW_INT(w, "maxLength", 255);
	jw_object_end(w);
	jw_object_end(w);
}

void
openapi_components(struct jw *w)
{
	struct schema_style s = { .use = SCHEMA_ANSWER };

	jw_key(w, "components");
	jw_object(w);
	schemes(w);
	jw_key(w, "parameters");
	jw_object(w);
	idempotency_key(w);
	jw_object_end(w);
	jw_key(w, "schemas");
	jw_object(w);
	for (size_t i = 0; i < sizeof shared / sizeof shared[0]; i++) {
		jw_key(w, shared[i].name);
		schema_fields(w, shared[i].rows, &s);
	}
	jw_object_end(w);
	jw_object_end(w);
}
