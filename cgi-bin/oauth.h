/* What the parts of the OAuth server share. Bodies and handlers are named here
 * for the one route table in oauth.c. */
#ifndef CGI_BIN_OAUTH_H
#define CGI_BIN_OAUTH_H

#include "core/secret.h"
#include "core/token.h"
#include "domain/oauth.h"
#include "domain/refresh.h"
#include "web/body.h"
#include "web/request.h"

#define OAUTH_CODE_LIFE      60
#define OAUTH_DEVICE_LIFE    600
#define OAUTH_DEVICE_PAUSE   5

#define OAUTH_GRANT_DEVICE   "urn:ietf:params:oauth:grant-type:device_code"
#define OAUTH_GRANT_EXCHANGE "urn:ietf:params:oauth:grant-type:token-exchange"
#define OAUTH_TYPE_ACCESS    "urn:ietf:params:oauth:token-type:access_token"
#define OAUTH_TYPE_JWT       "urn:ietf:params:oauth:token-type:jwt"

/* ---- words ---- */

/* 400 with one of OAuth's words: `return oauth_fail(rq, "invalid_grant", …)` */
enum rc
oauth_fail(struct request *, const char *word, const char *why) MUST_CHECK;
#ifdef LINT /* an analyzer sees no other file: it is told what comes back */
#define oauth_fail(rq, word, why)                                              \
	(oauth_fail((rq), (word), (why)) == RC_OK ? RC_INVALID : RC_INVALID)
#endif

/* RFC 6749 3.1: a parameter without a value counts as absent. */
static inline bool
oauth_given(const char *s)
{
	return s != NULL && s[0] != '\0';
}
static inline bool
oauth_secret_given(const struct secret *s)
{
	return s->p != NULL && s->n > 0;
}
static inline struct str
oauth_str(const struct secret *s)
{
	return (struct str){ (const char *)s->p, s->n };
}

/* A word of a blank-separated list? */
bool oauth_has(const char *list, const char *word);

/* What of a scope this server knows, in its own order; the others are passed
 * over (OIDC Core 3.1.2.1). NULL: it is no scope (RFC 6749 3.3). */
const char *oauth_scope(struct request *, const char *asked);

/* RC_OK where NULL, or one of the configured audiences. */
enum rc oauth_audience(struct request *, const char *) MUST_CHECK;

/* ---- clients (oauth-client.c) ---- */

/* Who asks, and proves it: by secret in the header or the body, or by nothing
 * where the client has none. RC_UNAUTHORIZED. */
enum rc oauth_client_prove(struct request *, const char *id,
    const struct secret *, struct oauth_client **) MUST_CHECK;

/* ---- access (oauth-access.c) ---- */

/* Tokens for a grant that has just been opened; `refresh` NULL: none. */
enum rc oauth_tokens(struct request *, const struct granted *,
    const struct secret *refresh) MUST_CHECK;

/* The answer's members that every grant has. */
void oauth_token_members(struct request *, struct jw *, const char *token,
    const char *scope, int64_t life);

/* ---- pages ---- */

/* Somebody signed in at this browser: by cookie, never by a token that a
 * program brought along. */
bool oauth_present(const struct request *);

/* To the sign-in page, and from there back to `next`. */
enum rc oauth_sign_in(
    struct request *, const char *next, const char *client) MUST_CHECK;

/* A form's own proof that it is ours, whatever a browser says of itself. */
void oauth_csrf(struct request *, char out[65]);
enum rc oauth_csrf_check(struct request *, const char *sent) MUST_CHECK;

/* ---- bodies and handlers ---- */

struct oauth_token_ask {
	const char *grant_type, *client_id;
	struct secret client_secret;
	struct secret code, code_verifier, refresh_token, device_code;
	const char *redirect_uri, *scope, *audience;
	struct secret subject_token;
	const char *subject_token_type, *requested_token_type;
	struct secret actor_token;
	int64_t account_id;
};
extern const struct field oauth_token_ask_body[];
extern const struct field oauth_token_answer[];
enum rc oauth_token(struct request *);
enum rc oauth_exchange(struct request *, const struct oauth_token_ask *,
    const struct oauth_client *) MUST_CHECK;

struct oauth_authorize {
	const char *response_type, *response_mode, *client_id, *redirect_uri;
	const char *scope, *state, *nonce, *prompt, *max_age, *audience;
	const char *code_challenge, *code_challenge_method;
	const char *request, *request_uri;
	const char *decision, *csrf_token; /* of the consent page */
};
extern const struct field oauth_authorize_params[];
extern const struct field oauth_consent_body[];
enum rc oauth_authorize_get(struct request *);
enum rc oauth_authorize_post(struct request *);
enum rc oauth_consent_post(struct request *);

struct oauth_device_ask {
	const char *client_id, *scope, *audience;
	struct secret client_secret;
};
extern const struct field oauth_device_ask_body[];
extern const struct field oauth_device_answer[];
enum rc oauth_device_begin(struct request *);

struct oauth_user_code {
	const char *user_code, *decision, *csrf_token;
};
extern const struct field oauth_user_code_params[];
extern const struct field oauth_user_code_body[];
enum rc oauth_device_page(struct request *);
enum rc oauth_device_post(struct request *);

struct oauth_inspect {
	const char *client_id, *token_type_hint;
	struct secret client_secret, token;
};
extern const struct field oauth_inspect_body[];
extern const struct field oauth_inspect_answer[];
enum rc oauth_introspect(struct request *);
enum rc oauth_revoke(struct request *);

#endif
