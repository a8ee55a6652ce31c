/* The families of endpoints, one responder each. A new one is a line here and
 * one in local.mk. */
#ifndef CGI_BIN_FAMILIES_H
#define CGI_BIN_FAMILIES_H

#include "web/route.h"

#define FAMILIES(X)                                                            \
	X(emails)                                                              \
	X(system)

#define FAMILY_DECLARE(name) extern const struct family name##_family;
FAMILIES(FAMILY_DECLARE)
#undef FAMILY_DECLARE

#endif
