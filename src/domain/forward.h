/* Forwarding: mails of a thread, quoted below what somebody says about them. */
#ifndef DOMAIN_FORWARD_H
#define DOMAIN_FORWARD_H

#include "db/db.h"

#define FORWARD_MOST 50 /* mails: the latest */

struct forward_mail {
	int64_t id;
	const char *subject;
	const char *sender, *to, *cc; /* as one reads them; cc may be NULL */
	instant sent_at;
	struct str snippet; /* what is known where no server has it */
};
extern const struct col forward_mail_cols[];

/* One of them with what there is to read; p NULL where it has none. */
struct forward {
	const struct forward_mail *mail;
	struct str text, html;
};

/* What is said, and below it each mail. `left_out`: how many earlier ones are
 * not there. HTML only where what is said or one of them has it; else p NULL.
 */
struct str forward_text(struct arena *, const char *said,
    const struct forward *, size_t n, int64_t left_out);
struct str forward_html(struct arena *, const char *said_text,
    const char *said_html, const struct forward *, size_t n, int64_t left_out);

#endif
