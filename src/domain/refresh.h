/* Refresh tokens (secret_token), of which the database keeps the SHA-256.
 *
 * A family begins with a grant: a sign-in, an OAuth code, a device. Each token
 * is good once and gives the next; one that comes a second time ends the
 * family, and the session that its access tokens name. So does the end of the
 * session in which it was granted, whoever ends it. */
#ifndef DOMAIN_REFRESH_H
#define DOMAIN_REFRESH_H

#include "core/secret.h"
#include "db/db.h"

/* What a grant is good for at present. The first members of it alone where
 * there is nothing to be had. */
struct granted {
	/* "ok"; "reused": what is good once came twice, and has ended what
	 * came of it; others are OAuth's words for who asks. */
	const char *outcome;
	int64_t application_id, account_id, user_id;
	int64_t session_id; /* that access tokens name */
	const char *client; /* NULL: none */
	const char *scope;
	const char *audience; /* NULL: the usual */
	const char *nonce;    /* of the request; NULL: none */
	instant auth_time;    /* when the password was given */
	const char *role;     /* in the account */
	int64_t version;      /* of these rights */
};
extern const struct col granted_cols[];

struct refresh_look {
	int64_t family_id, application_id, account_id, user_id, session_id;
	const char *client, *scope, *role;
	instant created_at, expires_at;
};
extern const struct col refresh_look_cols[];

/* What the database knows a token or a code by. */
struct str refresh_hash(struct arena *, struct str token);
struct str refresh_hash_of(struct arena *, const struct secret *token);

/* How long what is granted lasts, in seconds. */
struct refresh_terms {
	int64_t idle, session_life; /* of a session made for it */
	int64_t life;               /* of the token */
	const char *address;        /* who asks, for session and audit */
	const char *request;        /* X-Request-Id, likewise */
};

/* The first token of a session that has just been opened by signing in. */
struct refresh_new {
	int64_t session, account;
	const char *client; /* NULL: none was named */
	const char *scope;
	int64_t life;
};
enum rc refresh_begin(struct db *, const struct refresh_new *, struct arena *,
    struct secret *token) MUST_CHECK;

/* Uses a token and makes the next. `client` NULL: who asks shows no secret, so
 * it is refused where the family's client has one. *out NULL: it is none, it is
 * over, or whose it is may no longer. */
enum rc refresh_next(struct db *, struct str token, const char *client,
    const char *scope, const struct refresh_terms *, struct arena *,
    struct secret *next, struct granted **out) MUST_CHECK;

#endif
