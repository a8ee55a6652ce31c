/* The page of one's own second factor. Secrets and written codes are in the
 * answer to a form and nowhere else. */
#include "auth.h"

#include "domain/factor-sql.h"
#include "domain/factor.h"
#include "domain/session-sql.h"
#include "web/page.h"
#include "web/reply.h"

#define TITLE "Second factor"

const struct field factors_page_params[] = {
	F_TEXT(struct factors_page, next, 0, 8192, OPTIONAL | BLANK_OK,
	    .about = "Where to go then: a path here."),
	F_END
};

static const struct page_field password = { "password", "Your password",
	"password", "current-password" };
static const struct page_field code = { "code", "Code", "text",
	"one-time-code" };

static const struct form {
	const char *heading, *text, *action, *button;
	const struct page_field *field;
} forms[] = {
	[FACTORS_NEW] = { "Set one up",
	    "With a second factor a password or a mailed link alone lets "
	    "nobody in: a code is needed, too, which an authenticator on your "
	    "phone or computer shows.",
	    "/auth/factors/totp", "Set it up", &password },
	[FACTORS_CONFIRM] = { "Turn it on",
	    "Type the code that the authenticator shows now. Your other "
	    "sessions end.",
	    "/auth/factors/totp/confirm", "Turn it on", &code },
	[FACTORS_OFF] = { "Turn it off",
	    "Type a code of it, or a recovery code.",
	    "/auth/factors/totp/disable", "Turn it off", &code },
	[FACTORS_CODES] = { "New recovery codes",
	    "They take the place of the old ones. Type a code.",
	    "/auth/factors/recovery-codes", "Make new ones", &code },
};

/* Two forms of a page have a field of one name: their ids differ. */
static void
field(struct page_doc *doc, enum factors_form which)
{
	const struct page_field *f = forms[which].field;

	buf_fmt(&doc->html,
	    "<label for=\"%s%d\">%s</label>\n"
	    "<input id=\"%s%d\" name=\"%s\" type=\"%s\" autocomplete=\"%s\" "
	    "required>\n",
	    f->name, (int)which, f->label, f->name, (int)which, f->name,
	    f->type, f->autocomplete);
}

/* Whoever was led here on the way to somewhere else does not lose that. */
static void
form(struct page_doc *doc, enum factors_form which, bool has_field,
    const char *next)
{
	const struct form *f = &forms[which];

	buf_fmt(&doc->html,
	    "<h2>%s</h2>\n<p>%s</p>\n<form method=\"post\" action=\"%s\">\n",
	    f->heading, f->text, f->action);
	if (has_field)
		field(doc, which);
	if (auth_next_ok(next))
		page_hidden(doc, "next", next);
	buf_fmt(&doc->html, "<button>%s</button>\n</form>\n", f->button);
}

static void
said(struct page_doc *doc, const char *text)
{
	page_html(doc, "<p role=\"status\">");
	page_text(doc, text);
	page_html(doc, "</p>\n");
}

static void
link_on(struct page_doc *doc, const char *next)
{
	bool ok = auth_next_ok(next);

	page_html(doc, "<p><a href=\"");
	page_text(doc, ok ? next : "/dashboard");
	page_html(
	    doc, ok ? "\">Go on</a></p>\n" : "\">To the start page</a></p>\n");
}

/* What may be done next; `alert` NULL: nothing was wrong. */
static enum rc
overview(struct request *rq, int status, const char *alert, const char *next)
{
	struct password_owner *who;
	struct page_doc doc;
	struct factor *f;

	TRY(factor_look(rq->db, rq->arena, &f));
	TRY(password_of(rq->db, rq->actor.user, rq->arena, &who));
	page_open(&doc, rq, TITLE);
	if (alert != NULL)
		page_alert(&doc, alert);
	said(&doc,
	    f->is_active ? arena_fmt(rq->arena,
			       "It is on. You have %lld recovery codes left.",
			       (long long)f->codes_left)
		: factor_is_required(rq->conf, f)
		? "You have none, and your role needs one here: until it is "
		  "on you can do nothing else."
		: "You have none.");
	if (!f->is_active)
		form(&doc, FACTORS_NEW, who->password_hash != NULL, next);
	if (f->is_active)
		form(&doc, FACTORS_CODES, true, next);
	if (f->is_active && !factor_is_required(rq->conf, f))
		form(&doc, FACTORS_OFF, true, next);
	link_on(&doc, next);
	return page_reply(&doc, status);
}

enum rc
auth_factors_page(struct request *rq)
{
	const struct factors_page *in = rq->params;
	const char *here;

	rq->reply.fresh = true;
	if (rq->actor.user != 0)
		return overview(rq, 200, NULL, in->next);
	here = auth_next_to(rq, rq->route->path, in->next, NULL);
	return reply_redirect(rq, 302, auth_next_to(rq, "/login", here, NULL));
}

/* ---- behind a form ---- */

/* By hand, where no picture can be read: groups of four are read more easily.
 */
static const char *
grouped(struct request *rq, const char *secret)
{
	const char *out = "";

	for (; strlen(secret) > 4; secret += 4)
		out = arena_fmt(rq->arena, "%s%.4s ", out, secret);
	return arena_fmt(rq->arena, "%s%s", out, secret);
}

static enum rc
page_secret(struct request *rq, const struct factors_done *d)
{
	struct page_doc doc;

	page_open(&doc, rq, TITLE);
	page_html(&doc,
	    "<p>Type this secret into your authenticator (by time, six "
	    "digits), or open the link on the device that has it. It is not "
	    "shown again.</p>\n<p><code>");
	page_text(&doc, grouped(rq, d->secret));
	page_html(&doc, "</code></p>\n<p><a href=\"");
	page_text(&doc, d->uri);
	page_html(&doc, "\">Open the authenticator</a></p>\n");
	form(&doc, FACTORS_CONFIRM, true, d->next);
	return page_reply(&doc, 200);
}

static enum rc
page_codes(struct request *rq, const struct factors_done *d)
{
	struct page_doc doc;

	page_open(&doc, rq, TITLE);
	said(&doc,
	    d->form == FACTORS_CONFIRM ? "It is on."
				       : "The old recovery codes are void.");
	page_html(&doc,
	    "<p>Each of these recovery codes is good once, in place of a "
	    "code. Keep them where you do not keep the authenticator. They "
	    "are not shown again.</p>\n<ul>\n");
	for (int i = 0; i < FACTOR_CODES; i++)
		buf_fmt(&doc.html, "<li><code>%s</code></li>\n", d->codes[i]);
	page_html(&doc, "</ul>\n");
	link_on(&doc, d->next);
	return page_reply(&doc, 200);
}

/* The secret is not shown again; the authenticator has it. */
static enum rc
page_confirm_again(struct request *rq, const char *alert, const char *next)
{
	struct page_doc doc;

	page_open(&doc, rq, TITLE);
	page_alert(&doc, alert);
	form(&doc, FACTORS_CONFIRM, true, next);
	page_html(&doc, "<p><a href=\"");
	page_text(&doc, auth_next_to(rq, "/auth/factors/page", next, NULL));
	page_html(&doc, "\">Begin again</a></p>\n");
	return page_reply(&doc, 200);
}

static enum rc
done(struct request *rq, const struct factors_done *d)
{
	if (d->form == FACTORS_NEW)
		return page_secret(rq, d);
	if (d->form == FACTORS_OFF)
		return overview(rq, 200, NULL, d->next);
	return page_codes(rq, d);
}

enum rc
auth_factors_done(struct request *rq, const struct factors_done *d, enum rc rc)
{
	const char *alert;

	rq->reply.fresh = true;
	if (rc == RC_OK)
		return done(rq, d);
	if (rc == RC_RATE_LIMIT)
		reply_header(rq, "Retry-After",
		    arena_fmt(rq->arena, "%d", rq->retry_after));
	if (rc == RC_RATE_LIMIT)
		return overview(
		    rq, 429, "Too many tries. Wait a while.", d->next);
	if (rc == RC_BAD_CODE && d->form == FACTORS_CONFIRM)
		return page_confirm_again(rq, result_row(rc)->text, d->next);
	if (rc == RC_BAD_CODE)
		return overview(rq, 200, result_row(rc)->text, d->next);
	if (rc == RC_INVALID && rq->faults != NULL) {
		alert = rq->faults->message;
		rq->faults = NULL;
		return overview(rq, 200, alert, d->next);
	}
	if (rc == RC_CONFLICT)
		return overview(
		    rq, 200, "That cannot be done any more.", d->next);
	return rc;
}
