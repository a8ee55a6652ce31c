/* IMAP responses as text, so that tests can compare them. */
#ifndef TESTS_LIB_IMAP_SHOW_H
#define TESTS_LIB_IMAP_SHOW_H

#include "mail/imap-response.h"

/* One line without its end; everything that was understood, in a fixed
 * order. */
void imap_show(struct buf *, const struct imap_response *);
void imap_show_message(struct buf *, const struct imap_message *);

#endif
