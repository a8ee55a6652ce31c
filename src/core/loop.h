/* The loop: sockets that become ready, and times that come. */
#ifndef CORE_LOOP_H
#define CORE_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

#include "core/timers.h"

/* What is done when a descriptor is ready. Part of what it is for, which lives
 * until loop_turn has returned: an event of it may have been on its way. */
struct source {
	void (*ready)(void *arg, uint32_t events);
	void *arg;
};

/* What is done when a time has come; then it is not set any more. */
struct alarm {
	struct timer timer; /* the first member */
	void (*ring)(void *arg);
	void *arg;
};

struct loop {
	int epoll;
	struct timers timers;
};

void loop_init(struct loop *);
void loop_clear(struct loop *);

/* Adds a descriptor, or changes what it is waited for. */
void loop_watch(struct loop *, int fd, uint32_t events, struct source *);
void loop_forget(struct loop *, int fd);

void loop_alarm(struct loop *, struct alarm *, int64_t ms);

/* Waits for something, a second at most, and does what is due. */
void loop_turn(struct loop *);

#endif
