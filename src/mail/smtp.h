/* SMTP (RFC 5321): hands one message for many recipients to a server.
 *
 * What became of it is told for each recipient, and is one of four. The one
 * that matters is SMTP_UNKNOWN: the last dot may have reached the server and
 * its answer did not reach us. Everything before that dot is SMTP_LATER, with
 * certainty, and may be tried again; nothing behind it ever is. */
#ifndef MAIL_SMTP_H
#define MAIL_SMTP_H

#include <stdbool.h>
#include <stdint.h>

#include "core/result.h"
#include "mail/smtp-link.h"
#include "mail/smtp-reply.h"

#define SMTP_RCPT_MOST 1000

enum smtp_end {
	SMTP_ACCEPTED, /* the server has taken it over */
	SMTP_LATER,    /* it has not; another time it may */
	SMTP_REFUSED,  /* nor will it ever */
	SMTP_UNKNOWN,  /* it was sent whole, and no answer came */
};

/* Of one recipient. Texts never hold the secret. */
struct smtp_fate {
	enum smtp_end end;
	enum rc rc;         /* RC_OK where accepted */
	int code;           /* the server's; 0: it has said nothing */
	const char *status; /* "5.1.1", or "" */
	const char *text;   /* the server's words, or ours */
};

struct smtp_report {
	/* Of the message: unknown or accepted where it is so for any
	 * recipient, else later where any is, else refused. rc, code and words
	 * are those that decided. */
	enum smtp_end end;
	enum rc rc;
	int code;
	char status[SMTP_STATUS_MOST];
	char detail[256];
	bool server; /* not this message: the next would fare alike */
	/* The reply to the message ("250 2.0.0 Ok: queued as 4F1"), or "". */
	char queued[SMTP_TEXT_MOST];
	struct smtp_fate *to; /* one a recipient, in their order */
	size_t to_n;
};

struct smtp_letter {
	const char *from; /* bare; "": the null sender of a notice */
	const char *const *to;
	size_t to_n; /* 1..SMTP_RCPT_MOST */
	/* Lines end with CRLF; dots are doubled here, and a lone CR or LF
	 * becomes CRLF, since a server may take it for one. */
	struct str message;
	/* What a report about it will call it (RFC 3461 4.4), where the server
	 * can be told; NULL: nothing. */
	const char *envelope_id;
	bool utf8; /* its header holds UTF-8: only for a server with SMTPUTF8 */
	/* Before the first byte of the message leaves; another result than
	 * RC_OK lets none leave. The report is what has to be believed from
	 * here on if nothing more is heard: unknown for those the server has
	 * taken, later or refused for the others. May be NULL. */
	enum rc (*intent)(void *, const struct smtp_report *);
	/* Each second of waiting; another result than RC_OK gives up. May be
	 * NULL. */
	enum rc (*beat)(void *);
	void *arg;
};

/* A connection that is kept from message to message, for one server and one
 * user of it. It is made when it is needed, and dropped after whatever is no
 * plain success. The server is copied, but for egress and multi. */
struct smtp;
struct smtp *smtp_new(const struct smtp_server *);
void smtp_free(struct smtp **); /* QUIT, and waits two seconds at most */

/* Is it a connection to this very server, user and secret? */
bool smtp_fits(const struct smtp *, const struct smtp_server *);

/* The report's texts lie in the arena. Where a kept connection turns out to be
 * gone before the server has said anything of this message, it is sent over a
 * fresh one. */
void smtp_send(struct smtp *, const struct smtp_letter *, struct arena *,
    struct smtp_report *);

#endif
