/* How many sessions each address has: counted where they come and go. Of IPv6 a
 * network of 64 bits is one address, since one customer has it all. */
#ifndef PROXY_PEERS_H
#define PROXY_PEERS_H

#include <netinet/in.h>
#include <stdint.h>

#define PEERS_BUCKETS 1024

struct peer {
	struct peer *next;
	char name[INET6_ADDRSTRLEN];
	int64_t n;
};

struct peers {
	struct peer *bucket[PEERS_BUCKETS]; /* owned */
};

int64_t peers_count(const struct peers *, const char *address);
void peers_come(struct peers *, const char *address);
void peers_go(struct peers *, const char *address);

#endif
