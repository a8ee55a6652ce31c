/* OAuth clients: the programs that ask for tokens. */
#ifndef DOMAIN_CLIENT_H
#define DOMAIN_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/result.h"
#include "core/secret.h"
#include "db/row.h"

struct client {
	int64_t number; /* the order of lists */
	const char *id; /* "cid_..."; its name to everybody */
	int64_t application_id;
	int64_t account_id;
	const char *name;
	struct texts redirect_uris;
	const char *role; /* in its account */
	bool is_public;   /* has no secret: a browser or an installed program */
	bool is_app_admin; /* acts as an admin of the application */
	bool is_active;
	instant created_at;
};
extern const struct col client_cols[];

/* A name that nobody else has. */
const char *client_id_new(struct arena *);

/* 256 random bits, as text; what is kept of them is the SHA-256 of the text. */
struct secret client_secret_new(struct arena *, unsigned char[SHA256_SIZE]);

/* May codes be sent there? Absolute, https, or http to this very machine (RFC
 * 8252 7.3), without user and fragment. RC_INVALID with a sentence. */
enum rc client_redirect_check(struct str) MUST_CHECK;

#endif
