#include "web/openapi.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/log.h"
#include "db/row.h"
#include "web/body.h"
#include "web/openapi-schema.h"

#define ROUTES_MOST 512

struct row {
	const struct route *r;
	const struct family *family;
};

struct doc {
	struct jw *w;
	struct row rows[ROUTES_MOST];
	size_t n;
};

/* ---- which routes ---- */

static bool
is_auth(const char *path)
{
	struct str p = str_of(path);

	return str_starts(p, STR("/auth/")) || str_starts(p, STR("/oauth2/")) ||
	    str_starts(p, STR("/.well-known/"));
}

static int
by_path(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	int order = strcmp(x->r->path, y->r->path);

	if (order == 0)
		order = (int)x->r->method - (int)y->r->method;
	return order != 0 ? order : (int)x->r->door - (int)y->r->door;
}

static void
collect(struct doc *d, const struct family *const *all, enum openapi_part part)
{
	for (; *all != NULL; all++) {
		for (size_t i = 0; i < (*all)->count; i++) {
			const struct route *r = &(*all)->routes[i];

			if (is_auth(r->path) != (part == OPENAPI_AUTH))
				continue;
			if (d->n == ROUTES_MOST)
				die("more than %d routes", ROUTES_MOST);
			d->rows[d->n++] = (struct row){ r, *all };
		}
	}
	qsort(d->rows, d->n, sizeof d->rows[0], by_path);
}

/* ---- names ---- */

/* "/api/tasks/:id" as "/api/tasks/{id}" */
static void
path_text(const char *path, char *out, size_t size)
{
	size_t n = 0;
	bool open = false;

	for (const char *p = path;; p++) {
		if (open && (*p == '/' || *p == '\0') && n + 1 < size) {
			out[n++] = '}';
			open = false;
		}
		if (*p == '\0' || n + 2 >= size)
			break;
		open |= *p == ':';
		out[n++] = *p == ':' ? '{' : *p;
	}
	out[n] = '\0';
}

static const char *const method_lower[METHOD_COUNT] = { "", "get", "post",
	"put", "patch", "delete" };

/* "post_api_tasks_id_trigger" */
static void
operation_id(const struct route *r, char *out, size_t size)
{
	size_t n = 0;
	bool gap = true;

	n = (size_t)snprintf(out, size, "%s", method_lower[r->method]);
	for (const char *p = r->path; *p != '\0' && n + 2 < size; p++) {
		bool word = isalnum((unsigned char)*p) != 0;

		if (word && gap)
			out[n++] = '_';
		if (word)
			out[n++] = (char)tolower((unsigned char)*p);
		gap = !word;
	}
	out[n] = '\0';
}

static const char *const envelope_names[] = {
	[ENV_DATA] = "data",
	[ENV_RAW] = "raw",
	[ENV_SUCCESS] = "success",
	[ENV_OK] = "ok",
	[ENV_PAGE] = "page",
};

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

/* ---- parameters ---- */

static void
path_params(struct jw *w, const struct route *r)
{
	for (const char *p = r->path; *p != '\0'; p++) {
		struct str name = { p + 1, 0 };
		enum id_kind kind;

		if (*p != ':')
			continue;
		name.n = strcspn(name.p, "/");
		jw_object(w);
		jw_key(w, "name");
		jw_str(w, name);
		JW_TEXT(w, "in", "path");
		JW_BOOL(w, "required", true);
		jw_key(w, "schema");
		if (route_arg_kind(r, name, &kind)) {
			schema_path_id(w, kind);
		} else {
			jw_object(w);
			JW_TEXT(w, "type", "string");
			jw_object_end(w);
		}
		jw_object_end(w);
	}
}

static void
query_params(struct jw *w, const struct route *r)
{
	struct schema_style s = { .use = SCHEMA_PARAM };

	if (r->params.rows == NULL)
		return;
	for (const struct field *f = r->params.rows; f->kind != FIELD_END;
	     f++) {
		jw_object(w);
		JW_TEXT(w, "name", f->name);
		JW_TEXT(w, "in", "query");
		JW_BOOL(w, "required", (f->flags & REQUIRED) != 0);
		if (f->about != NULL)
			JW_TEXT(w, "description", f->about);
		jw_key(w, "schema");
		schema_field(w, f, &s);
		jw_object_end(w);
	}
}

static void
header_params(struct jw *w, const struct route *r)
{
	if ((r->flags & IDEMPOTENT) == 0)
		return;
	jw_object(w);
	JW_TEXT(w, "$ref", "#/components/parameters/IdempotencyKey");
	jw_object_end(w);
}

/* ---- request body ---- */

static bool
any_required(const struct field *rows)
{
	for (const struct field *f = rows; f->kind != FIELD_END; f++)
		if ((f->flags & REQUIRED) != 0)
			return true;
	return false;
}

static void
request_body(struct jw *w, const struct route *r)
{
	static const char *const types[] = { "application/json",
		"application/x-www-form-urlencoded" };
	struct schema_style s = {
		.use = SCHEMA_BODY,
		.closed = r->env == ENV_DATA && (r->flags & UNKNOWN_OK) == 0,
	};
	size_t n = (r->flags & FORM_OK) != 0 ? 2 : 1;

	if (r->body.rows == NULL)
		return;
	jw_key(w, "requestBody");
	jw_object(w);
	JW_BOOL(w, "required", any_required(r->body.rows));
	jw_key(w, "content");
	jw_object(w);
	for (size_t i = 0; i < n; i++) {
		jw_key(w, types[i]);
		jw_object(w);
		jw_key(w, "schema");
		schema_fields(w, r->body.rows, &s);
		jw_object_end(w);
	}
	jw_object_end(w);
	jw_object_end(w);
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

/* The same path at two doors is one operation: the answer is either's. */
static void
content(struct jw *w, const struct row *row, const struct row *twin)
{
	const struct route *r = row->r;

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
			answer_schema(w, twin->r);
			jw_array_end(w);
			jw_object_end(w);
		}
	}
	jw_object_end(w);
	jw_object_end(w);
}

/* A page where usually a redirect is answered, or the other way round. */
static void
success_also(struct jw *w, const struct row *row)
{
	char text[8];

	snprintf(text, sizeof text, "%d", row->r->also);
	jw_key(w, text);
	jw_object(w);
	JW_TEXT(w, "description",
	    row->r->also / 100 == 3 ? "Go there." : "A page.");
	if (row->r->also / 100 != 3)
		content(w, row, NULL);
	jw_object_end(w);
}

static void
success(struct jw *w, const struct row *row, const struct row *twin)
{
	const struct route *r = row->r;
	int status = success_status(r);
	char text[8];

	snprintf(text, sizeof text, "%d", status);
	jw_key(w, text);
	jw_object(w);
	JW_TEXT(w, "description", r->summary != NULL ? r->summary : "Done.");
	if (status != 204 && status / 100 != 3)
		content(w, row, twin);
	jw_object_end(w);
	if (r->also != 0)
		success_also(w, row);
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
		content(w, row, NULL);
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
	jw_object_end(w);
	jw_object_end(w);
}

static void
errors(struct jw *w, const struct route *r)
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

/* ---- operations ---- */

static void
security(struct jw *w, const struct route *r)
{
	static const char *const ways[] = { "bearer", "session" };
	bool open = r->need == NEED_PUBLIC || r->need == NEED_OWN;

	jw_key(w, "security");
	jw_array(w);
	if (r->need == NEED_MAYBE) {
		jw_object(w);
		jw_object_end(w);
	}
	for (size_t i = 0; i < 2 && !open; i++) {
		jw_object(w);
		jw_key(w, ways[i]);
		jw_array(w);
		jw_array_end(w);
		jw_object_end(w);
	}
	jw_array_end(w);
}

static void
operation(struct jw *w, const struct row *row, const struct row *twin)
{
	const struct route *r = row->r;
	char id[256];

	operation_id(r, id, sizeof id);
	jw_key(w, method_lower[r->method]);
	jw_object(w);
	JW_TEXT(w, "operationId", id);
	jw_key(w, "tags");
	jw_array(w);
	jw_text(w, row->family->name);
	jw_array_end(w);
	if (r->summary != NULL)
		JW_TEXT(w, "summary", r->summary);
	if (r->about != NULL)
		JW_TEXT(w, "description", r->about);
	JW_TEXT(w, "x-least-role", need_name(r->need));
	JW_TEXT(w, "x-envelope", envelope_names[r->env]);
	security(w, r);
	jw_key(w, "parameters");
	jw_array(w);
	path_params(w, r);
	query_params(w, r);
	header_params(w, r);
	jw_array_end(w);
	request_body(w, r);
	jw_key(w, "responses");
	jw_object(w);
	success(w, row, twin);
	errors(w, r);
	jw_object_end(w);
	jw_object_end(w);
}

static bool
same_operation(const struct row *a, const struct row *b)
{
	return a->r->method == b->r->method &&
	    strcmp(a->r->path, b->r->path) == 0;
}

static void
paths(struct doc *d)
{
	const char *open = "";
	char text[256];

	for (size_t i = 0; i < d->n; i++) {
		const struct row *row = &d->rows[i];
		const struct row *twin = NULL;

		if (strcmp(open, row->r->path) != 0) {
			if (open[0] != '\0')
				jw_object_end(d->w);
			open = row->r->path;
			path_text(open, text, sizeof text);
			jw_key(d->w, text);
			jw_object(d->w);
		}
		if (i + 1 < d->n && same_operation(row, &d->rows[i + 1]))
			twin = &d->rows[++i];
		operation(d->w, row, twin);
	}
	if (open[0] != '\0')
		jw_object_end(d->w);
}

/* ---- what all share ---- */

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

static void
components(struct jw *w)
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

static void
info(struct jw *w, enum openapi_part part, const char *base_url)
{
	bool auth = part == OPENAPI_AUTH;

	JW_TEXT(w, "openapi", "3.1.0");
	jw_key(w, "info");
	jw_object(w);
	JW_TEXT(w, "title", auth ? "Letterrack Auth" : "Letterrack");
	JW_TEXT(w, "version", PACKAGE_VERSION);
	JW_TEXT(w, "description",
	    auth ? "Signing in and tokens."
		 : "Mailboxes in sync, threads, review and sending.");
	jw_key(w, "license");
	jw_object(w);
	JW_TEXT(w, "name", "MIT");
	JW_TEXT(w, "identifier", "MIT");
	jw_object_end(w);
	jw_object_end(w);
	jw_key(w, "servers");
	jw_array(w);
	jw_object(w);
	JW_TEXT(w, "url", base_url);
	jw_object_end(w);
	jw_array_end(w);
}

void
openapi_write(struct buf *out, const struct family *const *all,
    enum openapi_part part, const char *base_url)
{
	struct doc *d = calloc(1, sizeof *d);
	struct jw w = jw_on(out);

	if (d == NULL)
		die("out of memory");
	d->w = &w;
	collect(d, all, part);
	jw_object(&w);
	info(&w, part, base_url);
	jw_key(&w, "paths");
	jw_object(&w);
	paths(d);
	jw_object_end(&w);
	components(&w);
	jw_object_end(&w);
	free(d);
}
