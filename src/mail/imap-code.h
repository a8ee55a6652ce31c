/* Response codes; see imap-response.h, which has the list. */
#ifndef MAIL_IMAP_CODE_H
#define MAIL_IMAP_CODE_H

#include "mail/imap-response.h"

/* Reads a code at the front of a status text, if there is one, and moves
 * behind it. */
void imap_code_parse(struct arena *, struct str *text, struct imap_code *);

#endif
