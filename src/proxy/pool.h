/* Threads that do what would make the loop wait: passwords, the database, the
 * disk. What they are given they have for themselves until they give it back.
 * Signing in has hands of its own, so that guesses at passwords delay nobody's
 * mail. */
#ifndef PROXY_POOL_H
#define PROXY_POOL_H

#include <stdbool.h>
#include <stdint.h>

#include "core/conf.h"
#include "core/password.h"
#include "core/rate.h"
#include "db/db.h"

/* What one thread works with. */
struct hand {
	const struct conf *conf;
	struct db *db;
	struct db *door;           /* of the role that signs people in */
	struct password_gate gate; /* of LANE_DOOR */
	bool gated;
	struct rate_table *rates; /* NULL: no limits */
};

/* What belongs to one group (not 0) is one hand's at a time, which is given all
 * that has gathered meanwhile: the transactions of one account wait for each
 * other anyway, and one can have the rows of many messages. */
struct work {
	/* In a thread; of this one and those behind it, by `next`. */
	void (*run)(struct work *, struct hand *);
	void (*done)(struct work *); /* in the loop, each of its own */
	uint64_t group;
	struct work *next;
};
#define WORKS_TOGETHER 32

enum lane { LANE_MAIL, LANE_DOOR, LANE_COUNT };

struct pool;
struct pool *pool_new(const struct conf *);
/* Waits until all has been run. */
void pool_free(struct pool **);

void pool_put(struct pool *, enum lane, struct work *);
/* Readable when something is done. */
int pool_fd(const struct pool *);
/* Calls `done` of what is. */
void pool_collect(struct pool *);

#endif
