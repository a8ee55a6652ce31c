/* /oauth2/authorize and the consent page behind it: from a client's wish to a
 * code (RFC 6749 4.1, 7636, 9207, OIDC Core 3.1.2).
 *
 * Until client and address are proven nothing is sent anywhere: what is wrong
 * is shown on a page. From then on the client hears of it by redirect. */
#include "oauth.h"

#include "domain/oauth-sql.h"
#include "domain/user-sql.h"
#include "web/audit.h"
#include "web/guard.h"
#include "web/page.h"
#include "web/reply.h"

/* Lengths are the only thing that these rows refuse, so that nothing is told
 * before it is known whom to tell. */
#define ASK(m, most, ...)                                                      \
	F_TEXT(struct oauth_authorize, m, 0, most, OPTIONAL | BLANK_OK,        \
	    __VA_ARGS__)
#define ASK_ROWS                                                               \
	ASK(response_type, 64, .about = "code"),                               \
	    ASK(response_mode, 64, .about = "query"), ASK(client_id, 64),      \
	    ASK(redirect_uri, 2048,                                            \
		.about = "Exactly as registered with the client."),            \
	    ASK(scope, 1024), ASK(state, 2048), ASK(nonce, 512),               \
	    ASK(prompt, 128, .about = "none, login, consent, select_account"), \
	    ASK(max_age, 20,                                                   \
		.about = "Seconds since the password was given."),             \
	    ASK(audience, 512), ASK(code_challenge, 256),                      \
	    ASK(code_challenge_method, 16, .about = "S256"),                   \
	    ASK(request, 4096, .about = "Not supported."),                     \
	    ASK(request_uri, 2048, .about = "Not supported.")

const struct field oauth_authorize_params[] = { ASK_ROWS, F_END };
const struct field oauth_consent_body[] = { ASK_ROWS,
	ASK(decision, 16, .about = "allow or deny"), ASK(csrf_token, 256),
	F_END };

struct asked {
	const struct oauth_authorize *in;
	struct oauth_client *client;
	const char *scope;
};

/* ---- people at a browser ---- */

bool
oauth_present(const struct request *rq)
{
	return rq->actor.how == HOW_COOKIE && rq->actor.user != 0 &&
	    rq->actor.account != 0;
}

enum rc
oauth_sign_in(struct request *rq, const char *next, const char *client)
{
	const char *to = arena_fmt(rq->arena, "/auth/login?next=%s",
	    percent_encode(rq->arena, str_of(next)));

	if (client != NULL)
		to = arena_fmt(rq->arena, "%s&client_id=%s", to,
		    percent_encode(rq->arena, str_of(client)));
	return reply_redirect(rq, 302, to);
}

void
oauth_csrf(struct request *rq, char out[65])
{
	guard_csrf_token(request_cookie(rq, "session"), out);
}

enum rc
oauth_csrf_check(struct request *rq, const char *sent)
{
	char right[65];
	struct secret s = { (unsigned char *)right, 64 };

	oauth_csrf(rq, right);
	return sent != NULL && secret_eq(&s, sent, strlen(sent)) ? RC_OK
								 : RC_CSRF;
}

/* ---- back to the client ---- */

static const char *
with(struct request *rq, const char *uri, const char *name, const char *value)
{
	return arena_fmt(rq->arena, "%s%c%s=%s", uri,
	    strchr(uri, '?') != NULL ? '&' : '?', name,
	    percent_encode(rq->arena, str_of(value)));
}

static enum rc
back(struct request *rq, const struct oauth_authorize *in, const char *to)
{
	if (oauth_given(in->state))
		to = with(rq, to, "state", in->state);
	return reply_redirect(rq, 0, with(rq, to, "iss", rq->conf->base_url));
}

static enum rc
back_error(struct request *rq, const struct oauth_authorize *in,
    const char *word, const char *why)
{
	const char *to = with(rq, in->redirect_uri, "error", word);

	return back(rq, in, with(rq, to, "error_description", why));
}

/* ---- what is asked ---- */

/* Byte by byte (RFC 9700 2.1): no prefix, no other spelling of the same. */
static bool
registered(const struct oauth_client *c, const char *uri)
{
	for (size_t i = 0; i < c->redirect_uris.n; i++)
		if (str_eq(c->redirect_uris.v[i], str_of(uri)))
			return strchr(uri, '#') == NULL;
	return false;
}

static enum rc
client_check(struct request *rq, struct asked *a)
{
	if (!oauth_given(a->in->client_id))
		return oauth_fail(rq, "invalid_request",
		    "client_id: This field is required.");
	TRY(oauth_client_find(rq->db, a->in->client_id, rq->arena, &a->client));
	if (a->client == NULL)
		return oauth_fail(rq, "invalid_request",
		    "client_id: There is no such client.");
	if (!oauth_given(a->in->redirect_uri))
		return oauth_fail(rq, "invalid_request",
		    "redirect_uri: This field is required.");
	if (!registered(a->client, a->in->redirect_uri))
		return oauth_fail(rq, "invalid_request",
		    "redirect_uri: It is not registered with the client.");
	return RC_OK;
}

static bool
is_code(const struct oauth_authorize *in)
{
	return oauth_given(in->response_type) &&
	    strcmp(in->response_type, "code") == 0;
}

static bool
is_query(const struct oauth_authorize *in)
{
	return !oauth_given(in->response_mode) ||
	    strcmp(in->response_mode, "query") == 0;
}

static bool
has_no_request(const struct oauth_authorize *in)
{
	return !oauth_given(in->request);
}

static bool
has_no_request_uri(const struct oauth_authorize *in)
{
	return !oauth_given(in->request_uri);
}

/* Absent, the method would be `plain`. */
static bool
is_s256(const struct oauth_authorize *in)
{
	return oauth_given(in->code_challenge_method) &&
	    strcmp(in->code_challenge_method, "S256") == 0;
}

static bool
has_challenge(const struct oauth_authorize *in)
{
	return oauth_given(in->code_challenge) &&
	    strlen(in->code_challenge) == 43 &&
	    strspn(in->code_challenge,
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		"0123456789-_") == 43;
}

static bool
prompt_known(const struct oauth_authorize *in)
{
	static const char *const words[] = { "none", "login", "consent",
		"select_account" };
	bool none = oauth_has(in->prompt, "none"), known = false;

	for (const char *p = oauth_given(in->prompt) ? in->prompt : "";
	     *p != '\0';) {
		size_t n = strcspn(p, " ");

		known = false;
		for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
			known |= strlen(words[i]) == n &&
			    memcmp(words[i], p, n) == 0;
		if (!known || (none && n != 4))
			return false;
		p += n;
		p += strspn(p, " ");
	}
	return known || !oauth_given(in->prompt);
}

static bool
max_age_ok(const struct oauth_authorize *in)
{
	uint64_t n;

	return !oauth_given(in->max_age) ||
	    str_uint(str_of(in->max_age), INT64_MAX, &n);
}

static const struct {
	bool (*ok)(const struct oauth_authorize *);
	const char *word, *why;
} rules[] = {
	{ is_code, "unsupported_response_type",
	    "response_type: Only code is answered here." },
	{ is_query, "invalid_request",
	    "response_mode: Only query is answered here." },
	{ has_no_request, "request_not_supported",
	    "request: This server reads none." },
	{ has_no_request_uri, "request_uri_not_supported",
	    "request_uri: This server fetches none." },
	{ is_s256, "invalid_request", "code_challenge_method: S256 only." },
	{ has_challenge, "invalid_request",
	    "code_challenge: The base64url of a SHA-256." },
	{ prompt_known, "invalid_request",
	    "prompt: none, or some of login, consent, select_account." },
	{ max_age_ok, "invalid_request", "max_age: A number of seconds." },
};

/* *word NULL: all is well. */
static enum rc
wish_check(
    struct request *rq, struct asked *a, const char **word, const char **why)
{
	*word = NULL;
	for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
		if (rules[i].ok(a->in))
			continue;
		*word = rules[i].word;
		*why = rules[i].why;
		return RC_OK;
	}
	a->scope = oauth_scope(rq, a->in->scope);
	if (a->scope == NULL) {
		*word = "invalid_scope";
		*why = "scope: It is none.";
	} else if (oauth_audience(rq, a->in->audience) != RC_OK) {
		*word = "invalid_target";
		*why = "audience: Nothing is made for it here.";
	}
	return RC_OK;
}

/* The same wish again, for behind the sign-in page: what only that page could
 * fulfil is no longer asked for. */
static const char *
again(struct request *rq, const struct oauth_authorize *in)
{
	struct oauth_authorize left = *in;
	const char *to = "/oauth2/authorize";

	left.max_age = NULL;
	left.prompt = oauth_has(in->prompt, "consent") ? "consent" : NULL;
	for (const struct field *f = oauth_authorize_params;
	     f->kind != FIELD_END; f++) {
		const char *value;

		memcpy(&value, (const char *)&left + f->offset, sizeof value);
		if (oauth_given(value))
			to = with(rq, to, f->name, value);
	}
	return to;
}

/* ---- a code ---- */

struct giving {
	struct request *rq;
	const struct asked *asked;
	struct secret code;
	bool consented; /* now, and to be remembered */
	int64_t n;
};

static enum rc
give(struct db *db, void *ctx)
{
	struct giving *g = ctx;
	struct request *rq = g->rq;
	const struct asked *a = g->asked;
	const struct oauth_authorize *in = a->in;

	TRY(oauth_code_add(db,
	    &(struct oauth_code_add_args){
		.hash = refresh_hash_of(rq->arena, &g->code),
		.session = rq->actor.session,
		.account_of = rq->actor.account,
		.client = a->client->id,
		.redirect_uri = in->redirect_uri,
		.challenge = in->code_challenge,
		.scope = a->scope,
		.nonce = oauth_given(in->nonce) ? in->nonce : NULL,
		.audience = oauth_given(in->audience) ? in->audience : NULL,
		.life = OAUTH_CODE_LIFE },
	    &g->n));
	if (g->n == 0 || !g->consented)
		return RC_OK;
	TRY(oauth_consent_put(
	    db, rq->actor.session, a->client->id, a->scope, NULL));
	return audit(rq, "client.consent", a->client->id, a->scope);
}

static enum rc
code_give(struct request *rq, const struct asked *a, bool consented)
{
	struct giving g = { rq, a, secret_token(rq->arena), consented, 0 };

	TRY(db_tx(rq->db, give, &g));
	if (g.n == 0)
		return oauth_sign_in(rq, again(rq, a->in), a->client->id);
	return back(rq, a->in,
	    with(rq, a->in->redirect_uri, "code", (const char *)g.code.p));
}

/* ---- consent ---- */

static const struct {
	const char *scope, *what;
} meanings[] = {
	{ "openid", "who you are" },
	{ "profile", "your name" },
	{ "email", "your address" },
	{ "offline_access", "access while you are away" },
};

static void
consent_says(
    struct page_doc *doc, const struct asked *a, const struct user *user)
{
	const struct oauth_client *c = a->client;

	page_html(doc, "<p><strong>");
	page_text(doc, c->name[0] != '\0' ? c->name : c->id);
	page_html(doc, "</strong> asks to use Letterrack as ");
	page_text(doc, user->email);
	page_html(
	    doc, ", in your present account, with your rights there.</p>\n");
	page_html(doc, "<ul>\n");
	for (size_t i = 0; i < sizeof meanings / sizeof meanings[0]; i++) {
		if (!oauth_has(a->scope, meanings[i].scope))
			continue;
		page_html(doc, "<li>");
		page_text(doc, meanings[i].what);
		page_html(doc, "</li>\n");
	}
	page_html(doc, "</ul>\n<p>You will go on to ");
	page_text(doc, a->in->redirect_uri);
	page_html(doc, "</p>\n");
}

static void
consent_form(struct page_doc *doc, const struct oauth_authorize *in)
{
	char csrf[65];

	oauth_csrf(doc->rq, csrf);
	page_html(doc, "<form method=\"post\" action=\"/oauth2/consent\">\n");
	for (const struct field *f = oauth_authorize_params;
	     f->kind != FIELD_END; f++) {
		const char *value;

		memcpy(&value, (const char *)in + f->offset, sizeof value);
		page_hidden(doc, f->name, value);
	}
	page_hidden(doc, "csrf_token", csrf);
	page_html(doc,
	    "<button name=\"decision\" value=\"allow\">Allow</button>\n"
	    "<button name=\"decision\" value=\"deny\">Deny</button>\n"
	    "</form>\n");
}

static enum rc
consent_page(struct request *rq, const struct asked *a)
{
	struct page_doc doc;
	struct user *user;

	TRY(user_get(
	    rq->db, rq->actor.application, rq->actor.user, rq->arena, &user));
	rq->reply.fresh = true;
	page_open(&doc, rq, "Allow access?");
	page_form_to(&doc, a->in->redirect_uri);
	consent_says(&doc, a, user);
	consent_form(&doc, a->in);
	return page_reply(&doc, 200);
}

/* ---- the way through ---- */

static bool
sign_in_anew(
    const struct oauth_authorize *in, const struct oauth_consent *known)
{
	uint64_t most = 0;

	if (oauth_has(in->prompt, "login") ||
	    oauth_has(in->prompt, "select_account"))
		return true;
	return oauth_given(in->max_age) &&
	    str_uint(str_of(in->max_age), INT64_MAX, &most) &&
	    known->age_seconds > (int64_t)most;
}

static enum rc
way(struct request *rq, const struct asked *a)
{
	const struct oauth_authorize *in = a->in;
	bool silent = oauth_has(in->prompt, "none");
	struct oauth_consent *known = NULL;

	/* A user of another application is nobody to this client. */
	if (oauth_present(rq) &&
	    rq->actor.application == a->client->application_id)
		TRY(oauth_consent_look(rq->db, rq->actor.session, a->client->id,
		    a->scope, rq->arena, &known));
	if (known == NULL || sign_in_anew(in, known))
		return silent ? back_error(rq, in, "login_required",
				    "Nobody is signed in.")
			      : oauth_sign_in(rq, again(rq, in), a->client->id);
	if (known->is_given && !oauth_has(in->prompt, "consent"))
		return code_give(rq, a, false);
	return silent ? back_error(rq, in, "consent_required",
			    "The user has not allowed this yet.")
		      : consent_page(rq, a);
}

static enum rc
authorize(struct request *rq, const struct oauth_authorize *in)
{
	struct asked a = { .in = in };
	const char *word, *why;

	rq->reply.fresh = true;
	TRY(client_check(rq, &a));
	TRY(wish_check(rq, &a, &word, &why));
	if (word != NULL)
		return back_error(rq, in, word, why);
	return way(rq, &a);
}

enum rc
oauth_authorize_get(struct request *rq)
{
	return authorize(rq, rq->params);
}

enum rc
oauth_authorize_post(struct request *rq)
{
	return authorize(rq, rq->body);
}

enum rc
oauth_consent_post(struct request *rq)
{
	const struct oauth_authorize *in = rq->body;
	struct asked a = { .in = in };
	const char *word, *why;

	TRY(client_check(rq, &a));
	TRY(wish_check(rq, &a, &word, &why));
	if (word != NULL)
		return back_error(rq, in, word, why);
	if (!oauth_present(rq) ||
	    rq->actor.application != a.client->application_id)
		return oauth_sign_in(rq, again(rq, in), a.client->id);
	TRY(oauth_csrf_check(rq, in->csrf_token));
	if (oauth_given(in->decision) && strcmp(in->decision, "allow") == 0)
		return code_give(rq, &a, true);
	if (!oauth_given(in->decision) || strcmp(in->decision, "deny") != 0)
		return oauth_fail(
		    rq, "invalid_request", "decision: allow or deny.");
	TRY(audit(rq, "client.refuse", a.client->id, a.scope));
	return back_error(rq, in, "access_denied", "The user said no.");
}
