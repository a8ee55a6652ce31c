#include "watch/follow.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define CHANNEL      "letterrack_watch"
#define ROUND_MS     1000
#define STATEMENT_MS 5000
#define ARENA_MOST   ((size_t)64 << 20)

struct follow {
	struct follow_how how;
	struct db *db;
	pthread_t thread;
	int stop; /* an eventfd */
	atomic_bool end;
	/* One answer at a time. */
	struct errand errand;
	atomic_bool given; /* and the loop has not taken it yet */
	struct arena *arena;
	struct watcher_own_list list;
};

/* In the loop. */
static void
taken(struct errand *e)
{
	struct follow *f =
	    (struct follow *)((char *)e - offsetof(struct follow, errand));

	f->how.take(f->how.arg, &f->list);
	atomic_store(&f->given, false);
}

static void
ask(struct follow *f)
{
	enum rc rc;

	if (atomic_load(&f->given))
		return;
	arena_reset(f->arena);
	rc = watcher_follow(f->db, f->how.worker, WATCHER_LEASE_S,
	    (int32_t)f->how.most, f->arena, &f->list);
	if (rc != RC_OK) {
		log_debug(&f->how.log, "nothing to follow code=%s: %s",
		    result_code(rc), fail_detail());
		return;
	}
	atomic_store(&f->given, true);
	hands_post(f->how.hands, &f->errand);
}

static void *
work(void *arg)
{
	struct follow *f = arg;
	enum db_event event;

	db_listen(f->db, CHANNEL);
	db_guard_none(f->db);
	while (!atomic_load(&f->end)) {
		ask(f);
		if (db_wait(f->db, ROUND_MS, f->stop, &event) != RC_OK)
			log_debug(&f->how.log, "waiting for the database");
	}
	return NULL;
}

struct follow *
follow_new(const struct follow_how *how)
{
	struct follow *f = calloc(1, sizeof *f);
	sigset_t all, before;
	int error;

	if (f == NULL)
		die("out of memory");
	f->how = *how;
	f->errand.done = taken;
	f->arena = arena_new(ARENA_MOST);
	f->db = db_new(how->conninfo, how->log);
	db_statement_limit(f->db, STATEMENT_MS);
	f->stop = eventfd(0, EFD_CLOEXEC);
	if (f->stop < 0)
		die("no eventfd: %s", strerror(errno));
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&f->thread, NULL, work, f);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (error != 0)
		die("no thread: %s", strerror(error));
	return f;
}

void
follow_stop(struct follow *f)
{
	const uint64_t one = 1;

	atomic_store(&f->end, true);
	if (write(f->stop, &one, sizeof one) < 0)
		die("eventfd: %s", strerror(errno));
	pthread_join(f->thread, NULL);
}

static void
leave(struct follow *f)
{
	int64_t n = 0;

	db_guard_none(f->db);
	if (watcher_leave(f->db, f->how.worker, &n) != RC_OK)
		log_warn(&f->how.log, "others will take over later: %s",
		    fail_detail());
}

void
follow_free(struct follow **fp)
{
	struct follow *f = *fp;

	if (f == NULL)
		return;
	leave(f);
	db_free(&f->db);
	arena_free(&f->arena);
	close(f->stop);
	free(f);
	*fp = NULL;
}
