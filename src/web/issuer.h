/* The issuer: access tokens made here, for people whose session lives. */
#ifndef WEB_ISSUER_H
#define WEB_ISSUER_H

#include "domain/refresh.h"
#include "web/request.h"

struct token_keys;

/* The keys of key_dir, kept for the process and read again when the directory
 * changed. RC_RETRY where they cannot be read: an operator can mend that. */
enum rc issuer_keys(const struct conf *, const struct token_keys **) MUST_CHECK;

/* Blank-separated: whom tokens may be meant for here. */
const char *issuer_audiences(const struct conf *);
/* Is it one of them? */
bool issuer_audience_ok(const struct conf *, struct str);

/* What a token says beyond the caller's application, user and session. */
struct grant {
	int64_t application, user, session;
	int64_t account;
	int64_t version;      /* of the rights */
	const char *role;     /* in the account */
	const char *client;   /* "" or OAuth client id */
	const char *scope;    /* "" or granted */
	const char *audience; /* NULL: the first of `audiences` */
	int64_t until;        /* not longer, seconds since 1970; 0: no matter */
};

/* Mints it, good for access_token_life. */
enum rc issuer_grant(
    struct request *, const struct grant *, const char **token) MUST_CHECK;

/* The same for what a refresh token, a code or a device was good for; and how
 * long such things last here. */
enum rc issuer_renew(
    struct request *, const struct granted *, const char **token) MUST_CHECK;
struct refresh_terms issuer_terms(const struct request *);

/* Signs another kind of token; `payload` is a JSON object. */
enum rc issuer_sign(struct request *, const char *typ, struct str payload,
    const char **token) MUST_CHECK;

#endif
