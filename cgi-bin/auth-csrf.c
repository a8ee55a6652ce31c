/* The CSRF session of pages that have no session yet: a cookie, and a token
 * that only a page of ours, or one that we let read our answers, gets to see.
 */
#include "auth.h"

#include "web/guard.h"
#include "web/reply.h"

#define CSRF_TOKEN 65 /* of guard_csrf_token, with its NUL */

/* A program has no cookie and is nobody's instrument: what it puts into
 * csrf_token does not matter. */
enum rc
auth_csrf(struct request *rq, const char *token)
{
	bool session = request_cookie(rq, guard_csrf_cookie(rq)).p != NULL;

	if (guard_csrf_right(rq, token))
		return RC_OK;
	if (session && token != NULL && *token != '\0')
		return RC_CSRF;
	return guard_csrf(rq);
}

/* SameSite=Strict and Secure whatever the door: browsers take loopback for
 * secure. */
static struct str
session_start(struct request *rq)
{
	struct secret cookie = secret_token(rq->arena);

	reply_header(rq, "Set-Cookie",
	    arena_fmt(rq->arena,
		"%s=%s; Path=/; HttpOnly; Secure; SameSite=Strict",
		guard_csrf_cookie(rq), (const char *)cookie.p));
	return (struct str){ (const char *)cookie.p, cookie.n };
}

enum rc
auth_csrf_session(struct request *rq)
{
	(void)session_start(rq);
	rq->reply.fresh = true;
	return reply_text(rq, 0, "application/javascript",
	    STR("fetch(new URL(\"/auth/csrf-token\", document.currentScript\n"
		"    ? document.currentScript.src : location.href),\n"
		"    { credentials: \"include\" }).then((answer) => {\n"
		"\twindow.csrfToken = answer.headers.get(\"X-CSRF-Token\");\n"
		"});\n"));
}

const struct field auth_csrf_answer[] = { A_TEXT("csrf_token", 0), F_END };

enum rc
auth_csrf_token(struct request *rq)
{
	struct str cookie = request_cookie(rq, guard_csrf_cookie(rq));
	char token[CSRF_TOKEN];
	struct jw *w;

	if (cookie.p == NULL || cookie.n != SECRET_TOKEN)
		cookie = session_start(rq);
	guard_csrf_token(cookie, token);
	reply_header(rq, "X-CSRF-Token", token);
	rq->reply.fresh = true;
	w = reply_bare(rq, 0);
	jw_object(w);
	JW_TEXT(w, "csrf_token", token);
	jw_object_end(w);
	return reply_bare_close(rq);
}
