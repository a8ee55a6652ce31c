#include "proxy/beat.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/log.h"
#include "domain/smtp-server-sql.h"

#define PAUSE_S     5
#define DATABASE_MS 5000

struct beat {
	const struct proxy *p;
	struct db *db;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t end_asked;
	bool ending;
	char host[256];
	/* Where it listens, kept here: the loop closes its own. */
	struct listeners at;
	instant checked[LISTENERS_MOST];
	bool lost; /* the last one could not be told */
};

/* ---- looking ---- */

/* Any greeting will do: one that is full greets, too. */
static bool
answers(const struct listener *l)
{
	char text[4];
	int fd = listener_call(l);
	bool yes;

	if (fd < 0)
		return false;
	yes = recv(fd, text, 3, MSG_WAITALL) == 3 &&
	    (memcmp(text, "220", 3) == 0 || memcmp(text, "421", 3) == 0);
	(void)!send(fd, "QUIT\r\n", 6, MSG_NOSIGNAL);
	shutdown(fd, SHUT_WR);
	close(fd);
	return yes;
}

static enum rc
tell(struct beat *b, int i)
{
	const struct listener *l = &b->at.v[i];
	const struct counts *c = &b->p->counts;

	return smtp_server_beat(b->db,
	    &(struct smtp_server_beat_args){ .host = b->host,
		.address = l->address,
		.port = l->port,
		.started = b->p->started,
		.checked = b->checked[i],
		.sessions = c->talks,
		.taken = c->taken,
		.held = c->held,
		.refused = c->refused },
	    NULL);
}

static void
look(struct beat *b)
{
	enum rc rc = RC_OK;

	for (int i = 0; i < b->at.n && rc == RC_OK; i++) {
		b->checked[i] =
		    answers(&b->at.v[i]) ? clock_now() : INSTANT_NONE;
		rc = tell(b, i);
	}
	if (rc != RC_OK && !b->lost)
		log_warn(
		    &b->p->log, "heartbeat is not told: %s", fail_detail());
	b->lost = rc != RC_OK;
}

/* ---- the thread ---- */

/* False: it is to end. */
static bool
wait_a_while(struct beat *b)
{
	struct timespec until;
	int rc = 0;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += PAUSE_S;
	pthread_mutex_lock(&b->lock);
	while (!b->ending && rc == 0)
		rc = pthread_cond_timedwait(&b->end_asked, &b->lock, &until);
	pthread_mutex_unlock(&b->lock);
	return !b->ending;
}

static void *
run(void *arg)
{
	struct beat *b = arg;

	b->db = db_new(b->p->conf->database, b->p->log);
	db_statement_limit(b->db, DATABASE_MS);
	db_guard_none(b->db);
	do
		look(b);
	while (wait_a_while(b));
	for (int i = 0; i < b->at.n; i++)
		if (smtp_server_end(b->db, b->host, b->at.v[i].address,
			b->at.v[i].port, NULL) != RC_OK)
			break;
	db_free(&b->db);
	return NULL;
}

struct beat *
beat_begin(const struct proxy *p)
{
	struct beat *b = calloc(1, sizeof *b);
	sigset_t all, before;

	if (b == NULL)
		die("out of memory");
	b->p = p;
	b->at = p->listeners;
	gethostname(b->host, sizeof b->host - 1);
	pthread_mutex_init(&b->lock, NULL);
	pthread_cond_init(&b->end_asked, NULL);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	if (pthread_create(&b->thread, NULL, run, b) != 0)
		die("no thread can be made");
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return b;
}

void
beat_end(struct beat **pb)
{
	struct beat *b = *pb;

	pthread_mutex_lock(&b->lock);
	b->ending = true;
	pthread_cond_signal(&b->end_asked);
	pthread_mutex_unlock(&b->lock);
	pthread_join(b->thread, NULL);
	free(b);
	*pb = NULL;
}
