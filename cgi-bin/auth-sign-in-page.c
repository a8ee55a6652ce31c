/* Pages of who signs in, and of who has. */
#include "auth.h"

#include "web/body.h"
#include "web/guard.h"
#include "web/page.h"
#include "web/reply.h"

static enum rc
login_page_with(struct request *rq, int status, const char *alert,
    const char *next, const char *client)
{
	static const struct page_field fields[] = {
		{ "username", "User name or address", "text", "username" },
		{ "password", "Password", "password", "current-password" },
	};
	struct page_doc doc;

	page_open(&doc, rq, "Sign in");
	if (alert != NULL)
		page_alert(&doc, alert);
	page_html(&doc, "<form method=\"post\" action=\"");
	page_text(&doc, rq->route->path);
	page_html(&doc, "\">\n");
	for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
		page_field(&doc, &fields[i]);
	auth_next_fields(&doc, next, client);
	page_html(&doc, "<button>Sign in</button>\n</form>\n");
	return page_reply(&doc, status);
}

const struct field login_page_params[] = {
	F_BOOL(struct login_page, error, OPTIONAL,
	    .about = "Say that the last try was wrong."),
	F_TEXT(struct login_page, next, 0, 8192, OPTIONAL | BLANK_OK,
	    .about = "Where to go then: a path here."),
	F_TEXT(struct login_page, client_id, 0, 64, OPTIONAL | BLANK_OK), F_END
};

enum rc
auth_login_page(struct request *rq)
{
	const struct login_page *in = rq->params;

	return login_page_with(rq, 200,
	    in->error ? result_row(RC_BAD_LOGIN)->text : NULL, in->next,
	    in->client_id);
}

/* Browsers get a page they can go on from, programs the result. */
static enum rc
login_refused(struct request *rq, enum rc rc)
{
	const struct login_form *in = rq->body;

	if (rc == RC_BAD_LOGIN && !page_json_only(rq))
		return reply_redirect(
		    rq, 302, auth_next_again(rq, in->next, in->client_id));
	if (rc == RC_RATE_LIMIT && page_wanted(rq)) {
		reply_header(rq, "Retry-After",
		    arena_fmt(rq->arena, "%d", rq->retry_after));
		return login_page_with(rq, 429,
		    "Too many tries. Wait a minute, then try again.", in->next,
		    in->client_id);
	}
	return rc;
}

/* No cookie decides here, but one is given: a foreign page must not be able
 * to sign somebody in as somebody else. */
enum rc
auth_login(struct request *rq)
{
	const struct login_form *in = rq->body;
	const struct auth_entry e = auth_entry_of(in);
	struct secret cookie;
	struct session *s;
	enum rc rc;

	TRY(guard_csrf(rq));
	rc = auth_enter(rq, &e, &cookie, &s);
	if (rc == RC_SECOND_FACTOR && !page_json_only(rq))
		return auth_step_go(rq, &cookie, in->next, e.client);
	if (rc != RC_OK)
		return login_refused(rq, rc);
	auth_cookie(rq, &cookie);
	return reply_redirect(
	    rq, 302, auth_next_ok(in->next) ? in->next : "/dashboard");
}

static void
term(struct page_doc *doc, const char *name, const char *value)
{
	page_html(doc, "<dt>");
	page_text(doc, name);
	page_html(doc, "</dt><dd>");
	page_text(doc, value);
	page_html(doc, "</dd>\n");
}

enum rc
auth_dashboard(struct request *rq)
{
	struct session s = auth_session(&rq->actor);
	struct page_doc doc;
	struct auth_profile p;

	if (rq->actor.user == 0)
		return page_json_only(rq) || !page_wanted(rq)
		    ? RC_UNAUTHORIZED
		    : reply_redirect(rq, 302, "/login");
	TRY(auth_profile(rq, &s, &p));
	rq->reply.fresh = true;
	page_open(&doc, rq, "Dashboard");
	page_html(&doc, "<dl>\n");
	term(&doc, "Signed in as",
	    p.user->name[0] != '\0' ? p.user->name : p.user->email);
	term(&doc, "Address", p.user->email);
	term(&doc, "Account", p.active.account_name);
	term(&doc, "Role", p.active.role);
	page_html(&doc,
	    "</dl>\n<p><a href=\"/api\">What the API offers</a></p>\n"
	    "<p><a href=\"/auth/factors/page\">Second factor</a></p>\n");
	auth_sign_out_form(&doc);
	return page_reply(&doc, 200);
}
