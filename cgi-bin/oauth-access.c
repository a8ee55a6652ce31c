/* What a grant is turned into: access token, refresh token, ID token. */
#include "oauth.h"

#include "web/issuer.h"
#include "web/reply.h"

#define ID_TOKEN_MOST 4096

/* OIDC Core 3.1.3.6: the left half of the hash. */
static const char *
at_hash(struct request *rq, const char *access)
{
	unsigned char hash[SHA256_SIZE];

	sha256(access, strlen(access), hash);
	return base64url_encode(rq->arena, hash, sizeof hash / 2);
}

static void
id_claims(struct request *rq, struct jw *w, const struct granted *g,
    const char *access)
{
	int64_t now = clock_now().us / 1000000;

	jw_object(w);
	JW_TEXT(w, "iss", rq->conf->base_url);
	JW_TEXT(
	    w, "sub", arena_fmt(rq->arena, "uid_%lld", (long long)g->user_id));
	JW_TEXT(w, "aud", g->client);
	JW_INT(w, "iat", now);
	JW_INT(w, "exp", now + rq->conf->access_token_life);
	if (instant_is(g->auth_time))
		JW_INT(w, "auth_time", g->auth_time.us / 1000000);
	if (g->nonce != NULL)
		JW_TEXT(w, "nonce", g->nonce);
	JW_TEXT(w, "at_hash", at_hash(rq, access));
	jw_object_end(w);
}

static enum rc
id_token(struct request *rq, const struct granted *g, const char *access,
    const char **token)
{
	struct buf payload;
	struct jw w = jw_on(&payload);
	enum rc rc;

	buf_init(&payload, ID_TOKEN_MOST);
	id_claims(rq, &w, g, access);
	rc = payload.full ? fail(RC_INTERNAL, "the ID token is too large")
			  : issuer_sign(rq, "JWT",
				(struct str){ payload.p, payload.n }, token);
	buf_clear(&payload);
	return rc;
}

void
oauth_token_members(struct request *rq, struct jw *w, const char *token,
    const char *scope, int64_t life)
{
	reply_header(rq, "Pragma", "no-cache");
	JW_TEXT(w, "access_token", token);
	JW_TEXT(w, "token_type", "Bearer");
	JW_INT(w, "expires_in", life);
	JW_TEXT(w, "scope", scope);
}

enum rc
oauth_tokens(
    struct request *rq, const struct granted *g, const struct secret *refresh)
{
	const char *access, *id = NULL;
	struct jw *w;

	TRY(issuer_renew(rq, g, &access));
	if (g->client != NULL && oauth_has(g->scope, "openid"))
		TRY(id_token(rq, g, access, &id));
	w = reply_bare(rq, 0);
	jw_object(w);
	oauth_token_members(
	    rq, w, access, g->scope, rq->conf->access_token_life);
	if (refresh != NULL)
		JW_TEXT(w, "refresh_token", (const char *)refresh->p);
	if (id != NULL)
		JW_TEXT(w, "id_token", id);
	jw_object_end(w);
	return reply_bare_close(rq);
}
