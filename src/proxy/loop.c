/* The loop: who comes, who says something, what the hands have done, and once a
 * second whose time is over. */
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/proxy.h"
#include "proxy/talk.h"

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
entry_watch(struct entry *e, uint32_t events)
{
	loop_watch(&e->p->loop, e->l->fd, events, &e->source);
}

/* Out of descriptors it is looked at again with the next tick. */
static void
entry_ready(void *arg, uint32_t events)
{
	struct entry *e = arg;
	struct proxy *p = e->p;
	const struct conf *c = p->conf;
	char peer[INET6_ADDRSTRLEN];
	bool loopback, full = false;

	(void)events;
	for (int i = 0; i < ACCEPTS; i++) {
		int fd = listener_accept(e->l, peer, &loopback, &full);

		if (fd < 0)
			break;
		if (p->counts.talks >= c->smtp_connections ||
		    peers_count(&p->peers, peer) >= c->smtp_connections_address)
			refuse(p, fd, peer);
		else
			talk_begin(p, fd, peer, loopback);
	}
	if (full)
		entry_watch(e, 0);
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
tick(void *arg)
{
	struct proxy *p = arg;
	int64_t now = clock_steady_ms();

	for (int i = 0; i < p->listeners.n; i++)
		entry_watch(&p->entries[i], EPOLLIN);
	each(p, talk_tick, now);
	if (p->ending)
		each(p, stop_one, now);
	loop_alarm(&p->loop, &p->tick, now + TICK_MS);
}

/* ---- the loop ---- */

static void
collect(void *arg, uint32_t events)
{
	struct proxy *p = arg;

	(void)events;
	pool_collect(p->pool);
}

static void
begin(struct proxy *p)
{
	loop_init(&p->loop);
	p->done = (struct source){ collect, p };
	loop_watch(&p->loop, pool_fd(p->pool), EPOLLIN, &p->done);
	for (int i = 0; i < p->listeners.n; i++)
		p->entries[i] = (struct entry){ p, &p->listeners.v[i],
			{ entry_ready, &p->entries[i] } };
	p->tick = (struct alarm){ .ring = tick, .arg = p };
	tick(p);
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
	int64_t last = INT64_MAX;

	begin(p);
	while (!p->ending || p->first != NULL) {
		loop_turn(&p->loop);
		talks_clear(p);
		if (*again != 0) {
			*again = 0;
			certificate_again(p);
		}
		if (*stop != 0 && !p->ending) {
			begin_end(p);
			last = clock_steady_ms() + GRACE_MS;
		}
		if (clock_steady_ms() > last)
			each(p, drop_one, 0);
	}
	talks_clear(p);
	loop_clear(&p->loop);
}
