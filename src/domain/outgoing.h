/* Mail of the installation itself: written here, sent by a worker. */
#ifndef DOMAIN_OUTGOING_H
#define DOMAIN_OUTGOING_H

#include <stdint.h>

#include "db/db.h"

struct outgoing_new {
	int64_t application;
	const char *to;
	const char *subject;
	const char *text;
	const char *kind;
};

/* In the transaction of what it tells. */
enum rc outgoing_add(struct db *, const struct outgoing_new *) MUST_CHECK;

#endif
