/* The gate of passwords, as the responders that hash them share it. */
#ifndef WEB_GATE_H
#define WEB_GATE_H

#include "core/password.h"
#include "web/request.h"

/* The process's own, opened when first needed. RC_RETRY: it cannot be. */
enum rc gate_of(const struct conf *, struct password_gate **) MUST_CHECK;

/* The hash of a password that somebody chose: a fault of `field` where it is
 * none that they may have. `name`, `email`: theirs, NULL: none. */
struct chosen {
	const char *field;
	struct secret password;
	const char *name, *email;
};
enum rc gate_hash(struct request *, const struct chosen *,
    char hash[PASSWORD_HASH_MAX]) MUST_CHECK;

#endif
