/* The wire of an IMAP server, cut into responses (RFC 9051 2.2).
 *
 * Bytes go in as they come, in pieces of any size; out come frames: one
 * response with its literals, whatever the cuts. Lines end with CRLF only: a
 * bare LF in a header that a server quotes must not begin a response of the
 * sender's own.
 *
 * A frame over its limits is not an error at once, or one odd mail would close
 * a mailbox for ever: the rest of it is skipped, up to `skip` bytes, and the
 * frame is marked `cut`. */
#ifndef MAIL_IMAP_READER_H
#define MAIL_IMAP_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/buffer.h"
#include "core/text.h"

#define IMAP_LINE_MOST 65536

struct imap_literal {
	size_t at;     /* where its bytes stand in the frame */
	size_t n;      /* bytes kept there */
	uint64_t size; /* bytes announced */
	bool taken;    /* the sink got them; n is 0 */
};

struct imap_frame {
	const char *p; /* without the last CRLF */
	size_t n;
	const struct imap_literal *literal;
	size_t literals;
	bool cut; /* something was left out; the text ends there */
};

struct imap_limits {
	size_t line;      /* bytes outside of literals */
	uint64_t literal; /* bytes of one literal that is kept */
	size_t kept;      /* bytes of all literals of one frame */
	uint64_t skip;    /* bytes left out before it is an error */
	bool lines_only;  /* nothing is a literal (before the engine is in step)
			   */
};

/* Where large literals go instead of into the frame. `wants` sees the
 * response up to its "{n}"; data() may fail, which ends the reading. */
struct imap_sink {
	bool (*wants)(void *arg, struct str before, uint64_t size);
	enum rc (*data)(void *arg, const void *, size_t);
	void *arg;
};

struct imap_reader;

struct imap_reader *imap_reader_new(void);
void imap_reader_free(struct imap_reader **);
void imap_reader_limit(struct imap_reader *, const struct imap_limits *);
void imap_reader_sink(struct imap_reader *, const struct imap_sink *);
extern const struct imap_limits imap_limits_usual;

/* Takes bytes up to the end of one response. *used says how many; *frame is
 * NULL as long as it is not complete, and else valid until the next call.
 * RC_PAYLOAD: more than can be skipped; the connection is of no use then. */
enum rc imap_reader_feed(struct imap_reader *, const char *, size_t,
    size_t *used, const struct imap_frame **frame) MUST_CHECK;

/* Is a response half read? (At the end of a connection it is lost.) */
bool imap_reader_midway(const struct imap_reader *);

/* Between responses: gives large memory back. */
void imap_reader_shrink(struct imap_reader *);

#endif
