/* Timers of a loop: what is to be looked at, and when; the earliest is known at
 * once, and any may be moved (a binary heap). */
#ifndef CORE_TIMERS_H
#define CORE_TIMERS_H

#include <stddef.h>
#include <stdint.h>

#define TIMER_NEVER INT64_MAX

/* Part of what it is for; zeroed at first. It is taken out before it goes. */
struct timer {
	int64_t ms;   /* clock_steady_ms */
	size_t place; /* from 1 on; 0: it is not set */
};

struct timers {
	struct timer **v; /* owned */
	size_t n, cap;
};

void timers_clear(struct timers *);

/* TIMER_NEVER takes it out. */
void timers_set(struct timers *, struct timer *, int64_t ms);

/* The earliest; NULL: none is set. */
struct timer *timers_first(const struct timers *);

#endif
