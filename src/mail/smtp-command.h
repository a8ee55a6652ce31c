/* What a client says to an SMTP server (RFC 5321 4.1), read where it stands:
 * lines, paths, parameters. Pure. */
#ifndef MAIL_SMTP_COMMAND_H
#define MAIL_SMTP_COMMAND_H

#include <stdbool.h>

#include "core/arena.h"
#include "core/text.h"

enum smtp_line {
	SMTP_LINE_MORE, /* its end has not come yet */
	SMTP_LINE_WHOLE,
	SMTP_LINE_LONG, /* longer than it may be */
	SMTP_LINE_BARE, /* a CR or LF that stands alone */
};

/* The first line of `in`, without its CRLF; `*used` bytes with it. `most`
 * counts the CRLF, too. */
enum smtp_line
smtp_line_read(struct str in, size_t most, struct str *line, size_t *used);

/* "MAIL FROM:<a@b>" is MAIL, and what stands behind the blank. */
struct str smtp_verb_read(struct str line, struct str *args);

enum smtp_path_fault {
	SMTP_PATH_OK,
	SMTP_PATH_SYNTAX,  /* it is no path */
	SMTP_PATH_ADDRESS, /* what stands in it is no address that we take */
};

/* "FROM:<a@b> SIZE=1" of the keyword FROM: the address as it goes over the
 * wire, "" of the null path, and what stands behind. Routes ("<@a:b@c>") and
 * quoted local parts are refused: nobody has sent them for decades, and servers
 * do not agree about what they mean. */
enum smtp_path_fault smtp_path_read(struct arena *, struct str args,
    const char *keyword, struct str *address, struct str *parameters);

/* The next of " SIZE=1 SMTPUTF8" (RFC 5321 4.1.2): name, and its value (p ==
 * NULL: none). False at the end, or, with something left in `parameters`,
 * where it is none. */
bool smtp_parameter_next(
    struct str *parameters, struct str *name, struct str *value);

/* No control characters, valid UTF-8. */
bool smtp_words_ok(struct str);

#endif
