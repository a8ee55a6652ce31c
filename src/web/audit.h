/* The audit log: who did what, from where, in which request. For logins,
 * rights, credentials, reads of bodies, holds and releases.
 *
 * To be called within the pipeline or transaction of what it tells, so that
 * neither is there without the other. */
#ifndef WEB_AUDIT_H
#define WEB_AUDIT_H

#include "web/request.h"

/* By the request's actor, in its account. `action` is "noun.verb"
 * ("member.remove"), `subject` what it was done to ("mbr_7") and `detail` a
 * few words more ("owner -> viewer"), both NULL where there is none. No
 * secret, no address of a mail, no body. */
enum rc audit(struct request *, const char *action, const char *subject,
    const char *detail) MUST_CHECK;

/* The same where the actor is not the request's: somebody signs in. */
struct audit_actor {
	int64_t application, account, user; /* 0: none */
	const char *client;                 /* NULL: none */
};
enum rc audit_as(struct request *, const struct audit_actor *,
    const char *action, const char *subject, const char *detail) MUST_CHECK;

/* "uid_7", for `subject`; lives as the request. */
const char *audit_id(struct request *, enum id_kind, int64_t id);

#endif
