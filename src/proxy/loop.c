/* The loop: who comes, who says something, what the hands have done, and once a
 * second whose time is over. */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/proxy.h"
#include "proxy/talk.h"

#define EVENTS   64
#define ACCEPTS  64 /* in a row */
#define TICK_MS  1000
#define GRACE_MS 20000 /* for what is under way when the whole ends */

/* ---- who comes ---- */

static void
refuse(const struct proxy *p, int fd, const char *peer)
{
	static const char text[] =
	    "421 4.7.0 Too many connections; try again later\r\n";

	log_info(&p->log, "too many connections address=%s", peer);
	(void)!send(fd, text, sizeof text - 1, MSG_NOSIGNAL);
	close(fd);
}

static void
listener_watch(
    const struct proxy *p, const struct listener *l, int op, unsigned events)
{
	struct epoll_event e = { .events = events,
		.data.ptr = (void *)(uintptr_t)l };

	epoll_ctl(p->epoll, op, l->fd, &e);
}

/* Out of descriptors it is looked at again with the next tick. */
static void
listener_event(struct proxy *p, const struct listener *l)
{
	const struct conf *c = p->conf;
	char peer[INET6_ADDRSTRLEN];
	bool loopback, full = false;

	for (int i = 0; i < ACCEPTS; i++) {
		int fd = listener_accept(l, peer, &loopback, &full);

		if (fd < 0)
			break;
		if (p->counts.talks >= c->smtp_connections ||
		    peers_count(&p->peers, peer) >= c->smtp_connections_address)
			refuse(p, fd, peer);
		else
			talk_begin(p, fd, peer, loopback);
	}
	if (full)
		listener_watch(p, l, EPOLL_CTL_MOD, 0);
}

static const struct listener *
listener_of(const struct proxy *p, const void *ptr)
{
	for (int i = 0; i < p->listeners.n; i++)
		if (ptr == &p->listeners.v[i])
			return &p->listeners.v[i];
	return NULL;
}

/* ---- once a second ---- */

static void
each(struct proxy *p, void (*what)(struct talk *, int64_t), int64_t now_ms)
{
	struct talk *next;

	for (struct talk *t = p->first; t != NULL; t = next) {
		next = t->next;
		what(t, now_ms);
	}
}

static void
stop_one(struct talk *t, int64_t now_ms)
{
	(void)now_ms;
	talk_stop(t);
}

static void
drop_one(struct talk *t, int64_t now_ms)
{
	(void)now_ms;
	talk_drop(t);
}

static void
tick(struct proxy *p, int64_t now_ms)
{
	for (int i = 0; i < p->listeners.n; i++)
		listener_watch(p, &p->listeners.v[i], EPOLL_CTL_MOD, EPOLLIN);
	each(p, talk_tick, now_ms);
	if (p->ending)
		each(p, stop_one, now_ms);
}

/* ---- the loop ---- */

/* What hands have done comes last: it may end sessions whose events are still
 * in this list. */
static void
events_run(struct proxy *p, const struct epoll_event *e, int n)
{
	bool done = false;

	for (int i = 0; i < n; i++) {
		const struct listener *l = listener_of(p, e[i].data.ptr);

		if (e[i].data.ptr == p->pool)
			done = true;
		else if (l != NULL)
			listener_event(p, l);
		else
			talk_event(e[i].data.ptr, e[i].events);
	}
	if (done)
		pool_collect(p->pool);
}

static void
begin(struct proxy *p)
{
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = p->pool };

	p->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (p->epoll < 0 ||
	    epoll_ctl(p->epoll, EPOLL_CTL_ADD, pool_fd(p->pool), &e) != 0)
		die("no events can be had");
	for (int i = 0; i < p->listeners.n; i++)
		listener_watch(p, &p->listeners.v[i], EPOLL_CTL_ADD, EPOLLIN);
}

static void
begin_end(struct proxy *p)
{
	p->ending = true;
	listeners_close(&p->listeners);
	each(p, stop_one, 0);
}

static void
certificate_again(struct proxy *p)
{
	if (proxy_certificate(p) == RC_OK)
		log_info(&p->log, "certificate read again");
	else
		log_error(
		    &p->log, "the old certificate stays: %s", fail_detail());
}

void
proxy_loop(struct proxy *p, const volatile sig_atomic_t *stop,
    volatile sig_atomic_t *again)
{
	struct epoll_event e[EVENTS];
	int64_t now, next = 0, last = INT64_MAX;

	begin(p);
	while (!p->ending || p->first != NULL) {
		int n = epoll_wait(p->epoll, e, EVENTS, TICK_MS);

		if (n < 0 && errno != EINTR)
			die("events cannot be waited for");
		events_run(p, e, n > 0 ? n : 0);
		now = clock_steady_ms();
		if (now >= next)
			tick(p, now);
		if (now >= next)
			next = now + TICK_MS;
		if (*again != 0) {
			*again = 0;
			certificate_again(p);
		}
		if (*stop != 0 && !p->ending) {
			begin_end(p);
			last = now + GRACE_MS;
		}
		if (now > last)
			each(p, drop_one, 0);
	}
	close(p->epoll);
}
