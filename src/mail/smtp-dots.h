/* A message as it goes behind DATA (RFC 5321 4.5.2): dots that begin a line are
 * doubled. A CR or LF that stands alone becomes CRLF, and so does the end of a
 * last line without one, so that no server sees an end where none is. */
#ifndef MAIL_SMTP_DOTS_H
#define MAIL_SMTP_DOTS_H

#include <stdbool.h>
#include <stddef.h>

#include "core/text.h"

/* Begins with the message, and else zeroed. */
struct smtp_dots {
	struct str message;
	size_t at;
	bool inside; /* a line has begun */
};

/* Writes up to `room` bytes, at least 3; returns how many: 0 at the end. */
size_t smtp_dots_next(struct smtp_dots *, char *out, size_t room);

/* The message's size as RFC 1870 3 counts it: without the dots. */
size_t smtp_dots_size(struct str message);

#endif
