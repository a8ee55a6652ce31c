/* JSON: a strict scan for what comes in, a writer for what goes out.
 *
 * json-c alone accepts 15 of 188 texts that must be refused and clamps
 * numbers; so each input passes json_scan first (RFC 8259, no duplicate
 * keys, no NUL, no lone surrogate, UTF-8, depth, number range). Output is
 * written straight into a buffer: a tree costs four times as much. */
#ifndef CORE_JSON_H
#define CORE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/buffer.h"
#include "core/clock.h"
#include "core/text.h"

struct json_fault {
	size_t line;      /* from 1 */
	size_t column;    /* in bytes, from 1 */
	const char *what; /* "duplicate key", "number out of range", ... */
	char
	    path[128]; /* the field at fault, "to_json[2].address"; may be "" */
};

#define JSON_DEPTH_MOST 64
#define JSON_KEYS_MOST  65536 /* of all objects open at a time */

/* Checks a whole text. Integers must fit int64, others a finite double.
 * RC_MALFORMED with the fault filled. `depth` counts open brackets, at most
 * JSON_DEPTH_MOST. n log n time; memory bounded by JSON_KEYS_MOST. */
enum rc json_scan(struct str, unsigned depth, struct json_fault *) MUST_CHECK;

/* The writer. Commas are its own work: a value behind a value gets one. It
 * never fails; the buffer's `full` tells at the end. */
struct jw {
	struct buf *out; /* borrowed */
	bool comma;      /* a value stands before the next one */
};

static inline struct jw
jw_on(struct buf *b)
{
	return (struct jw){ b, false };
}
void jw_object(struct jw *);
void jw_object_end(struct jw *);
void jw_array(struct jw *);
void jw_array_end(struct jw *);
void jw_key(struct jw *, const char *); /* plain ASCII of our own */
void jw_str(struct jw *, struct str);   /* p == NULL writes null; broken UTF-8
					 * becomes U+FFFD */
void jw_text(struct jw *, const char *);
void jw_int(struct jw *, int64_t);
void jw_bool(struct jw *, bool);
void jw_null(struct jw *);
void jw_raw(struct jw *, struct str); /* JSON that is JSON already */
void jw_time(struct jw *, instant, enum time_form); /* none writes null */

#define JW_TEXT(w, k, v) (jw_key((w), (k)), jw_text((w), (v)))
#define JW_INT(w, k, v)  (jw_key((w), (k)), jw_int((w), (v)))
#define JW_BOOL(w, k, v) (jw_key((w), (k)), jw_bool((w), (v)))

#endif
