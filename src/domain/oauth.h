/* The OAuth server: its clients, what users have allowed them, codes and
 * devices. What comes of a grant is refresh.h's. */
#ifndef DOMAIN_OAUTH_H
#define DOMAIN_OAUTH_H

#include "db/db.h"

/* A client that may ask. */
struct oauth_client {
	const char *id; /* "cid_demo" */
	int64_t application_id;
	int64_t account_id; /* a machine's; 0: none that is there */
	const char *name;
	struct str secret_hash; /* SHA-256; p NULL: a public client */
	struct texts redirect_uris;
	const char *role; /* a machine's */
	bool is_app_admin;
};
extern const struct col oauth_client_cols[];

/* Of a session, for a client and a scope. */
struct oauth_consent {
	int64_t age_seconds; /* since the password was given */
	bool is_given;
};
extern const struct col oauth_consent_cols[];

/* What a device waits for. */
struct oauth_device {
	const char *client, *name, *scope;
};
extern const struct col oauth_device_cols[];

#endif
