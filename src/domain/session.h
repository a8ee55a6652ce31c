/* Sessions: people signed in.
 *
 * A session begins with a password and is known by a cookie of 256 random
 * bits, of which the database keeps the SHA-256 only. Access tokens name the
 * session that they come from and die with it. */
#ifndef DOMAIN_SESSION_H
#define DOMAIN_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "core/password.h"
#include "core/secret.h"
#include "db/db.h"

/* What a guard tells of a session: who, and in which account. */
struct session {
	int64_t session_id;
	int64_t application_id;
	int64_t user_id;
	int64_t account_id;
	const char *role; /* in the account; "owner" for an admin */
	bool is_admin;
	int64_t version; /* of these rights */
};
extern const struct col session_cols[];

/* A user as the door sees them. */
struct login {
	int64_t user_id;
	int64_t application_id;
	const char *password_hash; /* NULL: none may be used */
	bool is_active;
	int64_t locked_seconds;
};
extern const struct col login_cols[];

/* Whose password is to change. */
struct password_owner {
	int64_t user_id;
	const char *email;    /* NULL: none */
	const char *username; /* NULL: none */
	const char
	    *password_hash; /* of the caller's own; NULL: none, or another's */
	int64_t locked_seconds;
};
extern const struct col password_owner_cols[];

#define SESSION_COOKIE_LENGTH SECRET_TOKEN

/* What the database knows a cookie by. False: it cannot be one of ours. */
bool session_hash(struct str cookie, unsigned char hash[SHA256_SIZE]);

/* How far somebody has come who signs in. */
enum sign_in_end {
	SIGN_IN_REFUSED,
	SIGN_IN_HALF, /* a second factor is still to be shown */
	SIGN_IN_BAD_CODE,
	SIGN_IN_DONE,
	SIGN_IN_RECOVERED /* with one of the written codes */
};

struct sign_in {
	const char *client; /* whose application is meant; NULL: the oldest */
	const char *name;   /* address or user name */
	struct secret password;
	const char *address; /* where it comes from */
	int64_t idle, life;  /* seconds */
	int64_t cost;        /* of a hash made now */
	/* Into the audit log, in the transaction of what it tells. `user`
	 * NULL: nobody of that name. */
	enum rc (*note)(struct db *, const struct sign_in *,
	    const struct login *user, enum sign_in_end);
	void *note_ctx;
};

/* A session for a user who has shown a password or a mailed link; `in` says for
 * how long. In the transaction of what was shown. `*half`: they have a second
 * factor, and `cookie` is no session's but the token of the second step, for
 * factor_sign_in. RC_FORBIDDEN: a member of no account. */
enum rc session_begin(struct db *, int64_t user, const struct sign_in *,
    struct arena *, struct secret *cookie, bool *half) MUST_CHECK;

/* From now on the database is guarded by the session of this cookie, which is
 * read. */
enum rc session_follow(struct db *, const struct secret *cookie, struct arena *,
    struct session **out) MUST_CHECK;

/* RC_BAD_LOGIN for every reason alike, and after the same time: no such user,
 * wrong password, not active, or too many failures before. RC_FORBIDDEN: a
 * member of no account. RC_SECOND_FACTOR: as `half` of session_begin. From then
 * on the database is guarded by the new session, which is filled by its first
 * transaction: `*out` is set when sign_in returns. */
enum rc
session_sign_in(struct db *, struct password_gate *, const struct sign_in *,
    struct arena *, struct secret *cookie, struct session **out) MUST_CHECK;

#endif
