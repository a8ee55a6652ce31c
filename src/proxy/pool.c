#include "proxy/pool.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define STATEMENT_MS 15000
/* As many as a host hashes passwords at a time. */
#define DOOR_HANDS PASSWORD_SLOTS

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
	pthread_t thread;
	struct hand hand;
};

struct pool {
	pthread_mutex_t lock;
	struct lane_queue lanes[LANE_COUNT];
	struct queue done;
	bool ending;
	int fd;
	struct worker *workers; /* owned */
	size_t n;
	long under_way; /* the loop's */
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
	while ((work = queue_take(&lane->waiting)) == NULL && !p->ending)
		pthread_cond_wait(&lane->come, &p->lock);
	pthread_mutex_unlock(&p->lock);
	return work;
}

static void
give_back(struct pool *p, struct work *work)
{
	const uint64_t one = 1;

	pthread_mutex_lock(&p->lock);
	queue_add(&p->done, work);
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
		give_back(w->pool, work);
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

	if (p == NULL)
		die("out of memory");
	pthread_mutex_init(&p->lock, NULL);
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
	p->under_way++;
	pthread_mutex_lock(&p->lock);
	queue_add(&p->lanes[lane].waiting, work);
	pthread_cond_signal(&p->lanes[lane].come);
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
	while ((work = done_take(p)) != NULL) {
		p->under_way--;
		work->done(work);
	}
}

bool
pool_busy(const struct pool *p)
{
	return p->under_way > 0;
}
