/* The client's side of IMAP conversations: calls of mail/imap.h by name, and
 * their results as text. */
#ifndef TESTS_WIRE_IMAP_CLIENT_H
#define TESTS_WIRE_IMAP_CLIENT_H

#include "mail/imap.h"

struct imap_client {
	struct imap_params params;
	struct secret secret;
	struct egress *egress;
	struct arena *arena;
	struct imap *im;
	struct buf out; /* a line each result */
};

void imap_client_init(struct imap_client *, unsigned port);
void imap_client_clear(struct imap_client *);

/* "@ name value": security, oauth, known, idle_ms, command_ms, host, user,
 * secret, ca (a file of authorities). */
bool imap_client_option(struct imap_client *, const char *);

/* "> name arguments". What happened is appended to `out`, the result last:
 * "OK", or "NAME: detail". False: no such call. */
bool imap_client_call(struct imap_client *, const char *);

#endif
