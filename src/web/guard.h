/* The guard: from Bearer token or session cookie to an actor; and what is
 * checked before a handler runs. Fails closed.
 *
 * The actor is decided here, in the process; the database checks it again:
 * db_guard() puts a call of letterrack.guard_token / guard_session in front
 * of the request's first statement, in the same pipeline, and a guard that
 * raises lets nothing behind it run. */
#ifndef WEB_GUARD_H
#define WEB_GUARD_H

#include "core/result.h"
#include "web/request.h"

/* Fills rq->actor by what the request carries, as far as the route's need
 * asks for it. RC_UNAUTHORIZED: nothing valid came; RC_RETRY: the database
 * is away. */
enum rc guard_request(struct request *) MUST_CHECK;

/* Role against need, path's account against actor's, CSRF for unsafe methods
 * with a cookie. RC_FORBIDDEN, RC_ACCOUNT_MISMATCH, RC_CSRF. */
enum rc guard_check(struct request *) MUST_CHECK;

/* Is a state-changing request with a cookie of our own site? By
 * Sec-Fetch-Site or Origin where a browser sends one, else X-CSRF-Token
 * where it is sent; a program without all of them passes. */
enum rc guard_csrf(struct request *) MUST_CHECK;

/* The CSRF token of a session: hex SHA-256 of "csrf" and the cookie. */
void guard_csrf_token(struct str cookie, char out[65]);

/* May `actor` do what needs `need`? (`self`: the user of NEED_SELF's path.) */
bool guard_allows(const struct actor *, enum need, int64_t self);

#endif
