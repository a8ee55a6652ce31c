/* LISTEN, and waiting for a notification without sleeping. */
#include "db/inside.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "core/clock.h"

void
db_listen(struct db *db, const char *channel)
{
	assert(db->channels_n < LISTEN_CHANNELS && strlen(channel) < 64);
	assert(channel[strspn(channel, "abcdefghijklmnopqrstuvwxyz_")] == '\0');
	db->channels[db->channels_n++] = channel;
	/* An open connection does not listen yet: the next use opens anew. */
	if (db->conn != NULL && !db->in_tx && !db->piping)
		link_drop(db);
	db->missed = true;
}

static bool
notified(struct db *db)
{
	bool any = db->missed;
	PGnotify *n;

	db->missed = false;
	while ((n = PQnotifies(db->conn)) != NULL) {
		PQfreemem(n);
		any = true;
	}
	return any;
}

/* The time over, or what of the two sockets is readable. */
static int
wait_two(struct pollfd p[2], int ms)
{
	int n = poll(p, 2, ms > 0 ? ms : 0);

	return n < 0 && errno != EINTR ? 1 : n;
}

/* While the database is away, the other descriptor still counts. */
static enum rc
wait_away(struct db *db, int ms, int fd, enum rc why)
{
	struct pollfd p[2] = { { .fd = fd, .events = POLLIN }, { .fd = -1 } };
	int64_t left = db->not_before_ms - clock_steady_ms();

	(void)wait_two(p, left < ms ? (int)left : ms);
	return why;
}

enum rc
db_wait(struct db *db, int ms, int fd, enum db_event *event)
{
	struct pollfd p[2] = { { .fd = fd, .events = POLLIN },
		{ .events = POLLIN } };
	int64_t deadline = clock_steady_ms() + ms;
	enum rc rc = link_ensure(db);

	assert(!db->in_tx && !db->piping);
	*event = DB_TIMEOUT;
	if (rc != RC_OK)
		return wait_away(db, ms, fd, rc);
	for (;;) {
		if (notified(db)) {
			*event = DB_NOTIFIED;
			return RC_OK;
		}
		p[1].fd = PQsocket(db->conn);
		if (wait_two(p, (int)(deadline - clock_steady_ms())) <= 0)
			return RC_OK;
		if (p[0].revents != 0) {
			*event = DB_FD;
			return RC_OK;
		}
		if (!PQconsumeInput(db->conn))
			return link_broken(db);
	}
}
