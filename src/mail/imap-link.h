/* The connection to an IMAP server: libcurl dials, secures and logs in
 * (CONNECT_ONLY), then only bytes pass through it. Never CUSTOMREQUEST: a mail
 * that contains a tagged line would end the command.
 *
 * Nothing here waits but imap_link_open. */
#ifndef MAIL_IMAP_LINK_H
#define MAIL_IMAP_LINK_H

#include <curl/curl.h>

#include "core/secret.h"
#include "mail/dial.h"
#include "mail/egress.h"

#define IMAP_LINK_PIECE 65536L /* bytes that come at once at most */

enum imap_security { IMAP_TLS, IMAP_STARTTLS, IMAP_PLAIN };

/* "ssl_tls", "starttls", "none". */
enum imap_security imap_security_of(const char *mode);

struct imap_login {
	const char *host;
	unsigned port;
	enum imap_security security;
	const char *user;
	const struct secret *secret; /* password, or bearer token */
	bool oauth2; /* OAUTHBEARER where offered, else XOAUTH2 */
	const struct egress *egress;
	bool loopback_only; /* IMAP_PLAIN where the operator forbids it */
	long connect_ms;    /* 0: 20 s */
	long reply_s;       /* each reply until logged in; 0: 20 s */
	CURLM *multi;       /* borrowed; NULL: one of its own. One for all
			     * shares the authorities' certificates. */
};

struct imap_link;

/* Checks what the user gave and puts the handle into the multi handle. The
 * login and what it points to must outlive the link. RC_CONFIG_HOST,
 * RC_INVALID. */
enum rc
imap_link_new(const struct imap_login *, struct imap_link **) MUST_CHECK;
void imap_link_free(struct imap_link **);

/* What CURLMSG_DONE reported for imap_link_handle. *again: one more attempt
 * has been started, with the LOGIN command (a server without AUTH=PLAIN).
 * RC_AUTH_FAILED RC_AUTH_EXPIRED RC_DENIED RC_CONFIG_TLS RC_CONFIG_HOST
 * RC_CONNECTION RC_TIMEOUT; the server's words are in fail_detail. */
enum rc imap_link_finish(struct imap_link *, CURLcode, bool *again) MUST_CHECK;
CURL *imap_link_handle(struct imap_link *);

/* Waits until it is done or fails, `until` at most (clock_steady_ms). */
enum rc imap_link_connect(struct imap_link *, int64_t until) MUST_CHECK;

/* All of the above; where it fails, the link is gone. */
enum rc imap_link_open(
    const struct imap_login *, int64_t until, struct imap_link **) MUST_CHECK;

/* How far it has come, whether it went on or not. */
enum dial_reach imap_link_reach(const struct imap_link *);
/* The server asked for no login (PREAUTH, RFC 9051 7.1.4). */
bool imap_link_is_open_to_all(const struct imap_link *);

int imap_link_fd(const struct imap_link *);
/* How long the way to the server and back took when it was dialled. Where the
 * first of several addresses did not answer, that time is in it. */
int64_t imap_link_round_trip_us(const struct imap_link *);

/* *n == 0: nothing now (poll only then: TLS keeps bytes back).
 * RC_CONNECTION: the end. */
enum rc imap_link_receive(
    struct imap_link *, char *, size_t room, size_t *n) MUST_CHECK;
enum rc imap_link_send(
    struct imap_link *, const char *, size_t, size_t *sent) MUST_CHECK;

/* The same for any CURLcode and the server's last words; for tests. */
enum rc imap_link_failure(CURLcode, struct str words, bool oauth2);

#endif
