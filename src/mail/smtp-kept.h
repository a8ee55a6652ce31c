/* SMTP connections that are kept from one message to the next, whoever sends
 * them: few, none idle for long, and none for ever, since servers limit both.
 */
#ifndef MAIL_SMTP_KEPT_H
#define MAIL_SMTP_KEPT_H

#include "mail/smtp.h"

#define SMTP_KEPT_MOST 8 /* at a time */

struct smtp_limits {
	int messages;    /* over one connection */
	int64_t idle_ms; /* then it is left */
};
extern const struct smtp_limits smtp_usual;

struct smtp_kept;
struct smtp_kept *smtp_kept_new(const struct smtp_limits *);
void smtp_kept_free(struct smtp_kept **); /* says farewell to each */

/* For one message to this server as this user: the connection that is there,
 * or a new one in the place of what was used least lately. Borrowed until the
 * next call. */
struct smtp *smtp_kept_get(struct smtp_kept *, const struct smtp_server *);

/* Leaves those that have been idle for too long. In how many milliseconds the
 * next will have been; INT64_MAX: there is none. */
int64_t smtp_kept_tidy(struct smtp_kept *);

#endif
