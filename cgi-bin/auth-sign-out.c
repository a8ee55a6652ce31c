/* Signing out. */
#include "auth.h"

#include "domain/session-sql.h"
#include "web/audit.h"
#include "web/page.h"
#include "web/reply.h"

void
auth_sign_out_form(struct page_doc *doc)
{
	page_html(doc,
	    "<form method=\"post\" action=\"/auth/logout\">\n"
	    "<button>Sign out</button>\n</form>\n");
}

static enum rc
session_close(struct request *rq)
{
	reply_cookie(rq, AUTH_COOKIE, "", -1, NULL);
	auth_refresh_forget(rq);
	if (rq->actor.session == 0)
		return RC_OK;
	db_pipe_begin(rq->db);
	TRY(session_end(rq->db, rq->actor.session, NULL));
	TRY(audit(
	    rq, "session.end", audit_id(rq, ID_USER, rq->actor.user), NULL));
	return db_pipe_end(rq->db);
}

/* A link must not sign anybody out: a foreign page could hold it. Browsers
 * say where a request comes from (to https and localhost, else they say that
 * they are browsers); programs say neither. */
static bool
logout_meant(const struct request *rq)
{
	const char *site = request_var(rq, "HTTP_SEC_FETCH_SITE");
	const char *agent = request_var(rq, "HTTP_USER_AGENT");

	if (rq->head || request_var(rq, "HTTP_SEC_PURPOSE") != NULL)
		return false;
	if (site != NULL)
		return strcmp(site, "same-origin") == 0 ||
		    strcmp(site, "same-site") == 0;
	return agent == NULL || strncmp(agent, "Mozilla/", 8) != 0;
}

enum rc
auth_logout_get(struct request *rq)
{
	struct page_doc doc;

	if (rq->actor.session != 0 && !logout_meant(rq)) {
		rq->reply.fresh = true;
		page_open(&doc, rq, "Sign out?");
		auth_sign_out_form(&doc);
		return page_reply(&doc, 200);
	}
	TRY(session_close(rq));
	return reply_redirect(rq, 302, "/login");
}

enum rc
auth_logout(struct request *rq)
{
	TRY(session_close(rq));
	return reply_redirect(rq, 302, "/login");
}

enum rc
auth_logout_ci(struct request *rq)
{
	struct jw *w;

	TRY(session_close(rq));
	w = reply_open(rq, 0);
	JW_TEXT(w, "message", "Signed out");
	return reply_close(rq);
}

enum rc
auth_sign_out(struct request *rq)
{
	TRY(session_close(rq));
	return reply_empty(rq, 0);
}
