/* What this process is to watch, by the database: a thread asks each second,
 * and at once when there is news of that. Asking is also the beat of its heart,
 * and it goes on only as long as the loop takes the answers. */
#ifndef WATCH_FOLLOW_H
#define WATCH_FOLLOW_H

#include "domain/watcher-sql.h"
#include "watch/hands.h"

struct follow;

/* `take` is called in the loop with all there is to watch, in the order of
 * account and credential; the list is gone when it returns. */
struct follow_how {
	struct hands *hands;
	const char *conninfo, *worker;
	struct log log;
	int64_t most;
	void (*take)(void *arg, const struct watcher_own_list *);
	void *arg;
};

/* `how` is copied. */
struct follow *follow_new(const struct follow_how *);
/* From here on nothing is asked, and the hands are not used. */
void follow_stop(struct follow *);
/* Others may have at once what this process had. Stopped before. */
void follow_free(struct follow **);

#endif
