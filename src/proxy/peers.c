#include "proxy/peers.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/log.h"

#define NETWORK_BYTES 8 /* of an IPv6 address */

static void
name_of(const char *address, char name[INET6_ADDRSTRLEN])
{
	struct in6_addr v6;

	snprintf(name, INET6_ADDRSTRLEN, "%s", address);
	if (inet_pton(AF_INET6, address, &v6) != 1)
		return;
	if (!IN6_IS_ADDR_V4MAPPED(&v6))
		memset(v6.s6_addr + NETWORK_BYTES, 0,
		    sizeof v6.s6_addr - NETWORK_BYTES);
	(void)inet_ntop(AF_INET6, &v6, name, INET6_ADDRSTRLEN);
}

/* FNV-1a; who chooses addresses to meet in one bucket has as many as there are
 * sessions at most. */
static size_t
bucket_of(const char *name)
{
	uint64_t hash = 14695981039346656037ULL;

	for (; *name != '\0'; name++)
		hash = (hash ^ (unsigned char)*name) * 1099511628211ULL;
	return (size_t)((hash ^ hash >> 32) % PEERS_BUCKETS);
}

/* Where it stands, or would stand: the end of its bucket. */
static struct peer *const *
place(const struct peers *p, const char *name)
{
	struct peer *const *at = &p->bucket[bucket_of(name)];

	while (*at != NULL && strcmp((*at)->name, name) != 0)
		at = &(*at)->next;
	return at;
}

int64_t
peers_count(const struct peers *p, const char *address)
{
	char name[INET6_ADDRSTRLEN];
	const struct peer *found;

	name_of(address, name);
	found = *place(p, name);
	return found != NULL ? found->n : 0;
}

void
peers_come(struct peers *p, const char *address)
{
	char name[INET6_ADDRSTRLEN];
	struct peer **at;

	name_of(address, name);
	at = (struct peer **)(uintptr_t)place(p, name);
	if (*at == NULL) {
		*at = calloc(1, sizeof **at);
		if (*at == NULL)
			die("out of memory");
		memcpy((*at)->name, name, sizeof name);
	}
	(*at)->n++;
}

void
peers_go(struct peers *p, const char *address)
{
	char name[INET6_ADDRSTRLEN];
	struct peer **at, *gone;

	name_of(address, name);
	at = (struct peer **)(uintptr_t)place(p, name);
	gone = *at;
	if (gone == NULL || --gone->n > 0)
		return;
	*at = gone->next;
	free(gone);
}
