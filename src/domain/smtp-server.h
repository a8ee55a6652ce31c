/* The SMTP proxies that run, on whatever machine, as they tell of themselves
 * every few seconds. */
#ifndef DOMAIN_SMTP_SERVER_H
#define DOMAIN_SMTP_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "db/db.h"

/* One that has not been heard of for so long is not there. */
#define SMTP_SERVER_QUIET_S 30

struct smtp_server_seen {
	const char *host;    /* the machine */
	const char *address; /* where it listens */
	int32_t port;
	int64_t uptime, quiet; /* seconds: since its start, since it told */
	instant checked_at;    /* when it was last heard to answer there */
	int64_t sessions;
	int64_t taken, held, refused; /* messages since its start */
};
extern const struct col smtp_server_seen_cols[];

/* Does it listen, as far as one can tell? */
bool smtp_server_listens(const struct smtp_server_seen *);

/* One that listens, else the one that was heard of last, as the list has them;
 * NULL: there is none. */
const struct smtp_server_seen *
smtp_server_best(const struct smtp_server_seen *, size_t n);

#endif
