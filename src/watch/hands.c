#include "watch/hands.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define HANDS_MOST   8
#define STATEMENT_MS 10000

struct queue {
	struct errand *first, **last;
};

struct hands {
	struct loop *loop;
	struct source source;
	int wake; /* an eventfd: something is done */
	pthread_mutex_t lock;
	struct queue waiting, done; /* under the lock */
	/* Likewise: who has nothing to do, the last to finish first: what its
	 * session at the database has planned is used again. */
	struct hand *idle;
	bool end; /* likewise */
	int busy; /* errands that are not done; likewise */
	int n;
	struct hand {
		struct hands *all;
		struct db *db;
		pthread_t thread;
		pthread_cond_t more;
		struct hand *next; /* that is idle, too */
		bool called;
	} v[HANDS_MOST];
};

static void
put(struct queue *q, struct errand *e)
{
	e->next = NULL;
	*q->last = e;
	q->last = &e->next;
}

static struct errand *
take(struct queue *q)
{
	struct errand *e = q->first;

	if (e == NULL)
		return NULL;
	q->first = e->next;
	if (q->first == NULL)
		q->last = &q->first;
	return e;
}

/* ---- threads ---- */

/* The lock is held. */
static void
wait_for_call(struct hand *hand)
{
	struct hands *h = hand->all;

	hand->next = h->idle;
	h->idle = hand;
	for (hand->called = false; !hand->called && !h->end;)
		pthread_cond_wait(&hand->more, &h->lock);
}

static void
call_one(struct hands *h)
{
	struct hand *hand = h->idle;

	if (hand == NULL)
		return;
	h->idle = hand->next;
	hand->called = true;
	pthread_cond_signal(&hand->more);
}

static struct errand *
next(struct hand *hand)
{
	struct hands *h = hand->all;
	struct errand *e = NULL;

	pthread_mutex_lock(&h->lock);
	while (!h->end && (e = take(&h->waiting)) == NULL)
		wait_for_call(hand);
	pthread_mutex_unlock(&h->lock);
	return e;
}

static void
finished(struct hands *h)
{
	pthread_mutex_lock(&h->lock);
	h->busy--;
	pthread_mutex_unlock(&h->lock);
}

static void *
work(void *arg)
{
	struct hand *hand = arg;
	struct errand *e;

	while ((e = next(hand)) != NULL) {
		e->run(e, hand->db);
		db_guard_none(hand->db);
		finished(hand->all);
		hands_post(hand->all, e);
	}
	return NULL;
}

void
hands_do(struct hands *h, struct errand *e)
{
	pthread_mutex_lock(&h->lock);
	put(&h->waiting, e);
	h->busy++;
	call_one(h);
	pthread_mutex_unlock(&h->lock);
}

bool
hands_idle(struct hands *h)
{
	bool idle;

	pthread_mutex_lock(&h->lock);
	idle = h->busy < h->n;
	pthread_mutex_unlock(&h->lock);
	return idle;
}

void
hands_post(struct hands *h, struct errand *e)
{
	const uint64_t one = 1;

	pthread_mutex_lock(&h->lock);
	put(&h->done, e);
	pthread_mutex_unlock(&h->lock);
	if (write(h->wake, &one, sizeof one) < 0 && errno != EAGAIN)
		die("eventfd: %s", strerror(errno));
}

/* ---- in the loop ---- */

static void
hear(void *arg, uint32_t events)
{
	struct hands *h = arg;
	struct errand *all, *e;
	uint64_t n;

	(void)events;
	if (read(h->wake, &n, sizeof n) < 0)
		return;
	pthread_mutex_lock(&h->lock);
	all = h->done.first;
	h->done = (struct queue){ NULL, &h->done.first };
	pthread_mutex_unlock(&h->lock);
	while ((e = all) != NULL) {
		all = e->next;
		e->done(e);
	}
}

/* Signals are for the loop. */
static void
start(struct hand *hand)
{
	sigset_t all, before;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&hand->thread, NULL, work, hand);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (error != 0)
		die("no thread: %s", strerror(error));
}

struct hands *
hands_new(struct loop *loop, int n, const char *conninfo, struct log log)
{
	struct hands *h = calloc(1, sizeof *h);

	if (h == NULL)
		die("out of memory");
	h->loop = loop;
	h->waiting.last = &h->waiting.first;
	h->done.last = &h->done.first;
	h->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (h->wake < 0)
		die("no eventfd: %s", strerror(errno));
	pthread_mutex_init(&h->lock, NULL);
	h->source = (struct source){ hear, h };
	loop_watch(loop, h->wake, EPOLLIN, &h->source);
	h->n = n < HANDS_MOST ? n : HANDS_MOST;
	for (int i = 0; i < h->n; i++) {
		h->v[i] =
		    (struct hand){ .all = h, .db = db_new(conninfo, log) };
		db_statement_limit(h->v[i].db, STATEMENT_MS);
		pthread_cond_init(&h->v[i].more, NULL);
		start(&h->v[i]);
	}
	return h;
}

void
hands_free(struct hands **hp)
{
	struct hands *h = *hp;

	if (h == NULL)
		return;
	pthread_mutex_lock(&h->lock);
	h->end = true;
	for (int i = 0; i < h->n; i++)
		pthread_cond_signal(&h->v[i].more);
	pthread_mutex_unlock(&h->lock);
	for (int i = 0; i < h->n; i++) {
		pthread_join(h->v[i].thread, NULL);
		pthread_cond_destroy(&h->v[i].more);
		db_free(&h->v[i].db);
	}
	loop_forget(h->loop, h->wake);
	close(h->wake);
	pthread_mutex_destroy(&h->lock);
	free(h);
	*hp = NULL;
}
