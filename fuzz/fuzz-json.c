/* What json_scan accepts json-c reads, and prints as something that is accepted
 * again. What jw_str writes is accepted, whatever the bytes were, and reads as
 * their repaired text. */

#include <json-c/json.h>

#include "core/json.h"
#include "fuzz.h"

static struct json_object *
tree_of(struct str text)
{
	struct json_tokener *t = json_tokener_new_ex(JSON_DEPTH_MOST + 1);
	struct json_object *tree;

	HOLDS(t != NULL);
	json_tokener_set_flags(
	    t, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	tree = json_tokener_parse_ex(t, text.p, (int)text.n);
	/* A number or a word may go on behind what it was given. */
	if (json_tokener_get_error(t) == json_tokener_continue)
		tree = json_tokener_parse_ex(t, "", 1);
	HOLDS(json_tokener_get_error(t) == json_tokener_success);
	json_tokener_free(t);
	return tree;
}

static void
read_as_tree(struct str text)
{
	struct json_fault fault = { 0 };
	struct json_object *tree;
	const char *printed;

	if (json_scan(text, 16, &fault) != RC_OK) {
		HOLDS(fault.what != NULL && fault.line > 0 && fault.column > 0);
		HOLDS(utf8_valid(fault.path, strlen(fault.path)));
		return;
	}
	tree = tree_of(text);
	printed = json_object_to_json_string_ext(tree, JSON_C_TO_STRING_PLAIN);
	HOLDS(json_scan(str_of(printed), 16, &fault) == RC_OK);
	json_object_put(tree);
}

static void
write_as_text(struct str text)
{
	struct arena *a = arena_new(64 << 20);
	struct str want = utf8_repair(a, text);
	struct json_object *tree;
	struct json_fault fault;
	struct buf b;
	struct jw w;

	buf_init(&b, 64 << 20);
	w = jw_on(&b);
	jw_str(&w, text);
	HOLDS(json_scan((struct str){ b.p, b.n }, 1, &fault) == RC_OK);
	tree = tree_of((struct str){ b.p, b.n });
	HOLDS(str_eq(want,
	    (struct str){ json_object_get_string(tree),
		(size_t)json_object_get_string_len(tree) }));
	json_object_put(tree);
	buf_clear(&b);
	arena_free(&a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct str text = { (const char *)p, n };

	read_as_tree(text);
	/* NUL is written, and refused when read. */
	if (n > 0 && memchr(p, 0, n) == NULL)
		write_as_text(text);
	return 0;
}
