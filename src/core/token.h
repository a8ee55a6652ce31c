/* Access tokens (RFC 9068): who is calling, signed.
 *
 * A token is right when its signature, type, issuer, audience, times and all
 * claims are; what it says is still only what was true when it was made:
 * `session` and `member_version` are what the guard compares with the
 * database, so that rights taken away are gone at the next request. */
#ifndef CORE_TOKEN_H
#define CORE_TOKEN_H

#include "core/jwk.h"

#define TOKEN_LEEWAY    30 /* seconds that clocks may differ */
#define TOKEN_CACHE_AGE 60 /* seconds */

/* Flat and of fixed size, so that the cache is an array. Texts are
 * NUL-terminated, "" where the claim is absent. */
struct claims {
	int64_t user;           /* uid; 0 for a machine client */
	int64_t application;    /* app */
	int64_t account;        /* acc */
	int64_t session;        /* sid; 0 for machine clients and externals */
	int64_t member_version; /* mv; likewise */
	int64_t issued;         /* iat, seconds since 1970 */
	int64_t expires;        /* exp */
	int64_t not_before;     /* nbf, 0 where absent */
	char subject[129];      /* sub: uid_..., or the client's id */
	char client[65];        /* cid */
	char role[8];           /* owner, member, viewer; "" in external ones:
				 * there the membership row decides */
	char scope[257];
	bool external; /* another issuer's; app, acc and uid may be 0 then */
	size_t issuer; /* which of the rules' */
};

struct token_issuer {
	const char *name;           /* exactly as in `iss` */
	const struct jwk_set *keys; /* borrowed */
	bool external;
	const char *audiences; /* NULL: those of the rules */
};

struct token_rules {
	const struct token_issuer *issuers;
	size_t issuers_n;
	const char *audiences; /* blank-separated; one of them must be meant */
	/* Told of an issuer that has no key of the name; NULL: nobody is. */
	void (*no_key)(void *ctx, size_t issuer);
	void *ctx;
};

/* Checks all; `now` in seconds since 1970. RC_UNAUTHORIZED, with the reason
 * for the log in fail_detail. */
enum rc token_verify(const struct token_rules *, struct str token, int64_t now,
    struct claims *) MUST_CHECK;

/* Tokens seen right, for at most TOKEN_CACHE_AGE or until they expire. Of one
 * process; clear it when the keys change. `token_verify_cached` is
 * token_verify at a tenth of its time. */
struct token_cache;
struct token_cache *token_cache_new(void);
void token_cache_free(struct token_cache **);
void token_cache_clear(struct token_cache *);
enum rc token_verify_cached(struct token_cache *, const struct token_rules *,
    struct str token, int64_t now, struct claims *) MUST_CHECK;

/* A token with these claims, signed by `key`; `subject` is derived where it
 * is "". `external` and `not_before` are not used. */
char *token_mint(struct arena *, const struct jwk *key, const char *issuer,
    const char *audience, const struct claims *);

#endif
