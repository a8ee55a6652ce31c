/* Reports about mail that was sent: what became of it (RFC 3464), and that
 * somebody complained of it (RFC 5965).
 *
 * Anybody can write such a message. It says of which Message-ID and recipients
 * it speaks; whether those are ours, the caller looks up. */
#ifndef MAIL_DSN_H
#define MAIL_DSN_H

#include "core/arena.h"
#include "core/text.h"
#include "mail/mime.h"

#define DSN_RCPT_MOST 1000

enum dsn_kind { DSN_NONE, DSN_DELIVERY, DSN_COMPLAINT };

enum dsn_action {
	DSN_FAILED,
	DSN_DELAYED, /* it is tried further */
	DSN_DELIVERED,
	DSN_RELAYED,  /* to where nothing more will be told */
	DSN_EXPANDED, /* to a list */
	DSN_OTHER,    /* a word that nobody knows */
};

/* Texts are valid UTF-8 of one line; p == NULL: it does not say. */
struct dsn_rcpt {
	struct str address; /* as it was sent to, where that is told */
	enum dsn_action action;
	struct str status;     /* "5.1.1" (RFC 3463) */
	struct str diagnostic; /* the other server's words */
};

struct dsn {
	enum dsn_kind kind;
	struct str message_id;  /* of the mail it is about, without < > */
	struct str envelope_id; /* the sender's own name for it (RFC 3461) */
	struct str feedback;    /* a complaint's type: "abuse" */
	struct dsn_rcpt *to;
	size_t n;
	bool cut; /* there were more than DSN_RCPT_MOST */
};

/* Whatever the message is; DSN_NONE: no report. The parts are those of
 * mime_parse. What it finds is a copy; it takes 4 MB of the arena at most. */
void dsn_read(struct arena *, const struct mime *, struct dsn *);

const char *dsn_action_name(enum dsn_action);

#endif
