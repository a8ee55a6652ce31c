/* What the parts of the family `auth` share. */
#ifndef CGI_BIN_AUTH_H
#define CGI_BIN_AUTH_H

#include "domain/session.h"
#include "web/request.h"

#define PEOPLE_SCOPE "openid profile email"

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

/* The sign-in page again, after a try that failed. */
const char *
auth_next_again(struct request *, const char *next, const char *client);

#endif
