/* POST /auth/refresh: a new access token for an old refresh token, by programs
 * with the token in the body, by browsers with a cookie that goes nowhere
 * else. */
#include "auth.h"

#include "domain/refresh.h"
#include "web/body.h"
#include "web/guard.h"
#include "web/issuer.h"
#include "web/reply.h"

#define COOKIE "refresh"
#define WHERE  "/auth/refresh; HttpOnly; SameSite=Strict"

const struct field auth_refresh_body[] = {
	F_SECRET(struct auth_refresh, refresh_token, 1, 256, NULLABLE,
	    .about = "Absent: the one of the cookie."),
	F_END
};
static const struct field tokens_answer[] = { A_TEXT("access_token", 0),
	A_TEXT("refresh_token", 0), A_TEXT("token_type", 0),
	A_INT("expires_in", 0), F_END };
const struct field auth_refresh_answer[] = { A_OBJECT(
						 "tokens", tokens_answer, 0),
	A_TEXT("access_token", 0), A_TEXT("refresh_token", 0),
	A_TEXT("token_type", 0), A_INT("expires_in", 0), F_END };

static void
give_cookie(struct request *rq, const char *token)
{
	reply_cookie_at(rq, WHERE, COOKIE, token, rq->conf->refresh_life, NULL);
}

void
auth_refresh_forget(struct request *rq)
{
	reply_cookie_at(rq, WHERE, COOKIE, "", -1, NULL);
}

enum rc
auth_refresh_begin(struct request *rq, const struct session *s,
    const char *client, const char **token)
{
	const struct refresh_new want = { s->session_id, s->account_id, client,
		PEOPLE_SCOPE, rq->conf->refresh_life };
	struct secret made;

	TRY(refresh_begin(rq->db, &want, rq->arena, &made));
	*token = (const char *)made.p;
	give_cookie(rq, *token);
	return RC_OK;
}

void
auth_token_members(
    struct request *rq, struct jw *w, const char *access, const char *refresh)
{
	JW_TEXT(w, "access_token", access);
	if (refresh != NULL)
		JW_TEXT(w, "refresh_token", refresh);
	JW_TEXT(w, "token_type", "Bearer");
	JW_INT(w, "expires_in", rq->conf->access_token_life);
}

/* A cookie comes along by itself: then the page must be ours. */
static enum rc
token_sent(struct request *rq, struct str *token)
{
	const struct auth_refresh *in = rq->body;

	*token = (struct str){ (const char *)in->refresh_token.p,
		in->refresh_token.n };
	if (secret_is(&in->refresh_token))
		return RC_OK;
	*token = request_cookie(rq, COOKIE);
	if (token->p == NULL || token->n == 0)
		return fault_add(rq, "refresh_token", "required",
		    "Send it in the body or as the cookie.");
	return guard_csrf(rq);
}

/* The first document's guide names no shape: tokens as in a sign-in, and bare
 * as OAuth has them. */
static enum rc
tokens_reply(struct request *rq, const char *access, const char *refresh)
{
	struct jw *w = reply_bare(rq, 0);

	jw_object(w);
	jw_key(w, "tokens");
	jw_object(w);
	auth_token_members(rq, w, access, refresh);
	jw_object_end(w);
	auth_token_members(rq, w, access, refresh);
	jw_object_end(w);
	return reply_bare_close(rq);
}

enum rc
auth_refresh(struct request *rq)
{
	const struct refresh_terms terms = issuer_terms(rq);
	struct secret next;
	struct granted *g;
	const char *access;
	struct str token;

	TRY(token_sent(rq, &token));
	TRY(refresh_next(
	    rq->db, token, NULL, NULL, &terms, rq->arena, &next, &g));
	if (g == NULL || strcmp(g->outcome, "ok") != 0) {
		log_warn(&rq->log, "refresh refused address=%s reason=%s",
		    rq->peer, g == NULL ? "unknown" : g->outcome);
		return RC_UNAUTHORIZED;
	}
	TRY(issuer_renew(rq, g, &access));
	give_cookie(rq, (const char *)next.p);
	return tokens_reply(rq, access, (const char *)next.p);
}
