#include "core/loop.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/log.h"

#define EVENTS_MOST 256
#define SLEEP_MOST  1000

void
loop_init(struct loop *l)
{
	*l = (struct loop){ .epoll = epoll_create1(EPOLL_CLOEXEC) };
	if (l->epoll < 0)
		die("no epoll: %s", strerror(errno));
}

void
loop_clear(struct loop *l)
{
	timers_clear(&l->timers);
	close(l->epoll);
	l->epoll = -1;
}

void
loop_watch(struct loop *l, int fd, uint32_t events, struct source *s)
{
	struct epoll_event e = { .events = events, .data.ptr = s };

	if (epoll_ctl(l->epoll, EPOLL_CTL_MOD, fd, &e) != 0 &&
	    (errno != ENOENT ||
		epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &e) != 0))
		die("epoll_ctl: %s", strerror(errno));
}

void
loop_forget(struct loop *l, int fd)
{
	(void)epoll_ctl(l->epoll, EPOLL_CTL_DEL, fd, NULL);
}

void
loop_alarm(struct loop *l, struct alarm *a, int64_t ms)
{
	timers_set(&l->timers, &a->timer, ms);
}

static int
sleep_ms(const struct loop *l)
{
	const struct timer *first = timers_first(&l->timers);
	int64_t ms = first != NULL ? first->ms - clock_steady_ms() : SLEEP_MOST;

	if (ms < 0)
		ms = 0;
	return ms < SLEEP_MOST ? (int)ms : SLEEP_MOST;
}

/* Each once a turn: what is set anew without a delay waits for the sockets. */
static void
ring(struct loop *l)
{
	size_t most = l->timers.n;
	int64_t now = clock_steady_ms();
	struct timer *t;

	while (most-- > 0 && (t = timers_first(&l->timers)) != NULL &&
	    t->ms <= now) {
		struct alarm *a = (struct alarm *)t;

		timers_set(&l->timers, t, TIMER_NEVER);
		a->ring(a->arg);
	}
}

void
loop_turn(struct loop *l)
{
	struct epoll_event e[EVENTS_MOST];
	int n = epoll_wait(l->epoll, e, EVENTS_MOST, sleep_ms(l));

	for (int i = 0; i < n; i++) {
		struct source *s = e[i].data.ptr;

		s->ready(s->arg, e[i].events);
	}
	ring(l);
}
