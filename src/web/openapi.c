#include "web/openapi.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/log.h"
#include "db/row.h"
#include "web/body.h"
#include "web/openapi-parts.h"
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
	openapi_answers(w, r, twin != NULL ? twin->r : NULL);
	openapi_errors(w, r);
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

/* ---- the whole ---- */

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
	if (part == OPENAPI_API)
		openapi_webhooks(&w);
	openapi_components(&w);
	jw_object_end(&w);
	free(d);
}
