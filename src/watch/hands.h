/* Hands of the loop: threads that do what may take its time, the database first
 * of all, each with a connection of its own. The loop never waits for them: it
 * gives an errand away and is told when that is done. */
#ifndef WATCH_HANDS_H
#define WATCH_HANDS_H

#include <stdbool.h>

#include "db/db.h"
#include "core/loop.h"

/* Part of what it is for, which is the thread's while it is under way. */
struct errand {
	void (*run)(struct errand *, struct db *); /* in a thread */
	void (*done)(struct errand *);             /* then, in the loop */
	struct errand *next;
};

struct hands;

/* `n` threads; the loop hears of what they have done. */
struct hands *hands_new(struct loop *, int n, const char *conninfo, struct log);
/* Waits for what is under way; what has not begun is not done, nor is
 * anybody told. */
void hands_free(struct hands **);

void hands_do(struct hands *, struct errand *);
/* Would one begin with it at once? */
bool hands_idle(struct hands *);
/* From any thread: calls `done` in the loop. */
void hands_post(struct hands *, struct errand *);

#endif
