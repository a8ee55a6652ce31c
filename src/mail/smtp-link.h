/* The connection to an SMTP server: libcurl dials, secures and signs in
 * (CONNECT_ONLY), then only bytes pass through it. The commands of a message
 * are ours (smtp.c): libcurl's own would say neither which recipient was
 * refused nor whether the last dot had left. */
#ifndef MAIL_SMTP_LINK_H
#define MAIL_SMTP_LINK_H

#include "core/secret.h"
#include "mail/dial.h"
#include "mail/egress.h"

/* 0: what is usual. */
struct smtp_times {
	long connect_ms;  /* until signed in; 30 s */
	long envelope_ms; /* sender, recipients, DATA, in all; 300 s */
	long final_ms;    /* the answer behind the message; 600 s */
};

struct smtp_server {
	const char *host;
	unsigned port;
	const char *security; /* ssl_tls; starttls; none: loopback only */
	bool allow_plaintext; /* none beyond loopback: the operator lets it */
	const char *user;     /* "": without signing in */
	struct secret secret; /* password, or bearer token */
	bool oauth2;          /* OAUTHBEARER where offered, else XOAUTH2 */
	const struct egress *egress; /* borrowed */
	CURLM *multi; /* borrowed; NULL: one of its own. One for all shares the
		       * authorities' certificates. */
	struct smtp_times times;
};

/* What it offers (RFC 5321 4.1.1.1), once secured. */
struct smtp_features {
	/* RFC 1870, 2920, 6531, 3461, 6152 */
	bool size, pipelining, utf8, dsn, eight;
	uint64_t size_most; /* 0: it does not say */
};

struct smtp_link;

/* Checks what the user gave, and begins. The server and what it points to must
 * outlive the link. RC_CONFIG_HOST, RC_AUTH_FAILED: what no server takes. */
enum rc
smtp_link_new(const struct smtp_server *, struct smtp_link **) MUST_CHECK;
void smtp_link_free(struct smtp_link **);

/* Waits until it is signed in. `beat` may be NULL; it is called each second,
 * and another result than RC_OK ends the waiting with it. RC_AUTH_FAILED
 * RC_AUTH_EXPIRED RC_DENIED RC_CONFIG_TLS RC_CONFIG_HOST RC_CONNECTION
 * RC_TIMEOUT; the server's words are in fail_detail. */
enum rc smtp_link_connect(
    struct smtp_link *, enum rc (*beat)(void *), void *arg) MUST_CHECK;

enum dial_reach smtp_link_reach(const struct smtp_link *);
const struct smtp_features *smtp_link_features(const struct smtp_link *);

/* As dial_receive and dial_send. */
enum rc smtp_link_receive(
    struct smtp_link *, char *, size_t room, size_t *n) MUST_CHECK;
enum rc smtp_link_send(
    struct smtp_link *, const char *, size_t, size_t *sent) MUST_CHECK;

/* Until there is something to read, or, where `out`, room to write; a second at
 * most. RC_TIMEOUT: `until` (clock_steady_ms) has passed. */
enum rc smtp_link_wait(struct smtp_link *, bool out, int64_t until) MUST_CHECK;

#endif
