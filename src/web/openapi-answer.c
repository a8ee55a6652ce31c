/* What a route answers: its schema, its statuses, and how it fails. */
#include "web/openapi-parts.h"

#include <stdio.h>

#include "web/openapi-schema.h"

static const char *
error_schema(const struct route *r)
{
	if ((r->flags & OAUTH) != 0)
		return "#/components/schemas/OAuthError";
	if (r->env == ENV_SUCCESS)
		return "#/components/schemas/SuccessError";
	if (r->env == ENV_OK)
		return "#/components/schemas/OkError";
	return "#/components/schemas/Problem";
}

static const char *
error_type(const struct route *r)
{
	bool json = r->env == ENV_SUCCESS || r->env == ENV_OK ||
	    (r->flags & OAUTH) != 0;

	return json ? "application/json" : "application/problem+json";
}

static struct schema_style
out_style(const struct route *r)
{
	return (struct schema_style){
		.use = SCHEMA_ANSWER,
		.prefixed = r->env == ENV_DATA || r->env == ENV_RAW,
		.spaced = (r->flags & TIMES_SPACED) != 0,
		.closed = true,
	};
}

/* ---- answers ---- */

static void
thing(struct jw *w, const struct route *r)
{
	struct schema_style s = out_style(r);

	if (r->row != NULL)
		schema_cols(w, r->row, &s);
	else
		schema_fields(w, r->answer, &s);
}

static void
ref(struct jw *w, const char *what)
{
	jw_object(w);
	JW_TEXT(w, "$ref", what);
	jw_object_end(w);
}

/* "success" or "ok", where the route's answers have it. */
static const char *
mark_name(const struct route *r)
{
	if ((r->flags & BARE) != 0)
		return NULL;
	if (r->env == ENV_SUCCESS)
		return "success";
	return r->env == ENV_OK ? "ok" : NULL;
}

static void
mark_property(struct jw *w, const struct route *r)
{
	if (mark_name(r) == NULL)
		return;
	jw_key(w, mark_name(r));
	jw_object(w);
	JW_BOOL(w, "const", true);
	jw_object_end(w);
}

static const char *const page_members[] = { "total", "limit", "offset",
	"next_cursor" };

static void
list_properties(struct jw *w, const struct route *r, const char *key)
{
	jw_key(w, key);
	jw_object(w);
	JW_TEXT(w, "type", "array");
	jw_key(w, "items");
	thing(w, r);
	jw_object_end(w);
	if (r->env != ENV_OK) {
		jw_key(w, "meta");
		ref(w, "#/components/schemas/Meta");
		return;
	}
	for (size_t i = 0; i < 4; i++) {
		char where[96];

		snprintf(where, sizeof where,
		    "#/components/schemas/Meta/properties/%s", page_members[i]);
		jw_key(w, page_members[i]);
		ref(w, where);
	}
	jw_key(w, "total_capped");
	ref(w, "#/components/schemas/Meta/properties/total_capped");
}

static void
list_required(struct jw *w, const struct route *r, const char *key)
{
	jw_text(w, key);
	if (r->env != ENV_OK) {
		jw_text(w, "meta");
		return;
	}
	for (size_t i = 0; i < 4; i++)
		jw_text(w, page_members[i]);
}

/* The members of the answer that stand beside the mark. */
static void
beside_properties(struct jw *w, const struct route *r)
{
	struct schema_style s = out_style(r);

	if (r->row != NULL)
		schema_col_properties(w, r->row, &s);
	else
		schema_field_properties(w, r->answer, &s);
}

static void
beside_required(struct jw *w, const struct route *r)
{
	struct schema_style s = out_style(r);

	if (r->row != NULL)
		schema_col_required(w, r->row);
	else
		schema_field_required(w, r->answer, &s);
}

static void
answer_schema(struct jw *w, const struct route *r)
{
	const char *key = r->env == ENV_DATA ? "data" : r->key;

	if (r->row == NULL && r->answer == NULL) {
		jw_object(w);
		jw_object_end(w);
		return;
	}
	if (key == NULL && !r->many && mark_name(r) == NULL) {
		thing(w, r);
		return;
	}
	if (r->many && key == NULL)
		key = "items";
	jw_object(w);
	JW_TEXT(w, "type", "object");
	jw_key(w, "properties");
	jw_object(w);
	mark_property(w, r);
	if (r->many) {
		list_properties(w, r, key);
	} else if (key != NULL) {
		jw_key(w, key);
		thing(w, r);
	} else {
		beside_properties(w, r);
	}
	jw_object_end(w);
	jw_key(w, "required");
	jw_array(w);
	if (mark_name(r) != NULL)
		jw_text(w, mark_name(r));
	if (r->many)
		list_required(w, r, key);
	else if (key != NULL)
		jw_text(w, key);
	else
		beside_required(w, r);
	jw_array_end(w);
	JW_BOOL(w, "additionalProperties", false);
	jw_object_end(w);
}

static int
success_status(const struct route *r)
{
	return r->status != 0 ? r->status : 200;
}

static void
any_of_type(struct jw *w, const char *type)
{
	jw_key(w, type);
	jw_object(w);
	jw_object_end(w);
}

/* The same path at two doors is one operation: the answer is either's. */
static void
content(struct jw *w, const struct route *r, const struct route *twin)
{
	jw_key(w, "content");
	jw_object(w);
	jw_key(w, r->type != NULL ? r->type : "application/json");
	jw_object(w);
	if (r->type == NULL) {
		jw_key(w, "schema");
		if (twin == NULL) {
			answer_schema(w, r);
		} else {
			jw_object(w);
			jw_key(w, "anyOf");
			jw_array(w);
			answer_schema(w, r);
			answer_schema(w, twin);
			jw_array_end(w);
			jw_object_end(w);
		}
	}
	jw_object_end(w);
	if ((r->flags & PAGE_TOO) != 0)
		any_of_type(w, "text/html");
	jw_object_end(w);
}

/* A page where usually a redirect is answered, or the other way round. */
static void
success_also(struct jw *w, const struct route *r)
{
	char text[8];

	snprintf(text, sizeof text, "%d", r->also);
	jw_key(w, text);
	jw_object(w);
	JW_TEXT(w, "description", r->also / 100 == 3 ? "Go there." : "A page.");
	if (r->also / 100 != 3)
		content(w, r, NULL);
	jw_object_end(w);
}

void
openapi_answers(struct jw *w, const struct route *r, const struct route *twin)
{
	int status = success_status(r);
	char text[8];

	snprintf(text, sizeof text, "%d", status);
	jw_key(w, text);
	jw_object(w);
	JW_TEXT(w, "description", r->summary != NULL ? r->summary : "Done.");
	if (status != 204 && status / 100 != 3)
		content(w, r, twin);
	jw_object_end(w);
	if (r->also != 0)
		success_also(w, r);
	if (r->method == GET && status == 200 && !r->many) {
		jw_key(w, "304");
		jw_object(w);
		JW_TEXT(w, "description",
		    "Not modified since the ETag in If-None-Match.");
		jw_object_end(w);
	}
	if (r->type != NULL && status == 200) {
		jw_key(w, "206");
		jw_object(w);
		JW_TEXT(w, "description", "The range that was asked for.");
		content(w, r, NULL);
		jw_object_end(w);
	}
}

/* ---- errors ---- */

/* Every result that can happen, a bit each. */
static uint64_t
results(const struct route *r)
{
	uint64_t set = UINT64_C(1) << RC_MALFORMED |
	    UINT64_C(1) << RC_INTERNAL | UINT64_C(1) << RC_RETRY;
	bool open = r->need == NEED_PUBLIC || r->need == NEED_MAYBE;

	if (!open)
		set |= UINT64_C(1) << RC_UNAUTHORIZED |
		    UINT64_C(1) << RC_FORBIDDEN;
	if (!open && strstr(r->path, ":account_id") != NULL)
		set |= UINT64_C(1) << RC_ACCOUNT_MISMATCH;
	if (!open && r->method != GET)
		set |= UINT64_C(1) << RC_CSRF;
	if (strchr(r->path, ':') != NULL)
		set |= UINT64_C(1) << RC_NOT_FOUND;
	if (r->body.rows != NULL || r->params.rows != NULL)
		set |= UINT64_C(1) << RC_INVALID;
	if (r->method != GET)
		set |= UINT64_C(1) << RC_TOO_LARGE;
	if (r->body.rows != NULL)
		set |= UINT64_C(1) << RC_MEDIA_TYPE;
	if ((r->flags & NO_LIMIT) == 0)
		set |= UINT64_C(1) << RC_RATE_LIMIT;
	if ((r->flags & IDEMPOTENT) != 0)
		set |= UINT64_C(1) << RC_KEY_REUSED |
		    UINT64_C(1) << RC_KEY_RUNNING;
	if ((r->flags & PLANNED) != 0)
		set |= UINT64_C(1) << RC_PLAN_LIMIT;
	if (r->need != NEED_PUBLIC && r->need != NEED_OWN &&
	    (r->flags & FACTOR_TOO) == 0)
		set |= UINT64_C(1) << RC_FACTOR_MISSING;
	for (size_t i = 0; i < ROUTE_FAILS && r->fails[i] != RC_OK; i++)
		set |= UINT64_C(1) << r->fails[i];
	return set;
}
_Static_assert(RC_COUNT <= 64, "a bit a result");

static void
error_answer(struct jw *w, const struct route *r, uint64_t set, int status)
{
	char text[8], about[256] = "";
	size_t n = 0;

	for (int rc = RC_OK + 1; rc < RC_COUNT; rc++)
		if ((set >> rc & 1) != 0 &&
		    result_status((enum rc)rc, r->env) == status)
			n += (size_t)snprintf(about + n, sizeof about - n,
			    "%s%s", n > 0 ? ", " : "",
			    result_word((enum rc)rc, r->env));
	snprintf(text, sizeof text, "%d", status);
	jw_key(w, text);
	jw_object(w);
	JW_TEXT(w, "description", about);
	jw_key(w, "content");
	jw_object(w);
	jw_key(w, error_type(r));
	jw_object(w);
	jw_key(w, "schema");
	if (status == 503 && (r->flags & SICK_TOO) != 0)
		answer_schema(w, r);
	else
		ref(w, error_schema(r));
	jw_object_end(w);
	if ((r->flags & OAUTH) != 0 && r->type != NULL)
		any_of_type(w, r->type);
	if ((r->flags & PAGE_TOO) != 0 && status == 429)
		any_of_type(w, "text/html");
	jw_object_end(w);
	jw_object_end(w);
}

void
openapi_errors(struct jw *w, const struct route *r)
{
	uint64_t set = results(r);

	for (int status = 400; status < 600; status++) {
		bool happens = false;

		for (int rc = RC_OK + 1; rc < RC_COUNT; rc++)
			happens |= (set >> rc & 1) != 0 &&
			    result_status((enum rc)rc, r->env) == status;
		if (happens && status != success_status(r))
			error_answer(w, r, set, status);
	}
}
