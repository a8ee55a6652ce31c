/* The families of endpoints, one responder each. A new one is a line here and
 * three in local.mk. */
#ifndef CGI_BIN_FAMILIES_H
#define CGI_BIN_FAMILIES_H

#include "web/route.h"

/* clang-format off */
#define FAMILIES(X) \
	X(accounts) \
	X(auth) \
	X(content) \
	X(credentials) \
	X(emails) \
	X(events) \
	X(interception) \
	X(jobs) \
	X(labels) \
	X(logs) \
	X(oauth) \
	X(providers) \
	X(subscriptions) \
	X(system) \
	X(tasks) \
	X(threads) \
	X(users) \
	X(webhooks)
/* clang-format on */

#define FAMILY_DECLARE(name) extern const struct family name##_family;
FAMILIES(FAMILY_DECLARE)
#undef FAMILY_DECLARE

#endif
