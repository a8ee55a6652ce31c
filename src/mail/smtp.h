/* SMTP (RFC 5321): hands one message for one recipient to a server.
 *
 * libcurl talks; what became of the message is judged by the server's last
 * reply and by how far the message had come, not by curl's result: an answer
 * that is lost behind the final dot is neither success nor failure. */
#ifndef MAIL_SMTP_H
#define MAIL_SMTP_H

#include <stdbool.h>
#include <stdint.h>

#include "core/result.h"
#include "core/secret.h"
#include "mail/egress.h"

struct smtp_server {
	const char *host;
	unsigned port;
	const char *security; /* ssl_tls, starttls; none: loopback only */
	const char *user;     /* "": without signing in */
	struct secret password;
	const struct egress *egress; /* borrowed */
};

struct smtp_letter {
	const char *from, *to; /* addresses, bare */
	struct str message; /* CRLF at its line ends; dots are doubled here */
	/* Before the first byte of the message leaves; another result than
	 * RC_OK lets none leave. */
	enum rc (*intent)(void *);
	void *arg;
};

enum smtp_end {
	SMTP_ACCEPTED, /* the server has taken it over */
	SMTP_LATER,    /* it has not; another time it may */
	SMTP_REFUSED,  /* nor will it ever */
	SMTP_UNKNOWN,  /* it was sent whole, and no answer came */
};

struct smtp_report {
	enum smtp_end end;
	enum rc rc;       /* RC_OK where accepted */
	bool server;      /* not this message: the next would fare alike */
	char detail[256]; /* the server's words, or ours; never the password */
};

/* An address as this module takes it: local part, @, domain, without quotes,
 * blanks, control characters or angle brackets; 320 bytes at most. */
bool smtp_address_ok(struct str);

void smtp_send(const struct smtp_server *, const struct smtp_letter *,
    struct smtp_report *);

#endif
