/* POST /oauth2/token: one row a grant type (RFC 6749, 7636, 8628, 8693). */
#include "oauth.h"

#include "domain/oauth-sql.h"
#include "web/issuer.h"
#include "web/reply.h"

const struct field oauth_token_ask_body[] = {
	F_TEXT(struct oauth_token_ask, grant_type, 0, 128, OPTIONAL,
	    .about = "authorization_code, refresh_token, client_credentials, "
		     "device code or token exchange."),
	F_TEXT(struct oauth_token_ask, client_id, 0, 64, OPTIONAL),
	F_SECRET(struct oauth_token_ask, client_secret, 0, 256, OPTIONAL,
	    .about = "Here, or by HTTP Basic."),
	F_SECRET(struct oauth_token_ask, code, 0, 256, OPTIONAL),
	F_SECRET(struct oauth_token_ask, code_verifier, 0, 256, OPTIONAL),
	F_SECRET(struct oauth_token_ask, refresh_token, 0, 256, OPTIONAL),
	F_SECRET(struct oauth_token_ask, device_code, 0, 256, OPTIONAL),
	F_TEXT(struct oauth_token_ask, redirect_uri, 0, 2048, OPTIONAL,
	    .about = "As it was at /oauth2/authorize."),
	F_TEXT(struct oauth_token_ask, scope, 0, 1024, OPTIONAL),
	F_TEXT(struct oauth_token_ask, audience, 0, 512, OPTIONAL,
	    .about = "For whom the token is; one of the configured ones."),
	F_SECRET(struct oauth_token_ask, subject_token, 0, 8192, OPTIONAL,
	    .about = "Of an exchange: the access token that is there."),
	F_TEXT(struct oauth_token_ask, subject_token_type, 0, 128, OPTIONAL),
	F_TEXT(struct oauth_token_ask, requested_token_type, 0, 128, OPTIONAL),
	F_SECRET(struct oauth_token_ask, actor_token, 0, 8192, OPTIONAL),
	F_ID(struct oauth_token_ask, account_id, ID_ACCOUNT, OPTIONAL,
	    .about = "Of an exchange: the account that is wanted."),
	F_END
};
const struct field oauth_token_answer[] = { A_TEXT("access_token", 0),
	A_TEXT("token_type", 0), A_INT("expires_in", 0), A_TEXT("scope", 0),
	A_TEXT("refresh_token", MAY_LACK), A_TEXT("id_token", MAY_LACK),
	A_TEXT("issued_token_type", MAY_LACK), F_END };

static enum rc
missing(struct request *rq, const char *name)
{
	return oauth_fail(rq, "invalid_request",
	    arena_fmt(rq->arena, "%s: This field is required.", name));
}

/* What the database made of a grant, as an answer. */
static enum rc
settle(
    struct request *rq, const struct granted *g, const struct secret *refresh)
{
	if (g == NULL)
		return oauth_fail(rq, "invalid_grant",
		    "This is not, or no longer, good for a token.");
	if (strcmp(g->outcome, "ok") == 0)
		return oauth_tokens(rq, g, refresh);
	if (strcmp(g->outcome, "reused") == 0) {
		log_warn(&rq->log, "used twice client=%s user=%lld", g->client,
		    (long long)g->user_id);
		return oauth_fail(rq, "invalid_grant",
		    "It was used before; what came of it has ended.");
	}
	if (strcmp(g->outcome, "scope") == 0)
		return oauth_fail(
		    rq, "invalid_scope", "scope: More than was granted.");
	return oauth_fail(rq, g->outcome, "Nobody has approved this device.");
}

/* ---- authorization_code ---- */

/* 43 to 128 unreserved characters (RFC 7636 4.1). */
static bool
verifier_ok(const struct secret *v)
{
	const char *s = (const char *)v->p;

	return v->n >= 43 && v->n <= 128 &&
	    strspn(s,
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		"0123456789-._~") == v->n;
}

static const char *
challenge_of(struct request *rq, const struct secret *verifier)
{
	unsigned char hash[SHA256_SIZE];

	sha256(verifier->p, verifier->n, hash);
	return base64url_encode(rq->arena, hash, sizeof hash);
}

static enum rc
by_code(struct request *rq, const struct oauth_token_ask *in,
    const struct oauth_client *c)
{
	struct refresh_terms terms = issuer_terms(rq);
	struct secret refresh = secret_token(rq->arena);
	struct granted *g;

	if (!oauth_secret_given(&in->code))
		return missing(rq, "code");
	if (!oauth_given(in->redirect_uri))
		return missing(rq, "redirect_uri");
	if (!oauth_secret_given(&in->code_verifier))
		return missing(rq, "code_verifier");
	if (!verifier_ok(&in->code_verifier))
		return oauth_fail(rq, "invalid_grant",
		    "code_verifier: 43 to 128 letters, digits or -._~");
	TRY(oauth_code_redeem(rq->db,
	    &(struct oauth_code_redeem_args){
		.hash = refresh_hash_of(rq->arena, &in->code),
		.client = c->id,
		.redirect_uri = in->redirect_uri,
		.challenge = challenge_of(rq, &in->code_verifier),
		.new_hash = refresh_hash_of(rq->arena, &refresh),
		.idle = (int32_t)terms.idle,
		.session_life = (int32_t)terms.session_life,
		.life = (int32_t)terms.life,
		.address = terms.address,
		.request = terms.request },
	    rq->arena, &g));
	return settle(rq, g, &refresh);
}

/* ---- refresh_token ---- */

static enum rc
by_refresh(struct request *rq, const struct oauth_token_ask *in,
    const struct oauth_client *c)
{
	const struct refresh_terms terms = issuer_terms(rq);
	const char *scope = NULL;
	struct secret next;
	struct granted *g;

	if (!oauth_secret_given(&in->refresh_token))
		return missing(rq, "refresh_token");
	if (oauth_given(in->scope)) {
		scope = oauth_scope(rq, in->scope);
		if (scope == NULL)
			return oauth_fail(
			    rq, "invalid_scope", "scope: It is none.");
	}
	TRY(refresh_next(rq->db, oauth_str(&in->refresh_token), c->id, scope,
	    &terms, rq->arena, &next, &g));
	return settle(rq, g, &next);
}

/* ---- client_credentials ---- */

static enum rc
by_credentials(struct request *rq, const struct oauth_token_ask *in,
    const struct oauth_client *c)
{
	const struct grant grant = {
		.application = c->application_id,
		.account = c->account_id,
		.role = c->role,
		.client = c->id,
		.scope = "",
		.audience = oauth_given(in->audience) ? in->audience : NULL,
	};
	const char *token;
	struct jw *w;

	if (c->secret_hash.p == NULL || c->account_id == 0)
		return oauth_fail(rq, "unauthorized_client",
		    "Only a client with a secret and an account of its own "
		    "acts for itself.");
	TRY(oauth_audience(rq, in->audience));
	if (oauth_scope(rq, in->scope) == NULL)
		return oauth_fail(rq, "invalid_scope", "scope: It is none.");
	TRY(issuer_grant(rq, &grant, &token));
	w = reply_bare(rq, 0);
	jw_object(w);
	oauth_token_members(rq, w, token, "", rq->conf->access_token_life);
	jw_object_end(w);
	return reply_bare_close(rq);
}

/* ---- device_code ---- */

static enum rc
by_device(struct request *rq, const struct oauth_token_ask *in,
    const struct oauth_client *c)
{
	struct refresh_terms terms = issuer_terms(rq);
	struct secret refresh = secret_token(rq->arena);
	struct granted *g;

	if (!oauth_secret_given(&in->device_code))
		return missing(rq, "device_code");
	TRY(oauth_device_redeem(rq->db,
	    &(struct oauth_device_redeem_args){
		.hash = refresh_hash_of(rq->arena, &in->device_code),
		.client = c->id,
		.new_hash = refresh_hash_of(rq->arena, &refresh),
		.idle = (int32_t)terms.idle,
		.session_life = (int32_t)terms.session_life,
		.life = (int32_t)terms.life,
		.address = terms.address,
		.request = terms.request },
	    rq->arena, &g));
	return settle(rq, g, &refresh);
}

/* ---- all of them ---- */

typedef enum rc grant_fn(struct request *, const struct oauth_token_ask *,
    const struct oauth_client *);

static const struct {
	const char *type;
	grant_fn *give;
} grants[] = {
	{ "authorization_code", by_code },
	{ "refresh_token", by_refresh },
	{ "client_credentials", by_credentials },
	{ OAUTH_GRANT_DEVICE, by_device },
	{ OAUTH_GRANT_EXCHANGE, oauth_exchange },
};

static grant_fn *
grant_find(const char *type)
{
	for (size_t i = 0; i < sizeof grants / sizeof grants[0]; i++)
		if (strcmp(grants[i].type, type) == 0)
			return grants[i].give;
	return NULL;
}

enum rc
oauth_token(struct request *rq)
{
	const struct oauth_token_ask *in = rq->body;
	struct oauth_client *client;
	grant_fn *give;

	if (!oauth_given(in->grant_type))
		return missing(rq, "grant_type");
	give = grant_find(in->grant_type);
	if (give == NULL)
		return oauth_fail(rq, "unsupported_grant_type",
		    "grant_type: This server does not know it.");
	TRY(oauth_client_prove(rq, in->client_id, &in->client_secret, &client));
	return give(rq, in, client);
}
