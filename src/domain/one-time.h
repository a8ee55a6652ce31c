/* Links that are mailed: a token of 256 random bits, of which the database
 * keeps the SHA-256 only, for one use before its end. */
#ifndef DOMAIN_ONE_TIME_H
#define DOMAIN_ONE_TIME_H

#include <stdbool.h>
#include <stdint.h>

#include "core/secret.h"
#include "db/row.h"

/* What stands behind a link. */
struct one_time {
	int64_t id;
	int64_t application_id;
	const char *address;
	int64_t user_id;           /* 0: nobody has the address yet */
	const char *password_hash; /* chosen at the sign-up */
	int64_t account_id;        /* of an invitation, as are the next two */
	const char *account_name;
	const char *role;
	const char *user_name; /* of who has the address */
	bool has_password;
	int64_t made_by;   /* who invites; 0: a machine client */
	const char *state; /* of an invitation: "pending" ... */
	instant created_at;
	instant expires_at;
};
/* None of it is shown. */
extern const struct col one_time_cols[];

/* What the database knows a token by; `hash` is filled. False: it cannot be
 * one of ours. */
bool one_time_hash(const struct secret *token, unsigned char hash[SHA256_SIZE]);

#endif
