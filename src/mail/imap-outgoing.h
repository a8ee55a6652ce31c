/* The bytes of commands that wait to be sent, in their order. */
#ifndef MAIL_IMAP_OUTGOING_H
#define MAIL_IMAP_OUTGOING_H

#include "mail/imap-command.h"

struct imap_outgoing {
	struct imap_queued *first, *last;
};

/* Behind all others, as "L<tag> <verb><text>". */
void imap_outgoing_add(struct imap_outgoing *, unsigned tag, const char *verb,
    const struct imap_command *text);
/* In front of all others, the end of IDLE: it has no tag (0). */
void imap_outgoing_done(struct imap_outgoing *);

/* The tag of what comes next. False: nothing waits. */
bool imap_outgoing_next(const struct imap_outgoing *, unsigned *tag);
/* What of it can be sent now: up to where the server has to ask for more. It
 * lives until the next call here. */
struct str imap_outgoing_bytes(const struct imap_outgoing *);
void imap_outgoing_sent(struct imap_outgoing *, size_t);

/* The server asks for more. False: not of a literal that waits. */
bool imap_outgoing_continued(struct imap_outgoing *);
/* The rest of a command that was refused at its literal is not sent. */
void imap_outgoing_refused(struct imap_outgoing *, unsigned tag);

void imap_outgoing_clear(struct imap_outgoing *);

#endif
