/* The guard: from Bearer token or session cookie to an actor; and what is
 * checked before a handler runs. Fails closed.
 *
 * The actor is decided here, in the process, and the database decides again:
 * guard_request leaves a statement (letterrack.guard_token, guard_client or
 * guard_session) in front of the request's first transaction, in the same
 * pipeline; a guard that raises lets nothing behind it run. So a token whose
 * session has ended, or whose rights have changed, is refused at the first
 * statement, without a round trip of its own. */
#ifndef WEB_GUARD_H
#define WEB_GUARD_H

#include "core/result.h"
#include "web/request.h"

/* What a process keeps: keys, tokens seen right, sessions seen, rates. */
struct guard;
struct guard *guard_new(const struct conf *);
void guard_free(struct guard **);

/* For whoever has a token that is not the caller's own. NULL without a guard.
 */
struct verifier *guard_verifier(struct guard *);

/* Fills rq->actor by what the request carries, as far as the route's need
 * asks for it, and counts the request. A cookie's actor is remembered for at
 * most a second, for reads; a write asks first. That of an external issuer's
 * token is until the database refuses it. RC_UNAUTHORIZED: nothing valid came;
 * RC_RATE_LIMIT; RC_RETRY: the database is away. */
enum rc guard_request(struct guard *, struct request *) MUST_CHECK;

/* Counts a request for what does not exist. RC_RATE_LIMIT. */
enum rc guard_stray(struct guard *, struct request *) MUST_CHECK;

/* Shows a rate in the answer's head; RC_RATE_LIMIT with the pause where it was
 * passed. `now` in seconds since 1970. */
struct rate;
enum rc
guard_rated(struct request *, const struct rate *, int64_t now) MUST_CHECK;

/* Before an answer that no statement stands behind, such as one about a fault
 * of the input: runs the database's guard alone where it has not let this
 * request's actor pass yet. Fails as the first statement would. */
enum rc guard_prove(struct request *) MUST_CHECK;

/* When the request has been handled: where the database has let a token pass,
 * reads of the account's rows with the same claims need not ask it again for
 * nine tenths of a second. */
void guard_confirm(struct guard *, struct request *);

/* Of an actor that was refused: was it one remembered? By now the user may be
 * in another account, or have another role; the next guard_request asks. Not
 * where a write has been let pass: what it did is not done twice. */
bool guard_anew(struct request *);

/* Role against need, path's account against actor's, CSRF for unsafe methods
 * with a cookie. RC_FORBIDDEN, RC_ACCOUNT_MISMATCH, RC_CSRF. */
enum rc guard_check(struct request *) MUST_CHECK;

/* Is a state-changing request with a cookie one of our own pages'? By
 * Sec-Fetch-Site or Origin where a browser sends one, or X-CSRF-Token of the
 * session or the CSRF session; a program that sends none of them passes. */
enum rc guard_csrf(struct request *) MUST_CHECK;

/* The CSRF token of a session: hex SHA-256 of "csrf:" and the cookie. */
void guard_csrf_token(struct str cookie, char out[65]);

/* The cookie of a CSRF session, which pages have before they have a session.
 * Where the door is HTTPS no neighbour below our domain can set it. */
const char *guard_csrf_cookie(const struct request *);

/* Is it the token of a session or CSRF session that the request has? NULL is
 * none. */
bool guard_csrf_right(const struct request *, const char *token);

/* May `actor` do what needs `need`? `self`: the user in NEED_SELF's path. */
bool guard_allows(const struct actor *, enum need, int64_t self);

#endif
