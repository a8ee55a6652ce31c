/* The work of letterrack-sync: passes over what is due, one or many. */
#ifndef SYNC_WORK_H
#define SYNC_WORK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "domain/alive.h"
#include "domain/delivery.h"
#include "domain/outgoing.h"
#include "domain/sync/sync.h"
#include "sync/keeper.h"

/* Classes of work, so that what takes long holds up nobody but itself. X(name,
 * what is in it) */
#define WORK_CLASSES(X)                                                        \
	X(imap, "polls, and what talks to IMAP servers")                       \
	X(watch, "mail that a watcher was told of")                            \
	X(send, "mail that goes out")                                          \
	X(deliver, "webhooks")                                                 \
	X(house, "old rows, the audit log, keys, other jobs")

enum work_class {
#define WORK_ENUM(name, what) WORK_##name,
	WORK_CLASSES(WORK_ENUM)
#undef WORK_ENUM
	    WORK_COUNT
};

struct program {
	const char *config;
	unsigned only;   /* classes, a bit each; 0: all */
	int64_t account; /* 0: all */
	int64_t job;     /* 0: any */
	bool stay;
	bool dry_run;
	bool quiet;
	struct conf *conf;
	struct envelope_keks keks;
	struct egress *egress;
	struct job_host host;
	struct sync_report report;     /* of the last job, if it was a sync */
	struct outgoing_host outgoing; /* its database is the door's */
	bool outgoing_lost;            /* the last run of it broke off */
	bool outgoing_told;            /* that it waits */
	struct delivery_host delivery;
	bool delivery_lost; /* the last run of it broke off */
	char worker[WORKER_NAME];
	struct alive alive;
	bool again; /* dead workers' jobs are not all free yet */
	int64_t ran, failed;
	int64_t served;   /* account of the last job; 0: none yet */
	int64_t tidy_ms;  /* steady: when housekeeping is asked about */
	int64_t aside_ms; /* steady: when other work than jobs was, last */
	bool aside_left;  /* it was not asked about since the last job */
	pid_t keeper;     /* of one that stays; 0: none */
	pid_t starter; /* this is a keeper, and that its sync; 0: it is none */
};

/* One pass: what dead workers left, what is to be polled, each job that is
 * due, and the house. */
enum rc work_pass(struct program *) MUST_CHECK;

/* Passes, until it is told to stop. */
void work_stay(struct program *);

/* Is such work wanted? */
bool work_wants(const struct program *, enum work_class);

/* What the keeper needs of it. */
struct keeper work_keeper(struct program *);

#endif
