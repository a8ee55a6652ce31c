/* Where it listens. */
#ifndef PROXY_LISTEN_H
#define PROXY_LISTEN_H

#include <netinet/in.h>
#include <stdbool.h>

#include "core/result.h"

#define LISTENERS_MOST 16

struct listener {
	int fd;
	char address[INET6_ADDRSTRLEN];
	int port;
};

struct listeners {
	struct listener v[LISTENERS_MOST];
	int n;
};

/* "127.0.0.1:8587 [::1]:8587". RC_INVALID with a sentence. */
enum rc listeners_open(const char *text, struct listeners *) MUST_CHECK;
void listeners_close(struct listeners *);

/* The next who comes: -1 where nobody waits, or none can be had. `full`: it is
 * for want of descriptors or memory. */
int listener_accept(const struct listener *, char peer[INET6_ADDRSTRLEN],
    bool *loopback, bool *full);

/* A connection to it, as a client has: -1. Waits a few seconds at most. */
int listener_call(const struct listener *);

#endif
