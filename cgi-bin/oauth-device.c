/* Devices without a browser (RFC 8628): the codes that they get, and the page
 * on which somebody types one and decides. Asking for the tokens is a grant
 * type of oauth-token.c. */
#include "oauth.h"

#include "domain/oauth-sql.h"
#include "web/audit.h"
#include "web/page.h"
#include "web/reply.h"

#define CODE_LENGTH 8
#define CODE_TRIES  3

const struct field oauth_device_ask_body[] = { F_TEXT(struct oauth_device_ask,
						   client_id, 0, 64, OPTIONAL),
	F_TEXT(struct oauth_device_ask, scope, 0, 1024, OPTIONAL),
	F_TEXT(struct oauth_device_ask, audience, 0, 512, OPTIONAL),
	F_SECRET(struct oauth_device_ask, client_secret, 0, 256, OPTIONAL,
	    .about = "Here, or by HTTP Basic."),
	F_END };
const struct field oauth_device_answer[] = { A_TEXT("device_code", 0),
	A_TEXT("user_code", 0), A_TEXT("verification_uri", 0),
	A_TEXT("verification_uri_complete", 0), A_INT("expires_in", 0),
	A_INT("interval", 0), F_END };

#define USER_CODE                                                              \
	F_TEXT(struct oauth_user_code, user_code, 0, 64, OPTIONAL | BLANK_OK,  \
	    .about = "As the device shows it.")
const struct field oauth_user_code_params[] = { USER_CODE, F_END };
const struct field oauth_user_code_body[] = { USER_CODE,
	F_TEXT(struct oauth_user_code, decision, 0, 16, OPTIONAL | BLANK_OK,
	    .about = "approve or deny; absent: show what is asked"),
	F_TEXT(struct oauth_user_code, csrf_token, 0, 256, OPTIONAL | BLANK_OK),
	F_END };

/* ---- user codes ---- */

/* No vowels and nothing that looks like something else (RFC 8628 6.1). */
static const char letters[] = "BCDFGHJKLMNPQRSTVWXZ";
#define LETTERS (sizeof letters - 1)

static void
code_new(char out[CODE_LENGTH + 1])
{
	for (size_t i = 0; i < CODE_LENGTH;) {
		unsigned char r;

		random_bytes(&r, 1);
		if (r < 256 / LETTERS * LETTERS) /* each as likely */
			out[i++] = letters[r % LETTERS];
	}
	out[CODE_LENGTH] = '\0';
}

static const char *
code_shown(struct request *rq, const char *code)
{
	return arena_fmt(rq->arena, "%.4s-%s", code, code + 4);
}

/* As somebody may type it: small letters, dashes, blanks. */
static struct str
code_hash(struct request *rq, const char *typed)
{
	char code[CODE_LENGTH + 1];
	size_t n = 0;

	for (const char *p = typed != NULL ? typed : ""; *p != '\0'; p++) {
		char c = *p >= 'a' && *p <= 'z' ? (char)(*p - 'a' + 'A') : *p;

		if (c == '-' || c == ' ')
			continue;
		if (n == CODE_LENGTH || strchr(letters, c) == NULL)
			return refresh_hash(rq->arena, STR(""));
		code[n++] = c;
	}
	return refresh_hash(rq->arena, (struct str){ code, n });
}

/* ---- a device begins ---- */

static enum rc
add(struct request *rq, const struct oauth_device_ask *in,
    const struct oauth_client *c, const char *scope,
    const struct secret *device, char code[CODE_LENGTH + 1])
{
	enum rc rc = RC_CONFLICT;

	/* Two of a code at a time would be a wonder; three tries, then. */
	for (int i = 0; i < CODE_TRIES && rc == RC_CONFLICT; i++) {
		code_new(code);
		rc = oauth_device_add(rq->db,
		    &(struct oauth_device_add_args){
			.hash = refresh_hash_of(rq->arena, device),
			.user_code_hash = code_hash(rq, code),
			.client = c->id,
			.scope = scope,
			.audience =
			    oauth_given(in->audience) ? in->audience : NULL,
			.life = OAUTH_DEVICE_LIFE,
			.pause = OAUTH_DEVICE_PAUSE },
		    NULL);
	}
	return rc;
}

enum rc
oauth_device_begin(struct request *rq)
{
	const struct oauth_device_ask *in = rq->body;
	struct secret device = secret_token(rq->arena);
	char code[CODE_LENGTH + 1];
	struct oauth_client *client;
	const char *scope, *where, *shown;
	struct jw *w;

	TRY(oauth_client_prove(rq, in->client_id, &in->client_secret, &client));
	scope = oauth_scope(rq, in->scope);
	if (scope == NULL)
		return oauth_fail(rq, "invalid_scope", "scope: It is none.");
	TRY(oauth_audience(rq, in->audience));
	TRY(add(rq, in, client, scope, &device, code));
	where = arena_fmt(rq->arena, "%s/oauth2/device", rq->conf->base_url);
	shown = code_shown(rq, code);
	w = reply_bare(rq, 0);
	jw_object(w);
	JW_TEXT(w, "device_code", (const char *)device.p);
	JW_TEXT(w, "user_code", shown);
	JW_TEXT(w, "verification_uri", where);
	JW_TEXT(w, "verification_uri_complete",
	    arena_fmt(rq->arena, "%s?user_code=%s", where, shown));
	JW_INT(w, "expires_in", OAUTH_DEVICE_LIFE);
	JW_INT(w, "interval", OAUTH_DEVICE_PAUSE);
	jw_object_end(w);
	return reply_bare_close(rq);
}

/* ---- somebody decides ---- */

static void
form_open(struct page_doc *doc)
{
	char csrf[65];

	oauth_csrf(doc->rq, csrf);
	page_html(doc, "<form method=\"post\" action=\"/oauth2/device\">\n");
	page_hidden(doc, "csrf_token", csrf);
}

static enum rc
code_page(struct request *rq, int status, const char *code, const char *alert)
{
	struct page_doc doc;

	rq->reply.fresh = true;
	page_open(&doc, rq, "Connect a device");
	if (alert != NULL)
		page_alert(&doc, alert);
	form_open(&doc);
	page_html(&doc,
	    "<label for=\"user_code\">The code that the device shows</label>\n"
	    "<input id=\"user_code\" name=\"user_code\" type=\"text\" "
	    "autocomplete=\"off\" autocapitalize=\"characters\" "
	    "spellcheck=\"false\" required value=\"");
	page_text(&doc, code);
	page_html(&doc, "\">\n<button>Continue</button>\n</form>\n");
	return page_reply(&doc, status);
}

static enum rc
decide_page(struct request *rq, const char *code, const struct oauth_device *d)
{
	struct page_doc doc;

	rq->reply.fresh = true;
	page_open(&doc, rq, "Connect this device?");
	page_html(&doc, "<p><strong>");
	page_text(&doc, d->name[0] != '\0' ? d->name : d->client);
	page_html(&doc,
	    "</strong> asks to use Letterrack as you, in your present "
	    "account. Approve only if you have a device before you that shows "
	    "the code <strong>");
	page_text(&doc, code);
	page_html(&doc, "</strong>.</p>\n");
	form_open(&doc);
	page_hidden(&doc, "user_code", code);
	page_html(&doc,
	    "<button name=\"decision\" value=\"approve\">Approve</button>\n"
	    "<button name=\"decision\" value=\"deny\">Deny</button>\n"
	    "</form>\n");
	return page_reply(&doc, 200);
}

static enum rc
sign_in_first(struct request *rq, const char *code)
{
	const char *next = "/oauth2/device";

	if (oauth_given(code))
		next = arena_fmt(rq->arena, "%s?user_code=%s", next,
		    percent_encode(rq->arena, str_of(code)));
	return oauth_sign_in(rq, next, NULL);
}

enum rc
oauth_device_page(struct request *rq)
{
	const struct oauth_user_code *in = rq->params;

	if (!oauth_present(rq))
		return sign_in_first(rq, in->user_code);
	return code_page(rq, 200, in->user_code, NULL);
}

struct deciding {
	struct request *rq;
	struct str hash;
	bool approve;
	struct oauth_device *device; /* NULL: there was nothing to decide */
};

static enum rc
decide(struct db *db, void *ctx)
{
	struct deciding *d = ctx;
	struct request *rq = d->rq;

	TRY(oauth_device_decide(db, d->hash, rq->actor.session,
	    rq->actor.account, d->approve ? "approved" : "denied", rq->arena,
	    &d->device));
	if (d->device == NULL)
		return RC_OK;
	return audit(rq, d->approve ? "device.approve" : "device.deny",
	    d->device->client, NULL);
}

static enum rc
done_page(struct request *rq, bool approved)
{
	struct page_doc doc;

	page_open(&doc, rq,
	    approved ? "The device is connected" : "Nothing was done");
	page_html(&doc,
	    approved ? "<p>You can go on there and close this page.</p>\n"
		     : "<p>The device has no access.</p>\n");
	return page_reply(&doc, 200);
}

#define CODE_UNKNOWN "No device waits with this code. It may be too late."

static enum rc
settle(struct request *rq, const struct oauth_user_code *in, bool approve)
{
	struct deciding d = { rq, code_hash(rq, in->user_code), approve, NULL };

	TRY(db_tx(rq->db, decide, &d));
	return d.device == NULL ? code_page(rq, 400, NULL, CODE_UNKNOWN)
				: done_page(rq, approve);
}

enum rc
oauth_device_post(struct request *rq)
{
	const struct oauth_user_code *in = rq->body;
	struct oauth_device *device;

	if (!oauth_present(rq))
		return sign_in_first(rq, in->user_code);
	TRY(oauth_csrf_check(rq, in->csrf_token));
	if (oauth_given(in->decision)) {
		if (strcmp(in->decision, "approve") != 0 &&
		    strcmp(in->decision, "deny") != 0)
			return oauth_fail(rq, "invalid_request",
			    "decision: approve or deny.");
		return settle(rq, in, strcmp(in->decision, "approve") == 0);
	}
	TRY(oauth_device_look(rq->db, code_hash(rq, in->user_code),
	    rq->actor.application, rq->arena, &device));
	if (device == NULL)
		return code_page(rq, 400, NULL, CODE_UNKNOWN);
	return decide_page(rq, in->user_code, device);
}
