/* What a mailed link opens: a page that says what is about to happen, with a
 * button. Opening it changes nothing, so whoever looks at links in mails
 * beforehand uses none up. */
#include "auth.h"

#include "domain/one-time.h"
#include "web/page.h"
#include "web/reply.h"

enum state { STATE_DONE, STATE_GONE, STATE_WEAK, STATE_WRONG, STATE_NOBODY };
static const char *const states[] = { "done", "gone", "weak", "wrong", "nobody",
	NULL };

const struct field link_page_in_params[] = {
	F_TEXT(struct link_page_in, token, 1, 128, OPTIONAL,
	    .about = "As the mail has it."),
	F_ENUM(struct link_page_in, state, states, OPTIONAL,
	    .about = "How the page's form ended."),
	F_END
};

static const char *const alerts[] = {
	[STATE_WEAK] = "That password is too short, or one of the first that "
		       "anybody tries. Choose another one.",
	[STATE_WRONG] = "That is not the password of the sign-up. If you did "
			"not sign up, close this page: nothing has happened.",
	[STATE_NOBODY] = "Your address is confirmed, but you are a member of "
			 "no account yet. Ask its owner to invite you.",
};

static const struct page_field password_known = { "password",
	"The password that you chose", "password", "current-password" };
static const struct page_field password_new = { "password", "New password",
	"password", "new-password" };

/* Per kind: what the page says, where its form goes, and what follows. */
static const struct link_words {
	const char *title, *text, *action, *button;
	const struct page_field *field;
	const char *done; /* NULL: the user is signed in, and led on */
} words[LINKS] = {
	[LINK_VERIFY] = { "Confirm your address",
	    "Somebody signed up with your address. If it was you, confirm it "
	    "with the password that you chose then.",
	    "/auth/verify", "Confirm", &password_known,
	    "Your address is confirmed." },
	[LINK_MAGIC] = { "Sign in", "This signs you in in this browser.",
	    "/auth/sign-in-with-token", "Sign in", NULL, NULL },
	[LINK_RESET] = { "Set a new password",
	    "This ends all your sessions, on other devices, too.",
	    "/auth/reset-password", "Set it", &password_new,
	    "Your password is set." },
	[LINK_INVITE] = { "Join an account", NULL, "/auth/accept-invite",
	    "Join", &password_new, NULL },
};

/* ---- the page ---- */

static void
paragraph(struct page_doc *doc, const char *text, const char *role)
{
	page_html(doc, role != NULL ? "<p role=\"" : "<p");
	page_html(doc, role != NULL ? role : "");
	page_html(doc, role != NULL ? "\">" : ">");
	page_text(doc, text);
	page_html(doc, "</p>\n");
}

static void
explain(struct page_doc *doc, const struct link_words *say,
    const struct one_time *link)
{
	if (say->text != NULL)
		paragraph(doc, say->text, NULL);
	if (link->account_id == 0)
		return;
	paragraph(doc,
	    arena_fmt(doc->rq->arena,
		"You are invited to the account “%s”, as %s.%s",
		link->account_name, link->role,
		link->user_id == 0 ? " Choose a password to sign in with later."
				   : ""),
	    NULL);
}

/* Whoever has a user joins with it, and needs no password. */
static bool
has_field(const struct link_words *say, const struct one_time *link)
{
	return say->field != NULL &&
	    (link->account_id == 0 || link->user_id == 0);
}

static void
form(struct page_doc *doc, const struct link_words *say,
    const struct one_time *link, const char *token)
{
	page_html(doc, "<form method=\"post\" action=\"");
	page_html(doc, say->action);
	page_html(doc, "\">\n<input type=\"hidden\" name=\"token\" value=\"");
	page_text(doc, token);
	page_html(doc, "\">\n");
	if (has_field(say, link))
		page_field(doc, say->field);
	page_html(doc, "<button>");
	page_html(doc, say->button);
	page_html(doc, "</button>\n</form>\n");
}

static void
to_sign_in(struct page_doc *doc)
{
	page_html(doc, "<p><a href=\"/login\">To the sign-in page</a></p>\n");
}

static enum rc
page_last(struct request *rq, const char *title, const char *text)
{
	struct page_doc doc;

	page_open(&doc, rq, title);
	paragraph(&doc, text, "status");
	to_sign_in(&doc);
	return page_reply(&doc, 200);
}

static enum rc
page_form(struct request *rq, const struct link_words *say,
    const struct one_time *link, const struct link_page_in *in)
{
	struct page_doc doc;

	page_open(&doc, rq, say->title);
	if (in->state >= 0 && alerts[in->state] != NULL)
		paragraph(&doc, alerts[in->state], "alert");
	explain(&doc, say, link);
	form(&doc, say, link, in->token);
	return page_reply(&doc, 200);
}

static enum link_kind
kind_of(const struct request *rq)
{
	int kind = LINK_VERIFY;

	while (kind < LINKS - 1 &&
	    strcmp(link_rows[kind].page, rq->route->path) != 0)
		kind++;
	return (enum link_kind)kind;
}

enum rc
link_page(struct request *rq)
{
	const struct link_page_in *in = rq->params;
	enum link_kind kind = kind_of(rq);
	const struct link_words *say = &words[kind];
	struct secret token;
	struct one_time *link;
	enum rc rc = RC_BAD_LINK;

	rq->reply.fresh = true;
	if (in->state == STATE_DONE && say->done != NULL)
		return page_last(rq, say->title, say->done);
	if (in->token != NULL && in->state != STATE_GONE) {
		token = secret_new(rq->arena, in->token, strlen(in->token));
		rc = link_look(rq, kind, &token, &link);
	}
	if (rc == RC_BAD_LINK)
		return page_last(rq, say->title,
		    "This link is not valid any more. It works once, for a "
		    "while, and until a newer one is asked for.");
	TRY(rc);
	return page_form(rq, say, link, in);
}

/* ---- behind the form ---- */

bool
link_from_page(const struct request *rq)
{
	const char *type = request_var(rq, "CONTENT_TYPE");

	return page_wanted(rq) && type != NULL &&
	    strncasecmp(type, "application/x-www-form-urlencoded", 33) == 0;
}

static const struct {
	enum rc rc;
	enum state state;
	bool again; /* with the same token */
} nexts[] = {
	{ RC_BAD_LINK, STATE_GONE, false },
	{ RC_INVALID, STATE_WEAK, true },
	{ RC_BAD_LOGIN, STATE_WRONG, true },
	{ RC_FORBIDDEN, STATE_NOBODY, true },
};

/* Only what a token may consist of goes into an address. */
static bool
token_plain(const struct secret *token)
{
	for (size_t i = 0; i < token->n; i++)
		if (base64_value((char)token->p[i], "-_") < 0)
			return false;
	return token->n == SECRET_TOKEN;
}

enum rc
link_page_next(struct request *rq, enum link_kind kind,
    const struct secret *token, enum rc rc)
{
	const char *page = link_rows[kind].page;

	if (rc == RC_OK)
		return reply_redirect(rq, 302,
		    words[kind].done == NULL
			? "/dashboard"
			: arena_fmt(rq->arena, "%s?state=done", page));
	for (size_t i = 0; i < sizeof nexts / sizeof nexts[0]; i++)
		if (nexts[i].rc == rc &&
		    (!nexts[i].again || token_plain(token)))
			return reply_redirect(rq, 302,
			    arena_fmt(rq->arena, "%s?state=%s%s%s", page,
				states[nexts[i].state],
				nexts[i].again ? "&token=" : "",
				nexts[i].again ? (const char *)token->p : ""));
	return rc;
}
