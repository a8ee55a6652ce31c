/* The message behind DATA, as a server reads it (RFC 5321 4.1.1.4, 4.5.2): dots
 * undone, and its end found. Only CRLF . CRLF is an end. A CR or LF that
 * stands alone spoils the message, whose end is looked for all the same, so
 * that what comes behind it is never taken for commands. */
#ifndef MAIL_SMTP_TEXT_H
#define MAIL_SMTP_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "core/text.h"

/* Zeroed where a message begins. */
struct smtp_text {
	enum {
		SMTP_TEXT_BEGIN, /* of a line */
		SMTP_TEXT_DOT,   /* it begins with one */
		SMTP_TEXT_DOT_CR,
		SMTP_TEXT_INSIDE,
		SMTP_TEXT_CR,
	} at;
	bool ended;
	bool bare; /* it is spoiled; no more of it is given out */
};

/* What one call may give out beyond the bytes that it reads. */
#define SMTP_TEXT_MORE 2

/* Reads from `in` up to the end of the message at most, and says how many
 * bytes; `out` has room for in.n + SMTP_TEXT_MORE. */
size_t
smtp_text_take(struct smtp_text *, struct str in, char *out, size_t *out_n);

#endif
