/* Header fields (RFC 5322 2.2), read where they stand in a message. */
#ifndef MAIL_HEADER_H
#define MAIL_HEADER_H

#include <stdbool.h>

#include "core/arena.h"
#include "core/text.h"
#include "mail/parameter.h"

#define HEADER_FIELD_MOST (100 * 1024) /* bytes of one field that are read */
#define HEADER_MOST       (10 * 1024 * 1024) /* of a header that are looked at */

/* The next field of a header from `*at` on: its name, and its value still
 * folded, without the line end, cut at HEADER_FIELD_MOST. Lines that are no
 * fields are passed over. False at the end. */
bool
header_next(struct str header, size_t *at, struct str *name, struct str *value);

/* The first field of this name, in any case; p == NULL: not there. */
struct str header_find(struct str header, const char *name);

/* Decoded (RFC 2047), unfolded, valid UTF-8, at most `max` bytes. */
struct str
header_text(struct arena *, struct str header, const char *name, size_t max);

/* "text/plain; charset=utf-8": what stands before the first semicolon, in
 * lower case, and the decoded parameters behind. Comments are passed over. */
struct header_value {
	struct str main; /* "" where there is none */
	const struct parameter *parameter;
	size_t parameters;
};
void header_value_read(struct arena *, struct str value, struct header_value *);

#endif
