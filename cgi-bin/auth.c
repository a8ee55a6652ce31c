/* The door: signing in and out, who one is, tokens, the keys they are checked
 * by. What its rows point at lies in auth-<noun>.c. */
#include "auth.h"

#include "web/body.h"
#include "web/route.h"

static const struct field message_answer[] = { A_TEXT("message", 0), F_END };

#define ACCOUNT_TOKEN "/api/accounts/:account_id/token"
#define BAD_LOGIN                                                              \
	{                                                                      \
		RC_BAD_LOGIN, RC_RATE_LIMIT, RC_FORBIDDEN, RC_SECOND_FACTOR    \
	}

#define LINK_FAILS                                                             \
	{                                                                      \
		RC_BAD_LINK, RC_BAD_LOGIN, RC_CSRF, RC_FORBIDDEN,              \
		    RC_SECOND_FACTOR                                           \
	}

#define FACTOR_FAILS                                                           \
	{                                                                      \
		RC_BAD_CODE, RC_RATE_LIMIT, RC_CONFLICT, RC_FORBIDDEN          \
	}

static const struct route routes[] = {
	{ GET, "/.well-known/jwks.json", auth_jwks, NEED_PUBLIC, ENV_RAW,
	    .flags = NO_LIMIT, .answer = jwks_answer,
	    .summary = "Keys that access tokens are checked by" },
	{ POST, "/auth/sign-in", auth_sign_in, NEED_PUBLIC, ENV_RAW,
	    .flags = NO_CSRF | UNKNOWN_OK, BODY(auth_sign_in),
	    .answer = auth_sign_in_answer, .fails = BAD_LOGIN,
	    .summary = "Sign in with a password",
	    .about = "Answers an access token for the active account, and "
		     "sets the session cookie. Where the user has a second "
		     "factor: second_factor_required, with `step`, for "
		     "/auth/second-factor." },
	{ GET, "/auth/second-factor", auth_step_page, NEED_PUBLIC, ENV_RAW,
	    PARAMS(step_page), .type = "text/html",
	    .summary = "Page that asks for a code of the second factor" },
	{ POST, "/auth/second-factor", auth_step, NEED_PUBLIC, ENV_RAW,
	    .flags = FORM_OK | UNKNOWN_OK | PAGE_TOO, BODY(step_code),
	    .answer = auth_sign_in_answer, .also = 302,
	    .fails = { RC_STEP_OVER, RC_BAD_CODE, RC_RATE_LIMIT, RC_FORBIDDEN,
		RC_CSRF },
	    .summary = "Sign in, the second step: a code",
	    .about = "Where a password or a mailed link was answered with "
		     "second_factor_required, and a token for this step." },
	{ POST, "/auth/refresh", auth_refresh, NEED_PUBLIC, ENV_RAW,
	    .flags = NO_CSRF | UNKNOWN_OK, BODY(auth_refresh),
	    .answer = auth_refresh_answer,
	    .fails = { RC_UNAUTHORIZED, RC_CSRF },
	    .summary = "Use a refresh token for new tokens",
	    .about = "It is good once; one that comes again ends the session "
		     "and all tokens of it." },
	{ POST, "/auth/sign-out", auth_sign_out, NEED_ANY, ENV_RAW,
	    .flags = FACTOR_TOO, .status = 204,
	    .summary = "End the session and its tokens" },
	{ GET, "/auth/me", auth_me, NEED_USER, ENV_RAW, .flags = FACTOR_TOO,
	    .answer = auth_profile_answer, .summary = "Who is signed in" },
	{ POST, ACCOUNT_TOKEN, auth_account_token, NEED_READ, ENV_RAW,
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

	{ GET, "/auth/factors", auth_factors, NEED_USER, ENV_RAW,
	    .flags = FACTOR_TOO, .answer = factors_answer,
	    .summary = "My second factor" },
	{ GET, "/auth/factors/page", auth_factors_page, NEED_MAYBE, ENV_RAW,
	    PARAMS(factors_page), .flags = FACTOR_TOO, .also = 302,
	    .type = "text/html", .summary = "Page of my second factor" },
	{ POST, "/auth/factors/totp", auth_factor_new, NEED_USER, ENV_RAW,
	    .flags = FACTOR_TOO | FORM_OK | PAGE_TOO, BODY(factor_new),
	    .status = 201, .also = 200, .answer = factor_new_answer,
	    .fails = { RC_RATE_LIMIT, RC_CONFLICT },
	    .summary = "Begin a second factor",
	    .about = "Answers a secret for an authenticator; nothing is asked "
		     "for before one of its codes was shown." },
	{ POST, "/auth/factors/totp/confirm", auth_factor_confirm, NEED_USER,
	    ENV_RAW, .flags = FACTOR_TOO | FORM_OK | PAGE_TOO,
	    BODY(factor_code), .answer = factor_codes_answer,
	    .fails = FACTOR_FAILS, .summary = "Turn the second factor on",
	    .about = "Answers ten recovery codes, which are not shown again. "
		     "The user's other sessions end." },
	{ POST, "/auth/factors/totp/disable", auth_factor_disable, NEED_USER,
	    ENV_RAW, .flags = FACTOR_TOO | FORM_OK | PAGE_TOO,
	    BODY(factor_code), .status = 204, .also = 200,
	    .fails = FACTOR_FAILS, .summary = "Turn the second factor off" },
	{ POST, "/auth/factors/recovery-codes", auth_factor_codes, NEED_USER,
	    ENV_RAW, .flags = FACTOR_TOO | FORM_OK | PAGE_TOO,
	    BODY(factor_code), .answer = factor_codes_answer,
	    .fails = FACTOR_FAILS, .summary = "Make new recovery codes" },

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
	    .answer = auth_sign_in_answer, .also = 302, .fails = LINK_FAILS,
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
	    .flags = UNKNOWN_OK | FORM_OK | PLANNED,
	    .body = { link_accept_body, sizeof(struct link_use_in) },
	    .answer = link_accepted_answer, .also = 302, .fails = LINK_FAILS,
	    .summary = "Join an account by a mailed invitation",
	    .about = "Makes the user where there is none, and signs in. Where "
		     "`password_set` is false, one should be asked for." },
	{ POST, "/api/accounts/:account_id/invite", auth_invite, NEED_OWNER,
	    .flags = IDEMPOTENT | PLANNED, BODY(invite_new), .status = 201,
	    .answer = invite_answer, .fails = { RC_CONFLICT },
	    .summary = "Invite somebody into an account, by mail" },

	{ GET, "/auth/login", auth_login_page, NEED_PUBLIC, ENV_SUCCESS,
	    PARAMS(login_page), .type = "text/html",
	    .summary = "Sign-in page" },
	{ POST, "/auth/login", auth_login, NEED_PUBLIC, ENV_SUCCESS,
	    .flags = FORM_OK | NO_CSRF, BODY(login_form), .status = 302,
	    .type = "text/html", .fails = BAD_LOGIN,
	    .summary = "Sign in from a page" },
	{ POST, "/auth/logout", auth_logout, NEED_MAYBE, ENV_SUCCESS,
	    .fails = { RC_CSRF }, .flags = FORM_OK | FACTOR_TOO, .status = 302,
	    .type = "text/html", .summary = "Sign out" },
	{ POST, "/api/auth/login", auth_login_ci, NEED_PUBLIC, ENV_SUCCESS,
	    .flags = NO_CSRF, BODY(login_form), .answer = login_data_answer,
	    .fails = BAD_LOGIN, .summary = "Sign in for an access token" },
	{ POST, "/api/auth/logout", auth_logout_ci, NEED_ANY, ENV_SUCCESS,
	    .flags = FACTOR_TOO, .answer = message_answer,
	    .summary = "End the session" },
	{ GET, "/api/auth/me", auth_me_ci, NEED_USER, ENV_SUCCESS,
	    .flags = FACTOR_TOO, .row = user_cols, .key = "data",
	    .summary = "Who is signed in" },

	{ GET, "/login", auth_login_page, NEED_PUBLIC, ENV_OK,
	    PARAMS(login_page), .type = "text/html",
	    .summary = "Sign-in page" },
	{ POST, "/login", auth_login, NEED_PUBLIC, ENV_OK,
	    .flags = FORM_OK | NO_CSRF, BODY(login_form), .status = 302,
	    .type = "text/html", .fails = BAD_LOGIN,
	    .summary = "Sign in from a page" },
	{ GET, "/logout", auth_logout_get, NEED_MAYBE, ENV_OK,
	    .flags = FACTOR_TOO, .status = 302, .also = 200,
	    .type = "text/html",
	    .summary = "Sign out; asks where a link could have led here" },
	{ GET, "/dashboard", auth_dashboard, NEED_MAYBE, ENV_OK, .also = 302,
	    .fails = { RC_UNAUTHORIZED }, .type = "text/html",
	    .summary = "Start page" },
};

FAMILY(auth, BUSY, .door = true);
