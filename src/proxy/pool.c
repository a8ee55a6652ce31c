#include "proxy/pool.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define STATEMENT_MS 15000
/* As many as a host hashes passwords at a time. */
#define DOOR_HANDS PASSWORD_SLOTS
/* How long a hand waits for those whom it has just answered: they say their
 * next message, and one flush of the disk is for all. */
#define GATHER_NS 3000000

struct queue {
	struct work *first, **last;
};

struct lane_queue {
	struct queue waiting;
	pthread_cond_t come;
};

struct worker {
	struct pool *pool;
	enum lane lane;
	uint64_t group; /* of what it is at */
	size_t had;     /* works of it, the last time */
	pthread_t thread;
	struct hand hand;
};

struct pool {
	pthread_mutex_t lock;
	struct lane_queue lanes[LANE_COUNT];
	struct queue done;
	pthread_cond_t more; /* has come, for who gathers */
	bool ending;
	int fd;
	struct worker *workers; /* owned */
	size_t n;
};

static void
queue_init(struct queue *q)
{
	q->first = NULL;
	q->last = &q->first;
}

static void
queue_add(struct queue *q, struct work *w)
{
	w->next = NULL;
	*q->last = w;
	q->last = &w->next;
}

static struct work *
queue_take(struct queue *q)
{
	struct work *w = q->first;

	if (w == NULL)
		return NULL;
	q->first = w->next;
	if (q->first == NULL)
		q->last = &q->first;
	return w;
}

/* ---- groups ---- */

static bool
is_under_way(const struct pool *p, uint64_t group)
{
	for (size_t i = 0; group != 0 && i < p->n; i++)
		if (p->workers[i].group == group)
			return true;
	return false;
}

static struct work *
unlink_next(struct queue *q, struct work **at)
{
	struct work *w = *at;

	*at = w->next;
	if (w->next == NULL)
		q->last = at;
	w->next = NULL;
	return w;
}

/* The first that nobody is in the way of, with others of its group. */
static struct work *
works_take(struct worker *w)
{
	struct queue *q = &w->pool->lanes[w->lane].waiting;
	struct work **at = &q->first, *first = NULL, **last = &first;

	w->had = 0;
	while (*at != NULL && w->had < WORKS_TOGETHER) {
		bool is = first == NULL ? !is_under_way(w->pool, (*at)->group)
					: (*at)->group == w->group;

		if (!is) {
			at = &(*at)->next;
			continue;
		}
		*last = unlink_next(q, at);
		w->group = first->group;
		last = &(*last)->next;
		w->had++;
		if (first->group == 0)
			break;
	}
	return first;
}

static size_t
waiting_of(const struct worker *w)
{
	size_t n = 0;

	for (const struct work *x = w->pool->lanes[w->lane].waiting.first;
	     x != NULL; x = x->next)
		n += x->group == w->group;
	return n;
}

/* What came while a batch was at the disk is half of what is on its way: the
 * clients of that batch say their next message now. */
static void
gather(struct worker *w)
{
	struct pool *p = w->pool;
	size_t waiting = w->group != 0 ? waiting_of(w) : 0;
	size_t all = waiting + w->had;
	struct timespec until;
	int rc = 0;

	if (waiting == 0 || all < 3)
		return;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += GATHER_NS;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	while (rc == 0 && !p->ending && waiting_of(w) < all)
		rc = pthread_cond_timedwait(&p->more, &p->lock, &until);
}

/* Its group is free for others. */
static void
leave_group(struct worker *w)
{
	struct lane_queue *lane = &w->pool->lanes[w->lane];

	w->group = 0;
	if (lane->waiting.first != NULL)
		pthread_cond_signal(&lane->come);
}

/* ---- in the threads ---- */

static void
hand_open(struct worker *w)
{
	const struct conf *c = w->hand.conf;
	const struct log log = { .who = "smtpd" };

	w->hand.db = db_new(c->database, log);
	w->hand.door = db_new(
	    *c->database_auth != '\0' ? c->database_auth : c->database, log);
	db_statement_limit(w->hand.db, STATEMENT_MS);
	db_statement_limit(w->hand.door, STATEMENT_MS);
	if (w->lane != LANE_DOOR)
		return;
	w->hand.gated = password_gate_open(c->run_dir, &w->hand.gate) == RC_OK;
	if (!w->hand.gated)
		log_error(NULL, "nobody can sign in: %s", fail_detail());
	if (rate_open(c->run_dir, &w->hand.rates) != RC_OK)
		log_error(NULL, "no rate limits: %s", fail_detail());
}

static void
hand_close(struct hand *h)
{
	db_free(&h->db);
	db_free(&h->door);
	if (h->gated)
		password_gate_close(&h->gate);
	rate_close(&h->rates);
}

static struct work *
wait_for_work(struct worker *w)
{
	struct pool *p = w->pool;
	struct lane_queue *lane = &p->lanes[w->lane];
	struct work *work;

	pthread_mutex_lock(&p->lock);
	gather(w);
	leave_group(w);
	while ((work = works_take(w)) == NULL && !p->ending)
		pthread_cond_wait(&lane->come, &p->lock);
	pthread_mutex_unlock(&p->lock);
	return work;
}

static void
give_back(struct worker *w, struct work *work)
{
	struct pool *p = w->pool;
	const uint64_t one = 1;

	pthread_mutex_lock(&p->lock);
	for (struct work *next; work != NULL; work = next) {
		next = work->next;
		queue_add(&p->done, work);
	}
	pthread_mutex_unlock(&p->lock);
	if (write(p->fd, &one, sizeof one) != sizeof one)
		log_error(NULL, "the loop cannot be woken");
}

static void *
labour(void *arg)
{
	struct worker *w = arg;
	struct work *work;

	hand_open(w);
	while ((work = wait_for_work(w)) != NULL) {
		work->run(work, &w->hand);
		give_back(w, work);
	}
	hand_close(&w->hand);
	return NULL;
}

/* ---- in the loop ---- */

/* Signals are the loop's. */
static void
worker_start(struct pool *p, const struct conf *conf, enum lane lane)
{
	struct worker *w = &p->workers[p->n++];
	sigset_t all, before;

	*w = (struct worker){ .pool = p, .lane = lane, .hand.conf = conf };
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	if (pthread_create(&w->thread, NULL, labour, w) != 0)
		die("no thread can be made");
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

struct pool *
pool_new(const struct conf *conf)
{
	struct pool *p = calloc(1, sizeof *p);
	size_t mail = (size_t)conf->smtp_workers;
	pthread_condattr_t steady;

	if (p == NULL)
		die("out of memory");
	pthread_mutex_init(&p->lock, NULL);
	pthread_condattr_init(&steady);
	pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
	pthread_cond_init(&p->more, &steady);
	queue_init(&p->done);
	for (int i = 0; i < LANE_COUNT; i++) {
		queue_init(&p->lanes[i].waiting);
		pthread_cond_init(&p->lanes[i].come, NULL);
	}
	p->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	p->workers = calloc(mail + DOOR_HANDS, sizeof *p->workers);
	if (p->fd < 0 || p->workers == NULL)
		die("out of memory");
	while (p->n < mail)
		worker_start(p, conf, LANE_MAIL);
	while (p->n < mail + DOOR_HANDS)
		worker_start(p, conf, LANE_DOOR);
	return p;
}

void
pool_free(struct pool **pp)
{
	struct pool *p = *pp;

	pthread_mutex_lock(&p->lock);
	p->ending = true;
	for (int i = 0; i < LANE_COUNT; i++)
		pthread_cond_broadcast(&p->lanes[i].come);
	pthread_cond_broadcast(&p->more);
	pthread_mutex_unlock(&p->lock);
	for (size_t i = 0; i < p->n; i++)
		pthread_join(p->workers[i].thread, NULL);
	pool_collect(p);
	close(p->fd);
	free(p->workers);
	free(p);
	*pp = NULL;
}

void
pool_put(struct pool *p, enum lane lane, struct work *work)
{
	pthread_mutex_lock(&p->lock);
	queue_add(&p->lanes[lane].waiting, work);
	pthread_cond_signal(&p->lanes[lane].come);
	pthread_cond_broadcast(&p->more);
	pthread_mutex_unlock(&p->lock);
}

int
pool_fd(const struct pool *p)
{
	return p->fd;
}

static struct work *
done_take(struct pool *p)
{
	struct work *work;

	pthread_mutex_lock(&p->lock);
	work = queue_take(&p->done);
	pthread_mutex_unlock(&p->lock);
	return work;
}

void
pool_collect(struct pool *p)
{
	struct work *work;
	uint64_t count;

	if (read(p->fd, &count, sizeof count) < 0)
		count = 0;
	while ((work = done_take(p)) != NULL)
		work->done(work);
}
