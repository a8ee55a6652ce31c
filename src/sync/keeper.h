/* The keeper: what must not wait behind mail. It seals the audit log and
 * fetches the keys of external issuers; beside a sync that stays it is a
 * process of its own, in which each second is a round. */
#ifndef SYNC_KEEPER_H
#define SYNC_KEEPER_H

#include <signal.h>
#include <sys/types.h>

#include "core/conf.h"
#include "db/db.h"

struct egress;

struct keeper {
	struct db *db;
	const struct conf *conf;
	const struct egress *egress;
	const struct log *log;
	const volatile sig_atomic_t *stop;
};

/* One round; what cannot be done now is logged and done in the next. */
void keeper_round(const struct keeper *);

/* Rounds until `stop`, or until the process that started it is gone. */
void keeper_stay(const struct keeper *, pid_t parent);

/* Starts this program as a keeper, and again where the last one has ended:
 * `pid` is 0 where none runs. */
void keeper_start(pid_t *pid, const char *config, const struct log *);
void keeper_end(pid_t *pid);

#endif
