/* Which workers of this machine are alive. Each holds the lock of a file of its
 * name in <state_dir>/workers, and the kernel lets go of it with the process,
 * however that ends. So a file whose lock can be had is a dead worker's, and
 * the jobs that it held need not wait for the end of their leases: neither a
 * number that was given out again nor a name that two hosts share deceives it.
 *
 * Where the directory lies on several machines, a lock may be seen by one of
 * them alone. The file says which boot of which kernel it was made under;
 * others' are nobody's business here. */
#ifndef DOMAIN_ALIVE_H
#define DOMAIN_ALIVE_H

#include <stdbool.h>

#include "core/conf.h"
#include "db/db.h"

#define WORKER_NAME 128

struct alive {
	const char *dir;    /* <state_dir>/workers */
	const char *worker; /* borrowed: this one's name, never another's */
	struct db *door;    /* borrowed: where outgoing mail is given back */
	int lock;           /* held until the process ends; -1: none */
};

/* A name for this process. Hosts may share theirs, and processes in containers
 * a number, so there is chance in it. */
void alive_name(char out[WORKER_NAME]);

/* Before the first claim. Without it all works, but others of this machine
 * wait for the lease of each job that this worker leaves behind. */
enum rc
alive_begin(struct alive *, const struct conf *, const char *worker) MUST_CHECK;

/* Gives back what dead workers held. `*again`: the database still carries out
 * what one of them asked for last, so that its job is not free yet. */
enum rc alive_release_dead(const struct alive *, struct db *,
    const struct log *, bool *again) MUST_CHECK;

/* How many of this machine live; -1: it cannot be seen from here. */
int alive_count(const struct conf *);

/* The file stays for the next worker to find: so what this one could not give
 * back, the database being away, is given back by then. */
void alive_end(struct alive *);

#endif
