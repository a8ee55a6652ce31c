/* The OAuth 2 server: its routes, who it says it is, and who a token says one
 * is. The rest is in oauth-*.c. */
#include "oauth.h"

#include "domain/user-sql.h"
#include "web/guard.h"
#include "web/page.h"
#include "web/reply.h"
#include "web/route.h"

/* ---- discovery (RFC 8414, OIDC Discovery 1.0) ---- */

static const struct {
	const char *name, *path;
} places[] = {
	{ "authorization_endpoint", "/oauth2/authorize" },
	{ "token_endpoint", "/oauth2/token" },
	{ "userinfo_endpoint", "/oauth2/userinfo" },
	{ "jwks_uri", "/.well-known/jwks.json" },
	{ "device_authorization_endpoint", "/oauth2/device_authorization" },
	{ "introspection_endpoint", "/oauth2/introspect" },
	{ "revocation_endpoint", "/oauth2/revoke" },
};

#define PROOFS "client_secret_basic client_secret_post none"
static const struct {
	const char *name, *words;
} lists[] = {
	{ "scopes_supported", "openid profile email offline_access" },
	{ "response_types_supported", "code" },
	{ "response_modes_supported", "query" },
	{ "grant_types_supported",
	    "authorization_code refresh_token client_credentials "
	    "" OAUTH_GRANT_DEVICE " " OAUTH_GRANT_EXCHANGE },
	{ "subject_types_supported", "public" },
	{ "id_token_signing_alg_values_supported", "RS256" },
	{ "token_endpoint_auth_methods_supported", PROOFS },
	{ "introspection_endpoint_auth_methods_supported", PROOFS },
	{ "revocation_endpoint_auth_methods_supported", PROOFS },
	{ "code_challenge_methods_supported", "S256" },
	{ "prompt_values_supported", "none login consent select_account" },
	{ "claims_supported",
	    "iss sub aud iat exp auth_time nonce at_hash name "
	    "preferred_username email updated_at" },
};

static const struct {
	const char *name;
	bool is;
} facts[] = {
	{ "authorization_response_iss_parameter_supported", true },
	{ "claims_parameter_supported", false },
	{ "request_parameter_supported", false },
	{ "request_uri_parameter_supported", false },
};

static void
words_write(struct jw *w, const char *words)
{
	jw_array(w);
	for (const char *p = words; *p != '\0';) {
		size_t n = strcspn(p, " ");

		jw_str(w, (struct str){ p, n });
		p += n;
		p += strspn(p, " ");
	}
	jw_array_end(w);
}

static enum rc
discovery(struct request *rq)
{
	const char *base = rq->conf->base_url;
	struct jw *w = reply_bare(rq, 0);

	rq->reply.cache = "public, max-age=600";
	jw_object(w);
	JW_TEXT(w, "issuer", base);
	for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
		JW_TEXT(w, places[i].name,
		    arena_fmt(rq->arena, "%s%s", base, places[i].path));
	for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
		jw_key(w, lists[i].name);
		words_write(w, lists[i].words);
	}
	for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++)
		JW_BOOL(w, facts[i].name, facts[i].is);
	jw_object_end(w);
	return reply_bare_close(rq);
}

/* ---- who a token says one is ---- */

static const struct field userinfo_answer[] = { A_TEXT("sub", 0),
	A_TEXT("name", MAY_LACK), A_TEXT("preferred_username", MAY_LACK),
	A_INT("updated_at", MAY_LACK), A_TEXT("email", MAY_LACK), F_END };

/* Who signed in here knows all about themselves; a client what it was granted.
 */
static bool
may(struct request *rq, const char *scope)
{
	const struct actor *a = &rq->actor;

	return a->client.n == 0 ||
	    oauth_has(arena_dup(rq->arena, a->scope.p, a->scope.n), scope);
}

static enum rc
userinfo(struct request *rq)
{
	struct user *user;
	struct jw *w;

	if (rq->actor.user == 0 || !may(rq, "openid")) {
		TRY(guard_prove(rq)); /* signed out is told before */
		rq->word = "insufficient_scope";
		return fail(RC_FORBIDDEN,
		    "This is for tokens of people, with the scope openid.");
	}
	TRY(user_get(
	    rq->db, rq->actor.application, rq->actor.user, rq->arena, &user));
	rq->reply.fresh = true;
	w = reply_bare(rq, 0);
	jw_object(w);
	JW_TEXT(
	    w, "sub", arena_fmt(rq->arena, "uid_%lld", (long long)user->id));
	if (may(rq, "profile")) {
		JW_TEXT(w, "name", user->name);
		if (user->username != NULL)
			JW_TEXT(w, "preferred_username", user->username);
		JW_INT(w, "updated_at", user->updated_at.us / 1000000);
	}
	if (may(rq, "email"))
		JW_TEXT(w, "email", user->email);
	jw_object_end(w);
	return reply_bare_close(rq);
}

/* ---- the demo's client ---- */

struct callback {
	const char *code, *state, *error, *error_description;
};
static const struct field callback_params[] = { F_TEXT(struct callback, code, 0,
						    256, OPTIONAL | BLANK_OK),
	F_TEXT(struct callback, state, 0, 2048, OPTIONAL | BLANK_OK),
	F_TEXT(struct callback, error, 0, 64, OPTIONAL | BLANK_OK),
	F_TEXT(struct callback, error_description, 0, 512, OPTIONAL | BLANK_OK),
	F_END };

static void
term(struct page_doc *doc, const char *name, const char *value)
{
	if (!oauth_given(value))
		return;
	page_html(doc, "<dt>");
	page_text(doc, name);
	page_html(doc, "</dt><dd>");
	page_text(doc, value);
	page_html(doc, "</dd>\n");
}

/* The demo lives on loopback only; elsewhere no client is answered here. */
static bool
is_demo(const struct conf *conf)
{
	return str_starts(str_of(conf->base_url), STR("http://127.0.0.1:"));
}

static enum rc
callback(struct request *rq)
{
	const struct callback *in = rq->params;
	struct page_doc doc;

	if (!is_demo(rq->conf))
		return RC_NOT_FOUND;
	rq->reply.fresh = true;
	page_open(&doc, rq, "Back at the client");
	page_html(&doc, "<dl>\n");
	term(&doc, "code", in->code);
	term(&doc, "state", in->state);
	term(&doc, "error", in->error);
	term(&doc, "error_description", in->error_description);
	page_html(&doc, "</dl>\n");
	return page_reply(&doc, 200);
}

/* clang-format off */
#define SHAPE(rows, T) { (rows), sizeof(struct T) }
/* clang-format on */

/* Bodies of programs: forms as the RFCs have it, or JSON. No cookie decides. */
#define PROGRAM (FORM_OK | NO_CSRF | OAUTH)
#define PAGE    (FORM_OK | OAUTH)

static const struct route routes[] = {
	{ GET, "/.well-known/openid-configuration", discovery, NEED_PUBLIC,
	    ENV_RAW, .flags = NO_LIMIT,
	    .summary = "What this server can (OIDC Discovery)" },
	{ GET, "/.well-known/oauth-authorization-server", discovery,
	    NEED_PUBLIC, ENV_RAW, .flags = NO_LIMIT,
	    .summary = "What this server can (RFC 8414)" },

	{ GET, "/oauth2/authorize", oauth_authorize_get, NEED_MAYBE, ENV_RAW,
	    .params = SHAPE(oauth_authorize_params, oauth_authorize),
	    .flags = OAUTH, .status = 302, .also = 200, .type = "text/html",
	    .summary = "Ask for a code",
	    .about = "Code flow with PKCE (S256). Errors go to redirect_uri "
		     "once it is proven, else to a page." },
	{ POST, "/oauth2/authorize", oauth_authorize_post, NEED_MAYBE, ENV_RAW,
	    .body = SHAPE(oauth_authorize_params, oauth_authorize),
	    .flags = PAGE | NO_CSRF, .status = 302, .also = 200,
	    .type = "text/html", .summary = "Ask for a code, by form" },
	{ POST, "/oauth2/consent", oauth_consent_post, NEED_MAYBE, ENV_RAW,
	    .body = SHAPE(oauth_consent_body, oauth_authorize), .flags = PAGE,
	    .status = 303, .also = 302, .type = "text/html",
	    .fails = { RC_CSRF }, .summary = "Allow a client, or do not" },
	{ POST, "/oauth2/token", oauth_token, NEED_PUBLIC, ENV_RAW,
	    .flags = PROGRAM,
	    .body = SHAPE(oauth_token_ask_body, oauth_token_ask),
	    .answer = oauth_token_answer, .fails = { RC_UNAUTHORIZED },
	    .summary = "Make tokens" },
	{ POST, "/oauth2/device_authorization", oauth_device_begin, NEED_PUBLIC,
	    ENV_RAW, .flags = PROGRAM,
	    .body = SHAPE(oauth_device_ask_body, oauth_device_ask),
	    .answer = oauth_device_answer, .fails = { RC_UNAUTHORIZED },
	    .summary = "Begin on a device without a browser" },
	{ GET, "/oauth2/device", oauth_device_page, NEED_MAYBE, ENV_RAW,
	    .params = SHAPE(oauth_user_code_params, oauth_user_code),
	    .flags = OAUTH, .also = 302, .type = "text/html",
	    .summary = "Where a device's code is typed" },
	{ POST, "/oauth2/device", oauth_device_post, NEED_MAYBE, ENV_RAW,
	    .body = SHAPE(oauth_user_code_body, oauth_user_code), .flags = PAGE,
	    .also = 302, .type = "text/html", .fails = { RC_CSRF },
	    .summary = "Approve a device, or do not" },
	{ POST, "/oauth2/introspect", oauth_introspect, NEED_OWN, ENV_RAW,
	    .flags = PROGRAM, .body = SHAPE(oauth_inspect_body, oauth_inspect),
	    .answer = oauth_inspect_answer, .fails = { RC_UNAUTHORIZED },
	    .summary = "What a token is good for" },
	{ POST, "/oauth2/revoke", oauth_revoke, NEED_OWN, ENV_RAW,
	    .flags = PROGRAM, .body = SHAPE(oauth_inspect_body, oauth_inspect),
	    .fails = { RC_UNAUTHORIZED }, .summary = "End a token",
	    .about = "And all that came of the same grant." },
	{ GET, "/oauth2/userinfo", userinfo, NEED_ANY, ENV_RAW, .flags = OAUTH,
	    .answer = userinfo_answer, .summary = "Who a token speaks for" },
	{ POST, "/oauth2/userinfo", userinfo, NEED_ANY, ENV_RAW, .flags = OAUTH,
	    .answer = userinfo_answer, .summary = "Who a token speaks for" },
	{ GET, "/oauth/callback", callback, NEED_PUBLIC, ENV_PAGE,
	    PARAMS(callback), .type = "text/html", .fails = { RC_NOT_FOUND },
	    .summary = "Where the demo's client is answered" },
};

FAMILY(oauth, BUSY, .door = true);
