#include "web/body.h"

#include <json-c/json.h>

#include "core/json.h"
#include "web/fill.h"
#include "web/params.h"

/* Values that one body may hold: a tree costs some 60 bytes a value, so that
 * 35 MiB of "[0,0,…" would cost a gigabyte. */
#define VALUES_MOST 100000

/* ---- the bytes ---- */

static size_t
body_most(const struct request *rq)
{
	bool large = (rq->route->flags & LARGE_BODY) != 0;

	return large ? BODY_MOST_LARGE : BODY_MOST;
}

static enum rc
announced(const struct request *rq, uint64_t *n)
{
	const char *text = request_var(rq, "CONTENT_LENGTH");

	*n = 0;
	if (text == NULL || text[0] == '\0')
		return RC_OK;
	if (!str_uint(str_of(text), INT64_MAX, n))
		return fail(RC_MALFORMED, "Content-Length is no number");
	if (*n > body_most(rq))
		return fail(RC_TOO_LARGE, "The body may have %zu bytes.",
		    body_most(rq));
	return RC_OK;
}

/* Nothing that came in is unpacked: a small body could be a large one. */
static enum rc
coding_check(const struct request *rq)
{
	struct str coding = str_of(request_var(rq, "HTTP_CONTENT_ENCODING"));

	if (coding.n == 0 || str_ieq(coding, STR("identity")))
		return RC_OK;
	return fail(RC_MEDIA_TYPE, "Send the body without a content coding.");
}

enum rc
body_read(struct request *rq)
{
	uint64_t n;
	size_t have = 0, got;
	char *p;

	TRY(announced(rq, &n));
	if (n == 0)
		return RC_OK;
	TRY(coding_check(rq));
	p = arena_alloc(rq->arena, (size_t)n + 1);
	while (have < n) {
		got = rq->read(rq->from, p + have, (size_t)n - have);
		if (got == 0)
			return fail(RC_MALFORMED, "The body ends early.");
		have += got;
	}
	rq->raw = (struct str){ p, have };
	return RC_OK;
}

/* ---- JSON into structs ---- */

static bool
fill_object(struct request *, const struct field *rows, const struct place *,
    struct json_object *, void *into, uint64_t *given, uint64_t *nulls);

static struct str
node_text(struct json_object *v)
{
	return (struct str){ json_object_get_string(v),
		(size_t)json_object_get_string_len(v) };
}

static bool
wrong_type(struct request *rq, const struct place *at, const char *wanted)
{
	return fill_fault(rq, at, "wrong_type", "%s is expected.", wanted);
}

static bool
secret_fill(struct request *rq, const struct field *f, const struct place *at,
    struct json_object *v, void *into)
{
	struct str text = node_text(v);
	bool ok = fill_text(rq, f, at, text, into);

	/* The tree's copy would outlive the request in the heap. */
	explicit_bzero((char *)(uintptr_t)text.p, text.n);
	return ok;
}

static bool
id_fill(struct request *rq, const struct field *f, const struct place *at,
    struct json_object *v, void *into)
{
	struct str prefix = id_prefix(f->id);

	if (json_object_is_type(v, json_type_int))
		return fill_id_number(
		    rq, f, at, json_object_get_int64(v), into);
	if (!json_object_is_type(v, json_type_string))
		return wrong_type(rq, at, "An id");
	if (prefix.n == 0 || !str_starts(node_text(v), prefix))
		return wrong_type(rq, at,
		    "An id (a number, or with its "
		    "prefix)");
	return fill_id(rq, f, at, node_text(v), into);
}

static bool
json_fill(struct request *rq, const struct field *f, const struct place *at,
    struct json_object *v, void *into)
{
	const char *text = json_object_to_json_string_ext(
	    v, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
	struct str copy = str_of(text);

	if ((int64_t)copy.n > f->most)
		return fill_fault(rq, at, "too_long", "At most %lld bytes.",
		    (long long)f->most);
	copy.p = arena_dup(rq->arena, copy.p, copy.n);
	memcpy((char *)into + f->offset, &copy, sizeof copy);
	return true;
}

static bool
object_fill(struct request *rq, const struct field *f, const struct place *at,
    struct json_object *v, void *into)
{
	void *inner = arena_alloc(rq->arena, f->size);
	uint64_t given = 0, nulls = 0;

	if (!json_object_is_type(v, json_type_object))
		return wrong_type(rq, at, "An object");
	memcpy((char *)into + f->offset, &inner, sizeof inner);
	fill_presets(f->of, inner);
	return fill_object(rq, f->of, at, v, inner, &given, &nulls);
}

static bool
count_ok(
    struct request *rq, const struct field *f, const struct place *at, size_t n)
{
	if ((int64_t)n < f->least)
		return fill_fault(rq, at, "too_few", "At least %lld elements.",
		    (long long)f->least);
	if ((int64_t)n > f->most)
		return fill_fault(rq, at, "too_many", "At most %lld elements.",
		    (long long)f->most);
	return true;
}

static bool
array_fill(struct request *rq, const struct field *f, const struct place *at,
    struct json_object *v, void *into)
{
	struct items items = { NULL, 0 };
	bool ok = true;

	if (!json_object_is_type(v, json_type_array))
		return wrong_type(rq, at, "An array of objects");
	items.n = json_object_array_length(v);
	if (!count_ok(rq, f, at, items.n))
		return false;
	items.p = arena_array(rq->arena, items.n, f->size);
	for (size_t i = 0; i < items.n; i++) {
		struct place spot = { at, NULL, i };
		struct json_object *e = json_object_array_get_idx(v, i);
		void *inner = (char *)items.p + i * f->size;
		uint64_t given = 0, nulls = 0;

		if (!json_object_is_type(e, json_type_object)) {
			ok = wrong_type(rq, &spot, "An object");
			continue;
		}
		fill_presets(f->of, inner);
		ok &= fill_object(rq, f->of, &spot, e, inner, &given, &nulls);
	}
	memcpy((char *)into + f->offset, &items, sizeof items);
	return ok;
}

static bool fill_value(struct request *, const struct field *,
    const struct place *, struct json_object *, void *into);

/* One element. Texts are kept with their length, as the database takes them. */
static bool
item_fill(struct request *rq, const struct field *item,
    const struct place *spot, struct json_object *v, void *into)
{
	const char *text = NULL;
	struct field row = *item;
	struct str str;

	row.offset = 0;
	if (item->kind != FIELD_TEXT && item->kind != FIELD_EMAIL)
		return fill_value(rq, &row, spot, v, into);
	if (!fill_value(rq, &row, spot, v, &text))
		return false;
	str = str_of(text);
	memcpy(into, &str, sizeof str);
	return true;
}

static bool
list_fill(struct request *rq, const struct field *f, const struct place *at,
    struct json_object *v, void *into)
{
	bool many = json_object_is_type(v, json_type_array);
	size_t size = fill_item_size(f->of);
	struct items items = { NULL, 1 };
	bool ok = true;

	if (!many && (f->flags & ONE_OR_MANY) == 0)
		return wrong_type(rq, at, "An array");
	if (many)
		items.n = json_object_array_length(v);
	if (!count_ok(rq, f, at, items.n))
		return false;
	items.p = arena_array(rq->arena, items.n, size);
	for (size_t i = 0; i < items.n; i++) {
		struct place spot = { at, NULL, i };
		struct json_object *e =
		    many ? json_object_array_get_idx(v, i) : v;

		ok &= item_fill(rq, f->of, many ? &spot : at, e,
		    (char *)items.p + i * size);
	}
	memcpy((char *)into + f->offset, &items, sizeof items);
	return ok;
}

static bool
string_fill(struct request *rq, const struct field *f, const struct place *at,
    struct json_object *v, void *into)
{
	if (!json_object_is_type(v, json_type_string))
		return wrong_type(rq, at, "A string");
	switch (f->kind) {
	case FIELD_SECRET: return secret_fill(rq, f, at, v, into);
	case FIELD_ENUM: return fill_enum(rq, f, at, node_text(v), into);
	case FIELD_TIME: return fill_time(rq, f, at, node_text(v), into);
	default: return fill_text(rq, f, at, node_text(v), into);
	}
}

static bool
fill_value(struct request *rq, const struct field *f, const struct place *at,
    struct json_object *v, void *into)
{
	switch (f->kind) {
	case FIELD_INT:
		if (!json_object_is_type(v, json_type_int))
			return wrong_type(rq, at, "A whole number");
		return fill_int(rq, f, at, json_object_get_int64(v), into);
	case FIELD_BOOL:
		if (!json_object_is_type(v, json_type_boolean))
			return wrong_type(rq, at, "true or false");
		return fill_bool(f, json_object_get_boolean(v), into);
	case FIELD_ID: return id_fill(rq, f, at, v, into);
	case FIELD_JSON: return json_fill(rq, f, at, v, into);
	case FIELD_OBJECT: return object_fill(rq, f, at, v, into);
	case FIELD_ARRAY: return array_fill(rq, f, at, v, into);
	case FIELD_LIST: return list_fill(rq, f, at, v, into);
	default: return string_fill(rq, f, at, v, into);
	}
}

static const struct field *
row_named(const struct field *rows, const char *name)
{
	for (const struct field *f = rows; f->kind != FIELD_END; f++)
		if (strcmp(f->name, name) == 0)
			return f;
	return NULL;
}

static bool
unknown_refused(const struct request *rq)
{
	return rq->env == ENV_DATA && (rq->route->flags & UNKNOWN_OK) == 0;
}

static bool
unknown_check(struct request *rq, const struct field *rows,
    const struct place *in, struct json_object *object)
{
	bool ok = true;

	json_object_object_foreach(object, name, value)
	{
		struct place at = { in, name, 0 };

		(void)value;
		if (row_named(rows, name) == NULL)
			ok = fill_fault(rq, &at, "unknown_field",
			    "This field is not known here.");
	}
	return ok;
}

static bool
fill_object(struct request *rq, const struct field *rows,
    const struct place *in, struct json_object *object, void *into,
    uint64_t *given, uint64_t *nulls)
{
	bool ok = true;

	for (size_t i = 0; rows[i].kind != FIELD_END; i++) {
		struct place at = { in, rows[i].name, 0 };
		struct json_object *v;

		if (!json_object_object_get_ex(object, rows[i].name, &v))
			continue;
		*given |= UINT64_C(1) << i;
		if (v != NULL) {
			ok &= fill_value(rq, &rows[i], &at, v, into);
			continue;
		}
		*nulls |= UINT64_C(1) << i;
		if ((rows[i].flags & NULLABLE) == 0)
			ok = fill_fault(
			    rq, &at, "null", "This must not be null.");
	}
	if (unknown_refused(rq) && !unknown_check(rq, rows, in, object))
		ok = false;
	return fill_missing(rq, rows, in, *given) && ok;
}

/* ---- protected fields ---- */

/* The first document refuses unknown fields; the others ignore them, so that
 * a client may send back the object it got. What would change who one is must
 * then be what it already is. */
static bool
id_is(struct json_object *v, int64_t id)
{
	return json_object_is_type(v, json_type_int) &&
	    json_object_get_int64(v) == id;
}

static bool
same_id(const struct request *rq, struct json_object *v)
{
	for (size_t i = ROUTE_ARGS; i-- > 0;)
		if (rq->args[i].id != 0)
			return id_is(v, rq->args[i].id);
	return false;
}

static bool
same_user(const struct request *rq, struct json_object *v)
{
	return rq->actor.admin || id_is(v, rq->actor.user);
}

static bool
same_account(const struct request *rq, struct json_object *v)
{
	return id_is(v, rq->actor.account);
}

static bool
same_role(const struct request *rq, struct json_object *v)
{
	const char *role = rq->actor.admin ? "admin" : "user";

	return json_object_is_type(v, json_type_string) &&
	    (str_eq(node_text(v), str_of(role)) ||
		str_eq(node_text(v), str_of(role_name(rq->actor.role))));
}

static bool
same_active(const struct request *rq, struct json_object *v)
{
	(void)rq; /* an actor that is not active does not come this far */
	return json_object_is_type(v, json_type_boolean) &&
	    json_object_get_boolean(v);
}

static const struct {
	const char *name;
	bool (*same)(const struct request *, struct json_object *);
} protected[] = {
	{ "id", same_id },
	{ "user_id", same_user },
	{ "account_id", same_account },
	{ "role", same_role },
	{ "is_active", same_active },
};

static enum rc
protected_check(
    struct request *rq, const struct field *rows, struct json_object *object)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < sizeof protected / sizeof protected[0]; i++) {
		struct place at = { NULL, protected[i].name, 0 };
		struct json_object *v;

		if (row_named(rows, protected[i].name) != NULL ||
		    !json_object_object_get_ex(object, protected[i].name, &v) ||
		    v == NULL || protected[i].same(rq, v))
			continue;
		(void)fill_fault(
		    rq, &at, "protected", "This field cannot be changed here.");
		rc = RC_FORBIDDEN;
	}
	return rc;
}

/* ---- the whole ---- */

/* Commas and opening brackets outside strings: no tree has more values. */
static size_t
values_most(struct str s)
{
	bool quoted = false;
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (quoted && s.p[i] == '\\')
			i++;
		else if (s.p[i] == '"')
			quoted = !quoted;
		else if (!quoted)
			n += s.p[i] == ',' || s.p[i] == '[' || s.p[i] == '{';
	}
	return n;
}

static enum rc
scan(struct request *rq)
{
	struct json_fault f = { 0 };
	enum rc rc = json_scan(rq->raw, BODY_DEPTH, &f);

	if (rc != RC_OK)
		return fail(rc, "line %zu, column %zu: %s%s%s", f.line,
		    f.column, f.what, f.path[0] != '\0' ? " at " : "", f.path);
	if (values_most(rq->raw) > VALUES_MOST)
		return fail(RC_TOO_LARGE, "more than %d values", VALUES_MOST);
	return RC_OK;
}

static void
tree_free(void *tree)
{
	json_object_put(tree);
}

/* What json_scan let pass json-c reads too; the tree ends with the arena. */
static enum rc
tree_read(struct request *rq, struct json_object **out)
{
	struct json_tokener *tok = json_tokener_new_ex(BODY_DEPTH + 1);

	if (tok == NULL)
		die("out of memory");
	*out = json_tokener_parse_ex(tok, rq->raw.p, (int)rq->raw.n);
	if (*out == NULL) /* the end of the text ends a bare value */
		*out = json_tokener_parse_ex(tok, "", -1);
	json_tokener_free(tok);
	if (*out != NULL)
		arena_defer(rq->arena, tree_free, *out);
	if (!json_object_is_type(*out, json_type_object))
		return fail(RC_MALFORMED, "a JSON object is expected");
	return RC_OK;
}

static enum rc
json_body(struct request *rq, const struct shape *shape)
{
	struct json_object *tree;

	TRY(scan(rq));
	TRY(tree_read(rq, &tree));
	(void)fill_object(
	    rq, shape->rows, NULL, tree, rq->body, &rq->given, &rq->nulls);
	if (rq->env == ENV_SUCCESS || rq->env == ENV_OK)
		TRY(protected_check(rq, shape->rows, tree));
	return fault_rc(rq);
}

static enum rc
form_body(struct request *rq, const struct shape *shape)
{
	struct pairs *pairs = ARENA_NEW(rq->arena, struct pairs);

	TRY(pairs_read(rq->arena, rq->raw, pairs));
	pairs_fill(rq, pairs, shape->rows, rq->body, &rq->given);
	return fault_rc(rq);
}

/* "application/json; charset=utf-8" without what follows the semicolon. */
static struct str
media_type(const struct request *rq)
{
	struct str s = str_of(request_var(rq, "CONTENT_TYPE"));
	const char *semi = s.n == 0 ? NULL : memchr(s.p, ';', s.n);

	if (semi != NULL)
		s.n = (size_t)(semi - s.p);
	return str_trim(s);
}

static bool
is_json(struct str type)
{
	static const struct str plus = { "+json", 5 };

	if (str_ieq(type, STR("application/json")))
		return true;
	return type.n > sizeof "application/" + plus.n &&
	    strncasecmp(type.p, "application/", 12) == 0 &&
	    str_ieq((struct str){ type.p + type.n - plus.n, plus.n }, plus);
}

static bool
blank(struct str s)
{
	return str_trim(s).n == 0;
}

enum rc
body_fill(struct request *rq)
{
	const struct shape *shape = &rq->route->body;
	struct str type = media_type(rq);

	if (shape->rows == NULL)
		return RC_OK;
	rq->body = arena_alloc(rq->arena, shape->size);
	fill_presets(shape->rows, rq->body);
	if (blank(rq->raw)) {
		(void)fill_missing(rq, shape->rows, NULL, 0);
		return fault_rc(rq);
	}
	if (is_json(type))
		return json_body(rq, shape);
	if ((rq->route->flags & FORM_OK) != 0 &&
	    str_ieq(type, STR("application/x-www-form-urlencoded")))
		return form_body(rq, shape);
	return RC_MEDIA_TYPE;
}

enum rc
fault_add(struct request *rq, const char *field, const char *code,
    const char *message)
{
	struct place at = { NULL, field, 0 };

	(void)fill_fault(rq, &at, code, "%s", message);
	return RC_INVALID;
}

enum rc
fault_taken(struct request *rq, enum rc rc, const char *message)
{
	return rc == RC_CONFLICT ? fault_add(rq, "name", "taken", message) : rc;
}

enum rc
fault_rc(const struct request *rq)
{
	return rq->faults != NULL ? RC_INVALID : RC_OK;
}
