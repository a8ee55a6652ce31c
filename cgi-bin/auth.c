/* The door: signing in and out, who one is, tokens, the keys they are checked
 * by. */
#include "auth.h"

#include "core/rate.h"
#include "core/token-key.h"
#include "domain/account-sql.h"
#include "domain/audit-sql.h"
#include "domain/membership-sql.h"
#include "domain/session-sql.h"
#include "domain/user-sql.h"
#include "web/audit.h"
#include "web/body.h"
#include "web/gate.h"
#include "web/guard.h"
#include "web/issuer.h"
#include "web/page.h"
#include "web/reply.h"
#include "web/route.h"

#define COOKIE    "session"
#define KEYS_MOST ((size_t)64 * 1024)

/* ---- who somebody is ---- */

struct profile {
	struct user *user;
	struct membership_list memberships;
	struct membership active;
};

static const struct membership *
member_of(const struct membership_list *list, int64_t account)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->v[i].account_id == account)
			return &list->v[i];
	return NULL;
}

/* An admin acts as owner in accounts that they are no member of. */
static struct membership
active_of(const struct profile *p, int64_t account, const char *role)
{
	const struct membership *m = member_of(&p->memberships, account);
	struct membership out = { .account_id = account,
		.user_id = p->user->id };

	if (m != NULL)
		out = *m;
	out.role = role;
	return out;
}

static enum rc
profile_read(struct request *rq, const struct session *s, struct profile *p)
{
	db_pipe_begin(rq->db);
	TRY(user_get(
	    rq->db, s->application_id, s->user_id, rq->arena, &p->user));
	TRY(membership_of_user(
	    rq->db, s->application_id, s->user_id, rq->arena, &p->memberships));
	TRY(db_pipe_end(rq->db));
	p->active = active_of(p, s->account_id, s->role);
	return RC_OK;
}

static void
profile_members(struct request *rq, struct jw *w, const struct profile *p)
{
	struct row_style style = reply_style(rq);

	row_members(w, user_cols, p->user, &style);
	jw_key(w, "memberships");
	rows_write(w, membership_own_cols, p->memberships.v, p->memberships.n,
	    sizeof p->memberships.v[0], &style);
	jw_key(w, "active_membership");
	row_write(w, membership_own_cols, &p->active, &style);
}

static const struct field membership_answer[] = { A_ID("id", ID_MEMBER,
						      NULLABLE),
	A_ID("account_id", ID_ACCOUNT, 0), A_TEXT("account_name", NULLABLE),
	A_ID("user_id", ID_USER, 0), A_TEXT("role", 0), F_END };
const struct field auth_profile_answer[] = { A_ID("id", ID_USER, 0),
	A_ID("application_id", ID_APPLICATION, 0), A_TEXT("email", 0),
	A_TEXT("username", NULLABLE), A_TEXT("name", 0), A_TEXT("role", 0),
	A_TEXT("status", 0), A_BOOL("is_active", 0),
	A_ID("active_account_id", ID_ACCOUNT, NULLABLE),
	A_TIME("last_login_at", NULLABLE), A_TIME("created_at", 0),
	A_TIME("updated_at", 0), A_ARRAY("memberships", membership_answer, 0),
	A_OBJECT("active_membership", membership_answer, 0), F_END };

/* The caller, as a guard would tell them. */
static struct session
session_of(const struct actor *a)
{
	return (struct session){
		.session_id = a->session,
		.application_id = a->application,
		.user_id = a->user,
		.account_id = a->account,
		.role = role_name(a->role),
		.is_admin = a->admin,
		.version = a->version,
	};
}

static enum rc
me(struct request *rq)
{
	struct session s = session_of(&rq->actor);
	struct profile p;
	struct jw *w;

	TRY(profile_read(rq, &s, &p));
	w = reply_bare(rq, 0);
	jw_object(w);
	profile_members(rq, w, &p);
	jw_object_end(w);
	return reply_bare_close(rq);
}

static enum rc
me_ci(struct request *rq)
{
	struct user *user;

	TRY(user_get(
	    rq->db, rq->actor.application, rq->actor.user, rq->arena, &user));
	return reply_row(rq, 0, user_cols, user);
}

/* ---- signing in ---- */

enum rc
auth_throttle(struct request *rq)
{
	static struct rate_table *table;
	int64_t now = clock_now().us / 1000000;
	struct rate rate;

	if (table == NULL && rate_open(rq->conf->run_dir, &table) != RC_OK)
		return RC_RETRY;
	rate = rate_take(table, RATE_LOGIN,
	    rate_address(rq->arena, str_of(rq->peer)), rq->conf->login_rate,
	    now);
	return guard_rated(rq, &rate, now);
}

struct sign_in
auth_terms(const struct request *rq)
{
	return (struct sign_in){
		.address = rq->peer,
		.idle = rq->conf->session_idle,
		.life = rq->conf->session_life,
		.cost = rq->conf->password_cost,
	};
}

struct entry {
	const char *client, *name;
	struct secret password;
};

static enum rc
login_note(struct db *db, const struct sign_in *in, const struct login *user,
    bool accepted)
{
	struct request *rq = in->note_ctx;
	struct audit_actor who = { .client = in->client };

	if (!accepted)
		return audit_login_refused(db, in->client,
		    user != NULL ? user->user_id : 0, rq->peer, rq->id, NULL);
	who.application = user->application_id;
	who.user = user->user_id;
	return audit_as(
	    rq, &who, "login.ok", audit_id(rq, ID_USER, user->user_id), NULL);
}

/* The one way in: limit, password, session. What was typed as a name is not
 * logged; people type passwords there. */
static enum rc
enter(struct request *rq, const struct entry *e, struct secret *cookie,
    struct session **out)
{
	struct sign_in in = auth_terms(rq);
	struct password_gate *gate;
	enum rc rc;

	in.client = e->client;
	in.name = e->name != NULL ? e->name : "";
	in.password = e->password;
	in.note = login_note;
	in.note_ctx = rq;
	TRY(auth_throttle(rq));
	TRY(gate_of(rq->conf, &gate));
	if (!secret_is(&in.password))
		in.password = secret_new(rq->arena, "", 0);
	rc = session_sign_in(rq->db, gate, &in, rq->arena, cookie, out);
	if (rc == RC_OK)
		log_info(&rq->log, "signed in user=%lld session=%lld",
		    (long long)(*out)->user_id, (long long)(*out)->session_id);
	else if (rc == RC_BAD_LOGIN)
		log_warn(&rq->log, "sign-in refused address=%s", rq->peer);
	return rc;
}

void
auth_cookie(struct request *rq, const struct secret *cookie)
{
	reply_cookie(
	    rq, COOKIE, (const char *)cookie->p, rq->conf->session_life, NULL);
}

static enum rc
grant(struct request *rq, const struct session *s, const char *client,
    const char **token)
{
	const struct grant g = {
		.application = s->application_id,
		.user = s->user_id,
		.session = s->session_id,
		.account = s->account_id,
		.version = s->version,
		.role = s->role,
		.client = client != NULL ? client : "",
		.scope = PEOPLE_SCOPE,
	};

	return issuer_grant(rq, &g, token);
}

struct auth_sign_in {
	const char *client_id;
	const char *email;
	struct secret password;
	const char *csrf_token;
};
static const struct field auth_sign_in_body[] = {
	F_TEXT(struct auth_sign_in, client_id, 1, 64, NULLABLE,
	    .about = "The OAuth client that asks; default: none."),
	F_TEXT(struct auth_sign_in, email, 1, 254, REQUIRED,
	    .about = "Address, or user name."),
	F_SECRET(struct auth_sign_in, password, 1, PASSWORD_MOST, REQUIRED),
	F_TEXT(struct auth_sign_in, csrf_token, 0, 256, NULLABLE), F_END
};
const struct field auth_tokens_answer[] = { A_TEXT("access_token", 0),
	A_TEXT("refresh_token", 0), A_TEXT("token_type", 0),
	A_INT("expires_in", 0), F_END };
static const struct field sign_in_answer[] = { A_OBJECT("tokens",
						   auth_tokens_answer, 0),
	A_OBJECT("profile", auth_profile_answer, 0), F_END };

enum rc
auth_entered(struct request *rq, struct jw *w, const struct session *s,
    const struct secret *cookie, const char *client)
{
	struct profile p;
	const char *token, *refresh;

	TRY(grant(rq, s, client, &token));
	TRY(profile_read(rq, s, &p));
	auth_cookie(rq, cookie);
	TRY(auth_refresh_begin(rq, s, client, &refresh));
	jw_key(w, "tokens");
	jw_object(w);
	auth_token_members(rq, w, token, refresh);
	jw_object_end(w);
	jw_key(w, "profile");
	jw_object(w);
	profile_members(rq, w, &p);
	jw_object_end(w);
	return RC_OK;
}

static enum rc
sign_in(struct request *rq)
{
	const struct auth_sign_in *in = rq->body;
	const struct entry e = { in->client_id, in->email, in->password };
	struct secret cookie;
	struct session *s;
	struct jw *w;

	TRY(enter(rq, &e, &cookie, &s));
	w = reply_bare(rq, 0);
	jw_object(w);
	TRY(auth_entered(rq, w, s, &cookie, in->client_id));
	jw_object_end(w);
	return reply_bare_close(rq);
}

struct login_form {
	const char *username, *email;
	struct secret password;
	const char *next, *client_id;
};
static const struct field login_form_body[] = {
	F_TEXT(struct login_form, username, 0, 254, OPTIONAL | BLANK_OK),
	F_TEXT(struct login_form, email, 0, 254, OPTIONAL | BLANK_OK,
	    .about = "In place of username."),
	F_SECRET(struct login_form, password, 0, PASSWORD_MOST, OPTIONAL),
	F_TEXT(struct login_form, next, 0, 8192, OPTIONAL | BLANK_OK,
	    .about = "Where to go then: a path here. Else the start page."),
	F_TEXT(struct login_form, client_id, 0, 64, OPTIONAL | BLANK_OK,
	    .about = "The OAuth client whose users may sign in."),
	F_END
};
static const struct field login_answer[] = { A_TEXT("token", 0),
	A_INT("expires_in", 0), A_JSON("user", 0), F_END };

static struct entry
entry_of(const struct login_form *in)
{
	return (struct entry){
		.client = in->client_id != NULL && in->client_id[0] != '\0'
		    ? in->client_id
		    : NULL,
		.name = in->username != NULL ? in->username : in->email,
		.password = in->password,
	};
}

/* For programs: a token, and no cookie. */
static enum rc
login_ci(struct request *rq)
{
	const struct entry e = entry_of(rq->body);
	struct row_style style = reply_style(rq);
	struct secret cookie;
	struct session *s;
	struct user *user;
	const char *token;
	struct jw *w;

	TRY(enter(rq, &e, &cookie, &s));
	TRY(grant(rq, s, NULL, &token));
	TRY(user_get(rq->db, s->application_id, s->user_id, rq->arena, &user));
	w = reply_open(rq, 0);
	jw_key(w, "data");
	jw_object(w);
	JW_TEXT(w, "token", token);
	JW_INT(w, "expires_in", rq->conf->access_token_life);
	jw_key(w, "user");
	row_write(w, user_cols, user, &style);
	jw_object_end(w);
	return reply_close(rq);
}

/* ---- pages ---- */

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

struct login_page {
	bool error;
	const char *next, *client_id;
};
static const struct field login_page_params[] = {
	F_BOOL(struct login_page, error, OPTIONAL,
	    .about = "Say that the last try was wrong."),
	F_TEXT(struct login_page, next, 0, 8192, OPTIONAL | BLANK_OK,
	    .about = "Where to go then: a path here."),
	F_TEXT(struct login_page, client_id, 0, 64, OPTIONAL | BLANK_OK), F_END
};

static enum rc
login_page(struct request *rq)
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
static enum rc
login(struct request *rq)
{
	const struct login_form *in = rq->body;
	const struct entry e = entry_of(in);
	struct secret cookie;
	struct session *s;
	enum rc rc;

	TRY(guard_csrf(rq));
	rc = enter(rq, &e, &cookie, &s);
	if (rc != RC_OK)
		return login_refused(rq, rc);
	auth_cookie(rq, &cookie);
	return reply_redirect(
	    rq, 302, auth_next_ok(in->next) ? in->next : "/dashboard");
}

static void
sign_out_form(struct page_doc *doc)
{
	page_html(doc,
	    "<form method=\"post\" action=\"/auth/logout\">\n"
	    "<button>Sign out</button>\n</form>\n");
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

static enum rc
dashboard(struct request *rq)
{
	struct session s = session_of(&rq->actor);
	struct page_doc doc;
	struct profile p;

	if (rq->actor.user == 0)
		return page_json_only(rq) || !page_wanted(rq)
		    ? RC_UNAUTHORIZED
		    : reply_redirect(rq, 302, "/login");
	TRY(profile_read(rq, &s, &p));
	rq->reply.fresh = true;
	page_open(&doc, rq, "Dashboard");
	page_html(&doc, "<dl>\n");
	term(&doc, "Signed in as",
	    p.user->name[0] != '\0' ? p.user->name : p.user->email);
	term(&doc, "Address", p.user->email);
	term(&doc, "Account", p.active.account_name);
	term(&doc, "Role", p.active.role);
	page_html(
	    &doc, "</dl>\n<p><a href=\"/api\">What the API offers</a></p>\n");
	sign_out_form(&doc);
	return page_reply(&doc, 200);
}

/* ---- signing out ---- */

static enum rc
session_close(struct request *rq)
{
	reply_cookie(rq, COOKIE, "", -1, NULL);
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

static enum rc
logout_get(struct request *rq)
{
	struct page_doc doc;

	if (rq->actor.session != 0 && !logout_meant(rq)) {
		rq->reply.fresh = true;
		page_open(&doc, rq, "Sign out?");
		sign_out_form(&doc);
		return page_reply(&doc, 200);
	}
	TRY(session_close(rq));
	return reply_redirect(rq, 302, "/login");
}

static enum rc
logout(struct request *rq)
{
	TRY(session_close(rq));
	return reply_redirect(rq, 302, "/login");
}

static enum rc
logout_ci(struct request *rq)
{
	struct jw *w;

	TRY(session_close(rq));
	w = reply_open(rq, 0);
	JW_TEXT(w, "message", "Signed out");
	return reply_close(rq);
}

static enum rc
sign_out(struct request *rq)
{
	TRY(session_close(rq));
	return reply_empty(rq, 0);
}

/* ---- tokens ---- */

struct token_new {
	const char *audience;
};
static const struct field token_new_body[] = {
	F_TEXT(struct token_new, audience, 1, 512, NULLABLE,
	    .about = "For whom the token is; one of the configured ones."),
	F_END
};
static const struct field account_token_data[] = { A_TEXT("access_token", 0),
	A_TEXT("token_type", 0), A_INT("expires_in", 0),
	A_ID("account_id", ID_ACCOUNT, 0), A_TEXT("role", 0), F_END };
static const struct field account_token_answer[] = {
	A_OBJECT("data", account_token_data, 0), A_TEXT("access_token", 0),
	A_TEXT("token_type", 0), A_INT("expires_in", 0), F_END
};

/* The first document's guide reads the token bare, its API speaks in `data`:
 * both find it. */
static enum rc
account_token_reply(struct request *rq, const char *token, const char *role)
{
	char account[ID_PRINT_SIZE];
	struct jw *w = reply_bare(rq, 0);

	id_print(ID_ACCOUNT, arg_id(rq, 0), account);
	jw_object(w);
	jw_key(w, "data");
	jw_object(w);
	auth_token_members(rq, w, token, NULL);
	JW_TEXT(w, "account_id", account);
	JW_TEXT(w, "role", role);
	jw_object_end(w);
	auth_token_members(rq, w, token, NULL);
	jw_object_end(w);
	return reply_bare_close(rq);
}

/* In the account that the token is for. */
static enum rc
token_note(struct request *rq, const struct grant *g)
{
	const struct audit_actor who = {
		.application = g->application,
		.account = g->account,
		.user = g->user,
		.client = g->client[0] != '\0' ? g->client : NULL,
	};

	return audit_as(rq, &who, "token.mint",
	    audit_id(rq, ID_ACCOUNT, g->account), g->role);
}

static enum rc
account_token(struct request *rq)
{
	const struct token_new *in = rq->body;
	const struct actor *a = &rq->actor;
	struct grant g = {
		.application = a->application,
		.user = a->user,
		.session = a->session,
		.account = arg_id(rq, 0),
		.client = arena_dup(rq->arena, a->client.p, a->client.n),
		.scope = arena_dup(rq->arena, a->scope.p, a->scope.n),
		.audience = in->audience,
	};
	struct rights *rights;
	const char *token;

	if (a->session == 0)
		return fail(RC_FORBIDDEN,
		    "Only a person who signed in here "
		    "can have a token for an account.");
	if (in->audience != NULL &&
	    !issuer_audience_ok(rq->conf, str_of(in->audience)))
		return fault_add(rq, "audience", "unknown",
		    "This installation makes no tokens for it.");
	TRY(rights_in(
	    rq->db, g.application, g.account, g.user, rq->arena, &rights));
	if (rights == NULL)
		return RC_NOT_FOUND;
	g.role = rights->role;
	g.version = rights->version;
	TRY(issuer_grant(rq, &g, &token));
	TRY(token_note(rq, &g));
	return account_token_reply(rq, token, g.role);
}

static enum rc
jwks(struct request *rq)
{
	const struct token_keys *keys;
	struct buf out;
	enum rc rc;

	TRY(issuer_keys(rq->conf, &keys));
	buf_init(&out, KEYS_MOST);
	jwk_set_print(&keys->set, &out);
	rq->reply.cache = "public, max-age=600";
	rc =
	    reply_text(rq, 0, "application/json", (struct str){ out.p, out.n });
	buf_clear(&out);
	return rc;
}

static const struct field jwks_answer[] = { A_JSON("keys", 0), F_END };
static const struct field message_answer[] = { A_TEXT("message", 0), F_END };
static const struct field login_data_answer[] = {
	A_OBJECT("data", login_answer, 0), F_END
};

#define ACCOUNT_TOKEN "/api/accounts/:account_id/token"
#define BAD_LOGIN                                                              \
	{                                                                      \
		RC_BAD_LOGIN, RC_RATE_LIMIT, RC_FORBIDDEN                      \
	}

#define LINK_FAILS                                                             \
	{                                                                      \
		RC_BAD_LINK, RC_BAD_LOGIN, RC_CSRF, RC_FORBIDDEN               \
	}

static const struct route routes[] = {
	{ GET, "/.well-known/jwks.json", jwks, NEED_PUBLIC, ENV_RAW,
	    .flags = NO_LIMIT, .answer = jwks_answer,
	    .summary = "Keys that access tokens are checked by" },
	{ POST, "/auth/sign-in", sign_in, NEED_PUBLIC, ENV_RAW,
	    .flags = NO_CSRF | UNKNOWN_OK, BODY(auth_sign_in),
	    .answer = sign_in_answer, .fails = BAD_LOGIN,
	    .summary = "Sign in with a password",
	    .about = "Answers an access token for the active account, and "
		     "sets the session cookie." },
	{ POST, "/auth/refresh", auth_refresh, NEED_PUBLIC, ENV_RAW,
	    .flags = NO_CSRF | UNKNOWN_OK, BODY(auth_refresh),
	    .answer = auth_refresh_answer,
	    .fails = { RC_UNAUTHORIZED, RC_CSRF },
	    .summary = "Use a refresh token for new tokens",
	    .about = "It is good once; one that comes again ends the session "
		     "and all tokens of it." },
	{ POST, "/auth/sign-out", sign_out, NEED_ANY, ENV_RAW, .status = 204,
	    .summary = "End the session and its tokens" },
	{ GET, "/auth/me", me, NEED_USER, ENV_RAW,
	    .answer = auth_profile_answer, .summary = "Who is signed in" },
	{ POST, ACCOUNT_TOKEN, account_token, NEED_READ, ENV_RAW,
	    .flags = ANY_ACCOUNT, BODY(token_new),
	    .answer = account_token_answer,
	    .summary = "Make an access token for another account of mine" },
	{ POST, "/api/account-views/switch", auth_account_switch, NEED_READ,
	    BODY(account_wanted), .answer = account_switched_answer,
	    .fails = { RC_NOT_FOUND },
	    .summary = "Go on in another account of mine",
	    .about = "It becomes the active one; the token is for it." },
	{ POST, "/api/users/:id/password", auth_password_change, NEED_SELF,
	    ENV_SUCCESS, .id = ID_USER, .missing = "USER_NOT_FOUND",
	    BODY(password_change), .answer = message_answer,
	    .fails = { RC_CONFLICT, RC_RATE_LIMIT },
	    .summary = "Change a password",
	    .about = "Ends the user's other sessions." },

	{ GET, "/auth/csrf-session", auth_csrf_session, NEED_PUBLIC, ENV_RAW,
	    .type = "application/javascript", .summary = "Begin a CSRF session",
	    .about = "A script that fetches the token, and its cookie." },
	{ GET, "/auth/csrf-token", auth_csrf_token, NEED_PUBLIC, ENV_RAW,
	    .answer = auth_csrf_answer, .summary = "The session's CSRF token",
	    .about = "In the header X-CSRF-Token, too." },
	{ POST, "/auth/sign-up", auth_sign_up, NEED_PUBLIC, ENV_RAW,
	    .status = 201, .flags = UNKNOWN_OK, BODY(sign_up),
	    .answer = link_sent_answer, .fails = { RC_CSRF },
	    .summary = "Ask for a user of one's own",
	    .about = "A link is mailed; the user is made when it is used. The "
		     "answer is the same for an address that is known." },
	{ POST, "/auth/check-email", auth_check_email, NEED_PUBLIC, ENV_RAW,
	    .flags = UNKNOWN_OK, BODY(link_ask), .answer = check_email_answer,
	    .fails = { RC_CSRF },
	    .summary = "How one with this address signs in",
	    .about = "The answer does not depend on whether it is known." },
	{ POST, "/auth/send-magic-link", auth_send_magic_link, NEED_PUBLIC,
	    ENV_RAW, .status = 202, .flags = UNKNOWN_OK, BODY(link_ask),
	    .answer = link_sent_answer, .fails = { RC_CSRF },
	    .summary = "Mail a link that signs in" },
	{ POST, "/auth/send-password-reset", auth_send_password_reset,
	    NEED_PUBLIC, ENV_RAW, .status = 202, .flags = UNKNOWN_OK,
	    BODY(link_ask), .answer = link_sent_answer, .fails = { RC_CSRF },
	    .summary = "Mail a link that sets a new password" },
	{ GET, "/auth/verify", link_page, NEED_PUBLIC, ENV_RAW,
	    PARAMS(link_page_in), .type = "text/html",
	    .summary = "Page of a mailed link: confirm an address" },
	{ POST, "/auth/verify", auth_verify, NEED_PUBLIC, ENV_RAW,
	    .flags = UNKNOWN_OK | FORM_OK,
	    .body = { link_verify_body, sizeof(struct link_use_in) },
	    .answer = link_verified_answer, .also = 302, .fails = LINK_FAILS,
	    .summary = "Confirm an address: makes the user",
	    .about = "With a password it has to be the one of the sign-up." },
	{ GET, "/auth/magic", link_page, NEED_PUBLIC, ENV_RAW,
	    PARAMS(link_page_in), .type = "text/html",
	    .summary = "Page of a mailed link: sign in" },
	{ POST, "/auth/sign-in-with-token", auth_sign_in_with_token,
	    NEED_PUBLIC, ENV_RAW, .flags = UNKNOWN_OK | FORM_OK,
	    .body = { link_use_body, sizeof(struct link_use_in) },
	    .answer = sign_in_answer, .also = 302, .fails = LINK_FAILS,
	    .summary = "Sign in with a mailed link" },
	{ GET, "/auth/reset", link_page, NEED_PUBLIC, ENV_RAW,
	    PARAMS(link_page_in), .type = "text/html",
	    .summary = "Page of a mailed link: set a new password" },
	{ POST, "/auth/reset-password", auth_reset_password, NEED_PUBLIC,
	    ENV_RAW, .flags = UNKNOWN_OK | FORM_OK,
	    .body = { link_reset_body, sizeof(struct link_use_in) },
	    .answer = link_reset_answer, .also = 302, .fails = LINK_FAILS,
	    .summary = "Set a new password with a mailed link",
	    .about = "Ends all sessions, and the lock after failures." },
	{ GET, "/auth/invite", link_page, NEED_PUBLIC, ENV_RAW,
	    PARAMS(link_page_in), .type = "text/html",
	    .summary = "Page of a mailed link: join an account" },
	{ POST, "/auth/accept-invite", auth_accept_invite, NEED_PUBLIC, ENV_RAW,
	    .flags = UNKNOWN_OK | FORM_OK,
	    .body = { link_accept_body, sizeof(struct link_use_in) },
	    .answer = link_accepted_answer, .also = 302, .fails = LINK_FAILS,
	    .summary = "Join an account by a mailed invitation",
	    .about = "Makes the user where there is none, and signs in. Where "
		     "`password_set` is false, one should be asked for." },
	{ POST, "/api/accounts/:account_id/invite", auth_invite, NEED_OWNER,
	    BODY(invite_new), .status = 201, .answer = invite_answer,
	    .fails = { RC_CONFLICT },
	    .summary = "Invite somebody into an account, by mail" },

	{ GET, "/auth/login", login_page, NEED_PUBLIC, ENV_SUCCESS,
	    PARAMS(login_page), .type = "text/html",
	    .summary = "Sign-in page" },
	{ POST, "/auth/login", login, NEED_PUBLIC, ENV_SUCCESS,
	    .flags = FORM_OK | NO_CSRF, BODY(login_form), .status = 302,
	    .type = "text/html", .fails = BAD_LOGIN,
	    .summary = "Sign in from a page" },
	{ POST, "/auth/logout", logout, NEED_MAYBE, ENV_SUCCESS,
	    .fails = { RC_CSRF }, .flags = FORM_OK, .status = 302,
	    .type = "text/html", .summary = "Sign out" },
	{ POST, "/api/auth/login", login_ci, NEED_PUBLIC, ENV_SUCCESS,
	    .flags = NO_CSRF, BODY(login_form), .answer = login_data_answer,
	    .fails = BAD_LOGIN, .summary = "Sign in for an access token" },
	{ POST, "/api/auth/logout", logout_ci, NEED_ANY, ENV_SUCCESS,
	    .answer = message_answer, .summary = "End the session" },
	{ GET, "/api/auth/me", me_ci, NEED_USER, ENV_SUCCESS, .row = user_cols,
	    .key = "data", .summary = "Who is signed in" },

	{ GET, "/login", login_page, NEED_PUBLIC, ENV_OK, PARAMS(login_page),
	    .type = "text/html", .summary = "Sign-in page" },
	{ POST, "/login", login, NEED_PUBLIC, ENV_OK,
	    .flags = FORM_OK | NO_CSRF, BODY(login_form), .status = 302,
	    .type = "text/html", .fails = BAD_LOGIN,
	    .summary = "Sign in from a page" },
	{ GET, "/logout", logout_get, NEED_MAYBE, ENV_OK, .status = 302,
	    .also = 200, .type = "text/html",
	    .summary = "Sign out; asks where a link could have led here" },
	{ GET, "/dashboard", dashboard, NEED_MAYBE, ENV_OK, .also = 302,
	    .fails = { RC_UNAUTHORIZED }, .type = "text/html",
	    .summary = "Start page" },
};

FAMILY(auth, BUSY, .door = true);
