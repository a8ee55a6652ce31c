/* Probes: does a mail server take this user name and secret? Connects, secures
 * and signs in, and leaves. */
#ifndef MAIL_PROBE_H
#define MAIL_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/secret.h"
#include "mail/egress.h"

#define PROBE_MS 10000 /* for all of it */

struct probe {
	bool smtp; /* else IMAP */
	const char *host;
	int32_t port;
	const char *security_mode; /* ssl_tls, starttls, none */
	bool oauth2;               /* the secret is a bearer token */
	const char *username;
	struct secret secret;
	bool allow_plaintext; /* `none` also beyond loopback */
};

enum probe_step { PROBE_CONNECT, PROBE_TLS, PROBE_LOGIN, PROBE_STEPS };
const char *probe_step_name(enum probe_step);

struct probe_report {
	enum rc rc;           /* RC_OK: all steps passed */
	enum probe_step step; /* where it ended; PROBE_LOGIN when all passed */
	bool tls;             /* is there a step PROBE_TLS at all? */
	char detail[256]; /* the server's words, or ours; never the secret */
	int64_t ms;       /* how long it took */
};

/* Takes PROBE_MS at most. */
void
probe_run(const struct egress *, const struct probe *, struct probe_report *);

#endif
