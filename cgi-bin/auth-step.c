/* The second step of signing in: whoever has shown a password or a mailed link
 * shows a code. Programs send the step's token; browsers have it as a cookie,
 * so that it stands in no page and no address. */
#include "auth.h"

#include "domain/factor.h"
#include "web/body.h"
#include "web/guard.h"
#include "web/page.h"
#include "web/reply.h"

#define COOKIE "step"
#define PAGE   "/auth/second-factor"
#define WHERE  PAGE "; HttpOnly; SameSite=Strict"

const struct field step_code_body[] = {
	F_SECRET(struct step_code, step, 1, 128, OPTIONAL,
	    .about = "From the answer of the first step; absent: the one of "
		     "the cookie."),
	F_TEXT(struct step_code, code, 1, FACTOR_CODE_MOST, REQUIRED,
	    .about = "That the authenticator shows, or a recovery code."),
	F_TEXT(struct step_code, client_id, 0, 64, NULLABLE | BLANK_OK,
	    .about = "As at the first step."),
	F_TEXT(struct step_code, next, 0, 8192, OPTIONAL | BLANK_OK,
	    .about = "Where a page goes then: a path here."),
	F_END
};
const struct field step_page_params[] = {
	F_BOOL(struct step_page, error, OPTIONAL,
	    .about = "Say that the last code was wrong."),
	F_TEXT(struct step_page, next, 0, 8192, OPTIONAL | BLANK_OK,
	    .about = "Where to go then: a path here."),
	F_TEXT(struct step_page, client_id, 0, 64, OPTIONAL | BLANK_OK), F_END
};

void
auth_step_tell(struct request *rq, const struct secret *token)
{
	error_text(rq, "step", (const char *)token->p);
	error_int(rq, "expires_in", FACTOR_STEP_LIFE);
}

enum rc
auth_step_go(struct request *rq, const struct secret *token, const char *next,
    const char *client)
{
	reply_cookie_at(
	    rq, WHERE, COOKIE, (const char *)token->p, FACTOR_STEP_LIFE, NULL);
	return reply_redirect(rq, 302, auth_next_to(rq, PAGE, next, client));
}

static void
forget(struct request *rq)
{
	reply_cookie_at(rq, WHERE, COOKIE, "", -1, NULL);
}

/* ---- the page ---- */

static enum rc
page_over(struct request *rq, const struct step_page *in)
{
	struct page_doc doc;

	page_open(&doc, rq, "Second step");
	page_html(&doc, "<p role=\"status\">");
	page_text(&doc, result_row(RC_STEP_OVER)->text);
	page_html(&doc, "</p>\n<p><a href=\"");
	page_text(&doc, auth_next_to(rq, "/login", in->next, in->client_id));
	page_html(&doc, "\">To the sign-in page</a></p>\n");
	return page_reply(&doc, 200);
}

static enum rc
page_form(struct request *rq, int status, const char *alert, const char *next,
    const char *client)
{
	static const struct page_field field = { "code", "Code", "text",
		"one-time-code" };
	struct page_doc doc;

	page_open(&doc, rq, "Second step");
	if (alert != NULL)
		page_alert(&doc, alert);
	page_html(&doc,
	    "<p>Type the code that your authenticator shows, or one of your "
	    "recovery codes.</p>\n"
	    "<form method=\"post\" action=\"" PAGE "\">\n");
	page_field(&doc, &field);
	auth_next_fields(&doc, next, client);
	page_html(&doc, "<button>Sign in</button>\n</form>\n");
	return page_reply(&doc, status);
}

enum rc
auth_step_page(struct request *rq)
{
	const struct step_page *in = rq->params;

	rq->reply.fresh = true;
	if (request_cookie(rq, COOKIE).p == NULL)
		return page_over(rq, in);
	return page_form(rq, 200,
	    in->error ? result_row(RC_BAD_CODE)->text : NULL, in->next,
	    in->client_id);
}

/* ---- the code ---- */

/* A cookie comes along by itself: then the page must be ours. */
static enum rc
token_sent(struct request *rq, struct str *token)
{
	const struct step_code *in = rq->body;

	*token = (struct str){ (const char *)in->step.p, in->step.n };
	if (secret_is(&in->step))
		return RC_OK;
	*token = request_cookie(rq, COOKIE);
	if (token->p == NULL || token->n == 0)
		return RC_STEP_OVER;
	return guard_csrf(rq);
}

static enum rc
enter(struct request *rq, const char *client, struct secret *cookie,
    struct session **s)
{
	const struct step_code *in = rq->body;
	struct sign_in terms = auth_terms(rq);
	struct str token;
	int64_t left;
	enum rc rc;

	terms.client = client;
	TRY(token_sent(rq, &token));
	rc = factor_sign_in(rq->db, rq->conf, &terms, token, in->code,
	    rq->arena, cookie, s, &left);
	if (rc == RC_OK)
		log_info(&rq->log, "signed in user=%lld session=%lld",
		    (long long)(*s)->user_id, (long long)(*s)->session_id);
	else if (rc == RC_BAD_CODE)
		log_warn(&rq->log, "code refused address=%s", rq->peer);
	if (rc == RC_RATE_LIMIT) {
		rq->retry_after = (int)left;
		error_int(rq, "retry_after_seconds", left);
	}
	return rc;
}

static enum rc
refused_page(struct request *rq, enum rc rc, const char *client)
{
	const struct step_code *in = rq->body;

	if (rc == RC_BAD_CODE)
		return reply_redirect(
		    rq, 302, auth_next_again(rq, in->next, client));
	if (rc == RC_STEP_OVER) {
		forget(rq);
		return reply_redirect(
		    rq, 302, auth_next_to(rq, PAGE, in->next, client));
	}
	if (rc != RC_RATE_LIMIT)
		return rc;
	reply_header(
	    rq, "Retry-After", arena_fmt(rq->arena, "%d", rq->retry_after));
	return page_form(rq, 429,
	    "Too many codes were wrong. Wait a while, then try again.",
	    in->next, client);
}

enum rc
auth_step(struct request *rq)
{
	const struct step_code *in = rq->body;
	const char *client = in->client_id != NULL && in->client_id[0] != '\0'
	    ? in->client_id
	    : NULL;
	struct secret cookie;
	struct session *s;
	enum rc rc = enter(rq, client, &cookie, &s);

	if (!link_from_page(rq)) {
		TRY(rc);
		return auth_entered_reply(rq, s, &cookie, client);
	}
	if (rc != RC_OK)
		return refused_page(rq, rc, client);
	forget(rq);
	auth_cookie(rq, &cookie);
	return reply_redirect(
	    rq, 302, auth_next_ok(in->next) ? in->next : "/dashboard");
}
