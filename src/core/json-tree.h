/* JSON read into a tree: json_scan first, json-c behind it. For documents
 * whose shape is not ours (token headers, key sets); request bodies go through
 * the body rows of src/web. */
#ifndef CORE_JSON_TREE_H
#define CORE_JSON_TREE_H

#include <json-c/json_types.h>

#include "core/json.h"

/* One whole object, at most `depth` deep. RC_MALFORMED with a detail. The
 * tree ends with the arena. */
enum rc json_tree(struct arena *, struct str, unsigned depth,
    struct json_object **) MUST_CHECK;

/* Members by exact type: false where the member is missing, null or of
 * another type. An integer written as 1.0 or 1e3 is no integer. The text is
 * borrowed from the tree. */
bool json_member(struct json_object *, const char *name);
bool json_given(struct json_object *, const char *name); /* and not null */
bool json_text(struct json_object *, const char *name, struct str *);
bool json_int(struct json_object *, const char *name, int64_t *);
bool json_list(struct json_object *, const char *name, struct json_object **);
bool json_flag(struct json_object *, const char *name); /* true is there */
bool json_inside(struct json_object *, const char *name, struct json_object **);

/* How long a list is, and what stands in it. */
size_t json_count(struct json_object *);
struct json_object *json_at(struct json_object *, size_t);

/* A string node as text; false where it is none. */
bool json_str(struct json_object *, struct str *);

#endif
