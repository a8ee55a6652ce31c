/* Parameters of Content-Type and Content-Disposition: continuations and
 * charsets (RFC 2231), and the encoded words that mailers put there though
 * RFC 2047 5 forbids it. */
#ifndef MAIL_PARAMETER_H
#define MAIL_PARAMETER_H

#include <stddef.h>

#include "core/arena.h"
#include "core/text.h"

#define PARAMETER_MOST    64
#define PARAMETER_LONGEST 4096 /* bytes of a decoded value */

struct parameter {
	struct str name; /* as written, or without its *0* when decoded */
	struct str value;
};

/* Decodes up to PARAMETER_MOST of the `n` given; the rest is left out. Names
 * keep the order of their first piece; of a name given twice the first
 * counts; the extended form wins over the plain one (RFC 6266 4.3). Values are
 * valid UTF-8. Returns how many. */
size_t parameter_decode(struct arena *, const struct parameter *in, size_t n,
    struct parameter **out);

/* One of them, as parameter_decode would give it; p == NULL: not there. */
struct str parameter_get(
    struct arena *, const struct parameter *in, size_t n, const char *name);

/* The value of a name in any case; p == NULL: not there. */
struct str parameter_find(const struct parameter *, size_t n, const char *name);

#endif
