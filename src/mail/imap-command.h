/* Commands as they go onto the wire (RFC 9051 6, 9).
 *
 * A command is bytes and the places where a synchronising literal makes the
 * sender wait for the server's "+". What users give (folder names, search
 * texts) goes through imap_command_astring only, so that nothing in it can
 * end the command. */
#ifndef MAIL_IMAP_COMMAND_H
#define MAIL_IMAP_COMMAND_H

#include "core/buffer.h"
#include "core/text.h"

#define IMAP_COMMAND_MOST (64 << 20)
#define IMAP_LINE_SHORT   8000 /* what every server reads (RFC 7162 4) */
#define IMAP_STOPS_MOST   16

struct imap_command {
	struct buf text;              /* without the tag; with the last CRLF */
	size_t stop[IMAP_STOPS_MOST]; /* offsets behind "{n}\r\n" */
	size_t stops;
	uint64_t caps; /* decides between LITERAL+, LITERAL- and waiting */
	bool fault;    /* a NUL, or too many literals: it must not be sent */
};

void imap_command_init(struct imap_command *, uint64_t caps);
void imap_command_clear(struct imap_command *);

/* Words of our own. */
void imap_command_puts(struct imap_command *, const char *);
void
imap_command_fmt(struct imap_command *, const char *, ...) PRINTF_LIKE(2, 3);

/* Quoted where it is plain ASCII, else a literal. */
void imap_command_astring(struct imap_command *, struct str);
void imap_command_literal(struct imap_command *, struct str);
void imap_command_end(struct imap_command *);

#endif
