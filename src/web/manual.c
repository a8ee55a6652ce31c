#include "web/manual.h"

#include <stdio.h>

#include "core/result.h"

/* ---- fields ---- */

static const char *const kinds[] = {
	[FIELD_TEXT] = "text",
	[FIELD_INT] = "integer",
	[FIELD_BOOL] = "true or false",
	[FIELD_ENUM] = "one of",
	[FIELD_TIME] = "time",
	[FIELD_ID] = "id",
	[FIELD_SECRET] = "text, secret",
	[FIELD_EMAIL] = "address",
	[FIELD_JSON] = "JSON",
	[FIELD_OBJECT] = "object",
	[FIELD_ARRAY] = "array of objects",
	[FIELD_LIST] = "array",
	[FIELD_NUMBER] = "number",
};

static void
words(struct page_doc *doc, const struct field *f)
{
	for (const char *const *w = f->words; *w != NULL; w++) {
		page_html(doc, w == f->words ? " <code>" : ", <code>");
		page_text(doc, *w);
		page_html(doc, "</code>");
	}
}

/* What is counted is said only where the row counts it. */
static void
range(struct page_doc *doc, const struct field *f)
{
	static const char *const units[] = {
		[FIELD_TEXT] = " characters",
		[FIELD_SECRET] = " characters",
		[FIELD_INT] = "",
		[FIELD_ARRAY] = " elements",
		[FIELD_LIST] = " elements",
		[FIELD_NUMBER] = NULL,
	};
	char text[80];

	if (f->most == 0 || units[f->kind] == NULL)
		return;
	snprintf(text, sizeof text, ", %lld to %lld%s", (long long)f->least,
	    (long long)f->most, units[f->kind]);
	page_text(doc, text);
}

static void
preset(struct page_doc *doc, const struct field *f)
{
	char text[32];

	if (!f->has_preset)
		return;
	page_html(doc, "; <code>");
	snprintf(text, sizeof text, "%lld", (long long)f->preset);
	page_text(doc,
	    f->kind == FIELD_BOOL       ? (f->preset ? "true" : "false")
		: f->kind == FIELD_ENUM ? f->words[f->preset]
					: text);
	page_html(doc, "</code> where absent");
}

static void fields(struct page_doc *, const char *title, const struct field *);

static void
field(struct page_doc *doc, const struct field *f)
{
	page_html(doc, "<dt><code>");
	page_text(doc, f->name);
	page_html(doc, "</code></dt>\n<dd>");
	page_text(doc, kinds[f->kind]);
	if (f->kind == FIELD_ENUM)
		words(doc, f);
	range(doc, f);
	if ((f->flags & REQUIRED) != 0)
		page_html(doc, ", required");
	if ((f->flags & NULLABLE) != 0)
		page_html(doc, ", or null");
	preset(doc, f);
	page_html(doc, ". ");
	page_text(doc, f->about);
	if (f->kind == FIELD_OBJECT || f->kind == FIELD_ARRAY)
		fields(doc, NULL, f->of);
	page_html(doc, "</dd>\n");
}

static void
fields(struct page_doc *doc, const char *title, const struct field *rows)
{
	if (rows == NULL || rows->kind == FIELD_END)
		return;
	if (title != NULL) {
		page_html(doc, "<h3>");
		page_text(doc, title);
		page_html(doc, "</h3>\n");
	}
	page_html(doc, "<dl>\n");
	for (; rows->kind != FIELD_END; rows++)
		field(doc, rows);
	page_html(doc, "</dl>\n");
}

/* ---- answers ---- */

static void
columns(struct page_doc *doc, const struct col *c)
{
	const char *between = "";

	page_html(doc, ": ");
	for (; c->name != NULL; c++) {
		page_html(doc, between);
		page_html(doc, "<code>");
		page_text(doc, c->name);
		page_html(doc, "</code>");
		between = ", ";
	}
}

static void
answer(struct page_doc *doc, const struct route *r)
{
	char status[16];

	page_html(doc, "<h3>Answer</h3>\n<p>");
	snprintf(status, sizeof status, "%d", r->status != 0 ? r->status : 200);
	page_text(doc, status);
	if (r->type != NULL) {
		page_html(doc, ", ");
		page_text(doc, r->type);
	}
	if (r->many)
		page_html(doc, ", a list of");
	if (r->row != NULL)
		columns(doc, r->row);
	page_html(doc, "</p>\n");
	fields(doc, NULL, r->answer);
}

static void
fails(struct page_doc *doc, const struct route *r)
{
	const char *between = "<p>Beyond the usual errors: ";

	for (size_t i = 0; i < ROUTE_FAILS && r->fails[i] != RC_OK; i++) {
		char text[16];

		page_html(doc, between);
		snprintf(text, sizeof text, "%d ",
		    result_status(r->fails[i], r->env));
		page_text(doc, text);
		page_html(doc, "<code>");
		page_text(doc, result_word(r->fails[i], r->env));
		page_html(doc, "</code>");
		between = ", ";
	}
	if (r->fails[0] != RC_OK)
		page_html(doc, "</p>\n");
}

/* ---- operations ---- */

static const char *
who(enum need need)
{
	static const char *const text[NEED_COUNT] = {
		[NEED_PUBLIC] = "Anybody.",
		[NEED_MAYBE] = "Anybody; who is signed in sees more.",
		[NEED_ANY] = "Whoever is signed in.",
		[NEED_READ] = "Viewers and up.",
		[NEED_WRITE] = "Members and up.",
		[NEED_OWNER] = "Owners.",
		[NEED_USER] = "A person who is signed in.",
		[NEED_SELF] = "Admins, and the user it is about.",
		[NEED_ADMIN] = "Admins.",
		[NEED_APP_ADMIN] = "Admins, and machine clients that may.",
		[NEED_OWN] = "Who knows its secret.",
	};

	return text[need];
}

static void
operation(struct page_doc *doc, const struct route *r)
{
	page_html(doc, "<details>\n<summary><code>");
	page_text(doc, method_name(r->method));
	page_html(doc, " ");
	page_text(doc, r->path);
	page_html(doc, "</code> ");
	page_text(doc, r->summary);
	page_html(doc, "</summary>\n<p>");
	page_text(doc, r->about);
	page_html(doc, " ");
	page_text(doc, who(r->need));
	if ((r->flags & IDEMPOTENT) != 0)
		page_html(doc,
		    " With an <code>Idempotency-Key</code> the work is done "
		    "once.");
	page_html(doc, "</p>\n");
	fields(doc, "Query", r->params.rows);
	fields(doc, "Body", r->body.rows);
	answer(doc, r);
	fails(doc, r);
	page_html(doc, "</details>\n");
}

void
manual_write(struct page_doc *doc, const struct family *const *all)
{
	page_html(doc,
	    "<p>For programs: <a href=\"/openapi.json\">/openapi.json</a> and "
	    "<a href=\"/auth/openapi.json\">/auth/openapi.json</a>.</p>\n");
	for (; *all != NULL; all++) {
		page_html(doc, "<h2>");
		page_text(doc, (*all)->name);
		page_html(doc, "</h2>\n");
		for (size_t i = 0; i < (*all)->count; i++)
			operation(doc, &(*all)->routes[i]);
	}
}
