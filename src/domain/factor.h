/* Second factors: a code by time (RFC 6238), or one of ten that were written
 * down for the day the phone is lost.
 *
 * The database lets nobody who has one have a session that did not pass it,
 * whatever way it is made (0066-factors.sql): a password or a mailed link
 * begins a second step (session_begin), which a code makes a session; what is
 * granted in a session has passed what the session has. */
#ifndef DOMAIN_FACTOR_H
#define DOMAIN_FACTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "core/conf.h"
#include "db/db.h"
#include "domain/session.h"

#define FACTOR_CODES     10
#define FACTOR_CODE_MOST 32  /* as typed */
#define FACTOR_STEP_LIFE 600 /* seconds; as session_open has it */

/* The caller's. */
struct factor {
	bool is_admin, is_owner; /* of the application; of an account */
	const char *email;       /* NULL: none */
	bool is_active;          /* a code is asked for */
	bool is_begun;           /* there is a secret */
	instant created_at;
	int64_t codes_left;
};
extern const struct col factor_cols[];

/* A try that has been counted, and what its code is held against. */
struct factor_try {
	int64_t user_id, application_id;
	struct str sealed, wrapped;
	int64_t last_step;
	bool is_active;
	int64_t locked_seconds; /* > 0: too many were wrong */
};
extern const struct col factor_try_cols[];

/* Does the configuration want one of this user? */
bool factor_is_required(const struct conf *, const struct factor *);

/* A new secret for the caller, in base32; no code is asked for before one has
 * been shown. RC_CONFLICT: they have an active factor. */
enum rc factor_new(struct db *, const struct conf *, int64_t application,
    int64_t user, struct arena *, const char **secret) MUST_CHECK;

/* Recovery codes, and what the database keeps of them. */
void factor_codes_make(int64_t user, struct arena *,
    const char *codes[FACTOR_CODES], struct str hashes[FACTOR_CODES]);

/* A code that was right, to be used up in the transaction of what it allows. */
struct factor_proof {
	int64_t step;    /* of a code by time; else 0 */
	struct str code; /* hash of a written one; else NULL */
};

/* Reads a code. RC_RATE_LIMIT: locked. RC_BAD_CODE: it is not one by time of
 * this moment, or was used; a written one is found wrong when it is used. */
enum rc factor_read(const struct conf *, const struct factor_try *,
    const char *code, struct arena *, struct factor_proof *) MUST_CHECK;

/* The second step: from its token and a code to a session. `in` says how it
 * begins, and notes. `*left` are the seconds of RC_RATE_LIMIT. RC_STEP_OVER,
 * RC_BAD_CODE. */
enum rc factor_sign_in(struct db *, const struct conf *,
    const struct sign_in *in, struct str step, const char *code, struct arena *,
    struct secret *cookie, struct session **, int64_t *left) MUST_CHECK;

#endif
