/* Replies of SMTP servers (RFC 5321 4.2), found in bytes that come in pieces of
 * any size. */
#ifndef MAIL_SMTP_REPLY_H
#define MAIL_SMTP_REPLY_H

#include <stdbool.h>
#include <stddef.h>

#include "core/result.h"

#define SMTP_TEXT_MOST   400
#define SMTP_STATUS_MOST 12
#define SMTP_REPLY_MOST  ((size_t)16 << 10) /* bytes of one reply */

struct smtp_reply {
	int code;                      /* 200..599 */
	char status[SMTP_STATUS_MOST]; /* "5.1.1" (RFC 3463), or "" */
	/* All its lines as one of UTF-8: code, status and words, without
	 * controls, cut where they are long. */
	char text[SMTP_TEXT_MOST];
};

/* Zeroed, it waits for the first byte of a reply. */
struct smtp_reader {
	struct smtp_reply reply; /* what has come of it */
	size_t text_n, line_at;  /* where its present line begins in the text */
	size_t total;            /* bytes of this reply */
	size_t column;           /* in its present line */
	char head[4];            /* code and what stands behind it */
	unsigned lines;
};

/* Takes bytes, at most to the end of one reply; *used says how many. *done: the
 * reply is `out`, and the reader waits for the next. RC_PAYLOAD: this is no
 * reply, or one without end. */
enum rc smtp_reader_feed(struct smtp_reader *, const char *, size_t n,
    size_t *used, bool *done, struct smtp_reply *out) MUST_CHECK;

#endif
