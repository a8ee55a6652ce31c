#include "core/json-tree.h"

#include <json-c/json.h>

#include "core/log.h"

static void
tree_end(void *tree)
{
	json_object_put(tree);
}

enum rc
json_tree(
    struct arena *a, struct str text, unsigned depth, struct json_object **out)
{
	struct json_fault fault;
	struct json_tokener *tok;
	struct json_object *tree;

	*out = NULL;
	if (text.n > INT32_MAX)
		return fail(RC_MALFORMED, "JSON too long");
	if (json_scan(text, depth, &fault) != RC_OK)
		return fail(RC_MALFORMED, "JSON line %zu column %zu: %s",
		    fault.line, fault.column, fault.what);
	/* json-c counts the scalar below the last bracket as a level. */
	tok = json_tokener_new_ex((int)depth + 2);
	if (tok == NULL)
		die("no memory");
	tree = json_tokener_parse_ex(tok, text.p, (int)text.n);
	json_tokener_free(tok);
	if (!json_object_is_type(tree, json_type_object)) {
		json_object_put(tree);
		return fail(RC_MALFORMED, "JSON: not an object");
	}
	arena_defer(a, tree_end, tree);
	*out = tree;
	return RC_OK;
}

bool
json_member(struct json_object *o, const char *name)
{
	return json_object_object_get_ex(o, name, NULL);
}

bool
json_given(struct json_object *o, const char *name)
{
	struct json_object *v;

	return json_object_object_get_ex(o, name, &v) &&
	    !json_object_is_type(v, json_type_null);
}

bool
json_str(struct json_object *v, struct str *out)
{
	if (!json_object_is_type(v, json_type_string))
		return false;
	*out = (struct str){ json_object_get_string(v),
		(size_t)json_object_get_string_len(v) };
	return true;
}

bool
json_text(struct json_object *o, const char *name, struct str *out)
{
	struct json_object *v;

	return json_object_object_get_ex(o, name, &v) && json_str(v, out);
}

bool
json_int(struct json_object *o, const char *name, int64_t *out)
{
	struct json_object *v;

	if (!json_object_object_get_ex(o, name, &v) ||
	    !json_object_is_type(v, json_type_int))
		return false;
	*out = json_object_get_int64(v);
	return true;
}

bool
json_list(struct json_object *o, const char *name, struct json_object **out)
{
	return json_object_object_get_ex(o, name, out) &&
	    json_object_is_type(*out, json_type_array);
}

bool
json_inside(struct json_object *o, const char *name, struct json_object **out)
{
	return json_object_object_get_ex(o, name, out) &&
	    json_object_is_type(*out, json_type_object);
}

bool
json_flag(struct json_object *o, const char *name)
{
	struct json_object *v;

	return json_object_object_get_ex(o, name, &v) &&
	    json_object_is_type(v, json_type_boolean) &&
	    json_object_get_boolean(v);
}

size_t
json_count(struct json_object *list)
{
	return (size_t)json_object_array_length(list);
}

struct json_object *
json_at(struct json_object *list, size_t i)
{
	return json_object_array_get_idx(list, i);
}
