/* The door's files: what those beside auth.c need of it, and what its table of
 * routes needs of them. */
#ifndef CGI_BIN_AUTH_H
#define CGI_BIN_AUTH_H

#include "core/password.h"
#include "domain/membership-sql.h"
#include "domain/session.h"
#include "domain/user.h"
#include "web/field.h"
#include "web/request.h"

#define PEOPLE_SCOPE "openid profile email"

#define AUTH_COOKIE  "session"

/* ---- auth-profile.c ---- */

struct auth_profile {
	struct user *user;
	struct membership_list memberships;
	struct membership active;
};
enum rc auth_profile(
    struct request *, const struct session *, struct auth_profile *) MUST_CHECK;
void auth_profile_members(
    struct request *, struct jw *, const struct auth_profile *);
extern const struct field auth_profile_answer[];

/* The caller, as a guard would tell them. */
struct session auth_session(const struct actor *);

enum rc auth_me(struct request *);
enum rc auth_me_ci(struct request *);

/* ---- auth-sign-in.c ---- */

/* Counts a try from the request's address. RC_RATE_LIMIT. */
enum rc auth_throttle(struct request *) MUST_CHECK;

/* How sessions of this request begin, and are noted; who and by what is the
 * caller's. */
struct sign_in auth_terms(struct request *);

struct auth_entry {
	const char *client, *name;
	struct secret password;
};
/* The one way in: limit, password, session. RC_SECOND_FACTOR: `cookie` is the
 * second step's token, and stands in the error's answer. */
enum rc auth_enter(struct request *, const struct auth_entry *,
    struct secret *cookie, struct session **) MUST_CHECK;

/* The cookie of a session that has begun. */
void auth_cookie(struct request *, const struct secret *cookie);

/* Tokens and profile of who has just signed in, and the cookie. `w` is within
 * the answer's object. `client` NULL: none. */
enum rc auth_entered(struct request *, struct jw *w, const struct session *,
    const struct secret *cookie, const char *client) MUST_CHECK;
/* The same as the whole answer. */
enum rc auth_entered_reply(struct request *, const struct session *,
    const struct secret *cookie, const char *client) MUST_CHECK;
extern const struct field auth_tokens_answer[], auth_sign_in_answer[];

struct auth_sign_in {
	const char *client_id;
	const char *email;
	struct secret password;
	const char *csrf_token;
};
extern const struct field auth_sign_in_body[];
enum rc auth_sign_in(struct request *);

struct login_form {
	const char *username, *email;
	struct secret password;
	const char *next, *client_id;
};
extern const struct field login_form_body[], login_data_answer[];
struct auth_entry auth_entry_of(const struct login_form *);
enum rc auth_login_ci(struct request *);

/* ---- auth-sign-in-page.c ---- */

struct login_page {
	bool error;
	const char *next, *client_id;
};
extern const struct field login_page_params[];
enum rc auth_login_page(struct request *);
enum rc auth_login(struct request *);
enum rc auth_dashboard(struct request *);

/* ---- auth-sign-out.c ---- */

struct page_doc;
void auth_sign_out_form(struct page_doc *);

enum rc auth_logout_get(struct request *);
enum rc auth_logout(struct request *);
enum rc auth_logout_ci(struct request *);
enum rc auth_sign_out(struct request *);

/* ---- auth-token.c ---- */

struct token_new {
	const char *audience;
};
extern const struct field token_new_body[], account_token_answer[];
extern const struct field jwks_answer[];
enum rc auth_account_token(struct request *);
enum rc auth_jwks(struct request *);

/* ---- auth-step.c: the second step of signing in ---- */

/* Its token, beside an answer of RC_SECOND_FACTOR. */
void auth_step_tell(struct request *, const struct secret *token);
/* A page goes on there; `next` and `client` as of the sign-in page. */
enum rc auth_step_go(struct request *, const struct secret *token,
    const char *next, const char *client) MUST_CHECK;

struct step_code {
	struct secret step;
	const char *code, *client_id, *next;
};
struct step_page {
	bool error;
	const char *next, *client_id;
};
extern const struct field step_code_body[], step_page_params[];
enum rc auth_step(struct request *);
enum rc auth_step_page(struct request *);

/* ---- auth-factors.c: one's own second factor ---- */

struct factor_new {
	struct secret password;
	const char *next;
};
struct factor_code {
	const char *code, *next;
};
extern const struct field factor_new_body[], factor_code_body[];
extern const struct field factors_answer[], factor_new_answer[],
    factor_codes_answer[];
enum rc auth_factors(struct request *);
enum rc auth_factor_new(struct request *);
enum rc auth_factor_confirm(struct request *);
enum rc auth_factor_disable(struct request *);
enum rc auth_factor_codes(struct request *);

/* ---- auth-factors-page.c ---- */

enum factors_form { FACTORS_NEW, FACTORS_CONFIRM, FACTORS_OFF, FACTORS_CODES };

/* The page after its form ended like this; other than RC_OK where it has no
 * words for `rc`. `secret` of FACTORS_NEW, `codes` of the others, NULL where
 * there are none. */
struct factors_done {
	enum factors_form form;
	const char *next; /* where the page leads to then; NULL: nowhere */
	const char *secret, *uri;
	const char *const *codes;
};
enum rc auth_factors_done(
    struct request *, const struct factors_done *, enum rc rc) MUST_CHECK;

struct factors_page {
	const char *next;
};
extern const struct field factors_page_params[];
enum rc auth_factors_page(struct request *);

/* ---- auth-account.c: into another account of one's own ---- */

struct account_wanted {
	int64_t account_id;
};
extern const struct field account_wanted_body[];
extern const struct field account_switched_answer[];
enum rc auth_account_switch(struct request *) MUST_CHECK;

/* ---- auth-password.c ---- */

struct password_change {
	struct secret current_password, new_password, confirm_password;
};
extern const struct field password_change_body[];
enum rc auth_password_change(struct request *) MUST_CHECK;

/* Proves the caller's present password, sent as `field`; who has none proves
 * nothing. RC_INVALID, RC_RATE_LIMIT. */
struct password_owner;
enum rc auth_password_prove(struct request *, const struct password_owner *,
    const char *field, const struct secret *) MUST_CHECK;

/* ---- auth-csrf.c ---- */

/* Is it a request of one of our own pages, or of a program? `token`: the
 * body's csrf_token, NULL where it has none. RC_CSRF. */
enum rc auth_csrf(struct request *, const char *token) MUST_CHECK;

enum rc auth_csrf_session(struct request *);
enum rc auth_csrf_token(struct request *);
extern const struct field auth_csrf_answer[];

/* An address as app_user holds one. */
#define F_ADDRESS(T, m, ...)                                                   \
	{                                                                      \
		.kind = FIELD_EMAIL, .name = #m, .offset = offsetof(T, m),     \
		.least = 3, .most = 254, .flags = __VA_ARGS__                  \
	}

/* ---- auth-link.c: links that are mailed ---- */

enum link_kind { LINK_VERIFY, LINK_MAGIC, LINK_RESET, LINK_INVITE, LINKS };

struct link_row {
	const char *name; /* of the kind, in the database */
	int32_t life;     /* seconds */
	const char *life_text;
	const char *page;    /* path that is mailed */
	const char *subject; /* of the mail */
	const char *action;  /* of the audit log, when it is mailed */
};
extern const struct link_row link_rows[LINKS];

/* A link on its way. */
struct link_new {
	enum link_kind kind;
	int64_t application;
	const char *address;
	int64_t user;              /* whose it is; 0: nobody's yet */
	const char *password_hash; /* or NULL */
	int64_t account;           /* of an invitation, as is */
	const char *role;
	/* Of the mail: before the link, or in its place. */
	const char *words;
	const char *subject; /* NULL: the kind's */
	bool linkless;
};

struct one_time;

/* In a transaction: the link's row, its mail, and the audit entry. `*made`
 * NULL: the address has had its share, and nothing was mailed. */
enum rc link_mail(struct request *, struct db *, const struct link_new *,
    struct one_time **made) MUST_CHECK;

/* What stands behind a token. RC_BAD_LINK. */
enum rc link_look(struct request *, enum link_kind, const struct secret *token,
    struct one_time **) MUST_CHECK;

/* Uses it, in a transaction. RC_BAD_LINK. */
enum rc link_use(struct request *, struct db *, enum link_kind,
    const struct secret *token, const char *client,
    struct one_time **) MUST_CHECK;

/* RC_INVALID with the field's fault where a user may not choose it. */
enum rc link_password(struct request *, const struct secret *,
    const struct one_time *, char hash[PASSWORD_HASH_MAX]) MUST_CHECK;

/* ---- auth-page.c: what a mailed link opens ---- */

/* Where the form of a link's page goes on: `rc` is how its POST ended. Other
 * than RC_OK where the page has no words for it, or a program asked. */
enum rc link_page_next(struct request *, enum link_kind,
    const struct secret *token, enum rc rc) MUST_CHECK;

/* Was it sent by a page's form? */
bool link_from_page(const struct request *);

struct link_page_in {
	const char *token;
	int state;
};
extern const struct field link_page_in_params[];
enum rc link_page(struct request *);

/* ---- auth-mailed.c: asking for links, and using them ---- */

struct sign_up {
	const char *email;
	struct secret password;
	const char *client_id;
	const char *csrf_token;
};
struct link_ask {
	const char *email;
	const char *client_id;
	const char *csrf_token;
};
struct link_use_in {
	struct secret token;
	const char *client_id;
	struct secret password;
	const char *csrf_token;
};
extern const struct field sign_up_body[], link_ask_body[], link_use_body[];
extern const struct field link_verify_body[], link_reset_body[];
extern const struct field link_accept_body[];
extern const struct field link_sent_answer[], link_verified_answer[];
extern const struct field link_reset_answer[], link_accepted_answer[];
extern const struct field check_email_answer[];

enum rc auth_sign_up(struct request *);
enum rc auth_check_email(struct request *);
enum rc auth_send_magic_link(struct request *);
enum rc auth_send_password_reset(struct request *);
enum rc auth_verify(struct request *);
enum rc auth_sign_in_with_token(struct request *);
enum rc auth_reset_password(struct request *);
enum rc auth_accept_invite(struct request *);

/* ---- auth-invite.c ---- */

struct invite_new {
	const char *email;
	int role;
};
extern const struct field invite_new_body[], invite_answer[];
enum rc auth_invite(struct request *);

/* ---- refresh tokens (auth-refresh.c) ---- */

/* The first one of a session just opened, which is set as a cookie, too. */
enum rc auth_refresh_begin(struct request *, const struct session *,
    const char *client, const char **token) MUST_CHECK;
/* No browser keeps one any longer. */
void auth_refresh_forget(struct request *);

struct auth_refresh {
	struct secret refresh_token;
};
extern const struct field auth_refresh_body[];
extern const struct field auth_refresh_answer[];
enum rc auth_refresh(struct request *);

/* Members of every answer with tokens; `refresh` NULL: none. */
void auth_token_members(
    struct request *, struct jw *, const char *access, const char *refresh);

/* ---- where to after signing in (auth-next.c) ---- */

/* A path of ours: no scheme, no host, nothing that a browser reads as one. */
bool auth_next_ok(const char *);

/* Hidden fields of the sign-in form that keep where to go, and what its policy
 * needs for that. */
struct page_doc;
void auth_next_fields(struct page_doc *, const char *next, const char *client);

/* A page of ours, which keeps where to go then. */
const char *auth_next_to(
    struct request *, const char *page, const char *next, const char *client);

/* The sign-in page again, after a try that failed. */
const char *
auth_next_again(struct request *, const char *next, const char *client);

#endif
