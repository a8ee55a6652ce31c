#include "db/reach.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/log.h"
#include "db/inside.h"

#define PATIENCE_MS 5000

/* What refusals mean; any other is one of the moment (too many connections,
 * starting up). */
static const struct {
	const char *sqlstate;
	enum db_reach reach;
} refusals[] = {
	{ "28000", DB_REFUSED }, /* no such role, pg_hba.conf, peer */
	{ "28P01", DB_REFUSED }, /* wrong password */
	{ "42501", DB_REFUSED }, /* no right to connect to this database */
	{ "3D000", DB_UNKNOWN },
};

static bool
wait_for(PGconn *conn, PostgresPollingStatusType what, int64_t end)
{
	struct pollfd p = { .fd = PQsocket(conn),
		.events = what == PGRES_POLLING_WRITING ? POLLOUT : POLLIN };
	int64_t left = end - clock_steady_ms();

	return left > 0 && poll(&p, 1, (int)left) > 0;
}

static bool
finish(PGconn *conn)
{
	int64_t end = clock_steady_ms() + PATIENCE_MS;
	PostgresPollingStatusType what = PGRES_POLLING_WRITING;

	while (what != PGRES_POLLING_OK && what != PGRES_POLLING_FAILED &&
	    wait_for(conn, what, end))
		what = PQconnectPoll(conn);
	return what == PGRES_POLLING_OK;
}

/* One try, whose complaint ends with what `verbosity` shows of it. */
static bool
attempt(const char *conninfo, PGVerbosity verbosity, char words[WORDS_SIZE])
{
	PGconn *conn = PQconnectStart(conninfo);
	bool ok;

	if (conn == NULL)
		die("out of memory");
	(void)PQsetErrorVerbosity(conn, verbosity);
	ok = PQstatus(conn) != CONNECTION_BAD && finish(conn);
	pq_words(conn, words);
	PQfinish(conn);
	return ok;
}

enum db_reach
db_reach(const char *conninfo, char *why, size_t size)
{
	char words[WORDS_SIZE];
	size_t n;

	/* In words for the reader, and by number for us: the words are in the
	 * server's language. */
	if (attempt(conninfo, PQERRORS_DEFAULT, words))
		return DB_REACHED;
	snprintf(why, size, "%s", words[0] != '\0' ? words : "no answer");
	if (attempt(conninfo, PQERRORS_SQLSTATE, words))
		return DB_REACHED;
	n = strlen(words);
	for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
		if (n >= 5 && strcmp(words + n - 5, refusals[i].sqlstate) == 0)
			return refusals[i].reach;
	return DB_AWAY;
}
