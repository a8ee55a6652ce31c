/* The connection: opening, losing, waiting. */
#include "db/inside.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/clock.h"
#include "db/migrate.h"

#define OPEN_SECONDS   "2"
#define STATEMENT_MS   10000
#define GRACE_MS       2000 /* beyond the statement limit, for the way */
#define IDLE_TX_MS     30000
#define PAUSE_LEAST_MS 50
#define PAUSE_MOST_MS  1000
#define ARGS_BYTES     ((size_t)256 << 20)
#define ARGS_KEEP      ((size_t)256 << 10)
#define KEYWORDS_MOST  64

const char pipe_unknown[] = DB_OUTCOME_UNKNOWN;
static const char away_words[] = "the database is away";

struct db *
db_new(const char *conninfo, struct log log)
{
	struct db *db = calloc(1, sizeof *db);

	if (db == NULL || (db->conninfo = strdup(conninfo)) == NULL)
		die("out of memory");
	db->log = log;
	db->statement_ms = STATEMENT_MS;
	db->told_schema = -1;
	buf_init(&db->args, ARGS_BYTES);
	buf_init(&db->guard_buf, ARGS_KEEP);
	return db;
}

void
db_free(struct db **db)
{
	if (*db == NULL)
		return;
	link_drop(*db);
	buf_clear(&(*db)->args);
	buf_clear(&(*db)->guard_buf);
	free((*db)->queue);
	free((*db)->prepared);
	free((*db)->conninfo);
	free(*db);
	*db = NULL;
}

void
db_log(struct db *db, struct log log)
{
	db->log = log;
}

void
db_statement_limit(struct db *db, int ms)
{
	assert(db->conn == NULL && ms > 0);
	db->statement_ms = ms;
}

int
db_backend(const struct db *db)
{
	return db->conn != NULL ? PQbackendPID(db->conn) : 0;
}

/* ---- waiting ---- */

/* Until the socket is readable (or writable, where bytes wait to be sent).
 * False: the time is over. */
static bool
wait_socket(struct db *db, bool writing, int64_t deadline)
{
	struct pollfd p = { .fd = PQsocket(db->conn),
		.events = writing ? POLLIN | POLLOUT : POLLIN };

	for (;;) {
		int64_t left = deadline - clock_steady_ms();
		int n = poll(&p, 1, left > 0 ? (int)left : 0);

		if (n > 0 || (n < 0 && errno != EINTR))
			return true; /* an error shows when it is read */
		if (n == 0 && left <= 0)
			return false;
	}
}

enum rc
link_flush(struct db *db)
{
	int64_t deadline = clock_steady_ms() + db->statement_ms + GRACE_MS;
	int unsent;

	while ((unsent = PQflush(db->conn)) > 0) {
		if (!wait_socket(db, true, deadline))
			return link_lost(db, "not taken in time");
		if (!PQconsumeInput(db->conn))
			return link_broken(db);
	}
	return unsent < 0 ? link_broken(db) : RC_OK;
}

enum rc
link_result(struct db *db, PGresult **out)
{
	int64_t deadline = clock_steady_ms() + db->statement_ms + GRACE_MS;
	int unsent;

	*out = NULL;
	while ((unsent = PQflush(db->conn)) > 0 || PQisBusy(db->conn)) {
		if (!wait_socket(db, unsent > 0, deadline))
			return link_lost(db, "no answer in time");
		if (!PQconsumeInput(db->conn))
			return link_broken(db);
	}
	if (unsent < 0)
		return link_broken(db);
	*out = PQgetResult(db->conn);
	return RC_OK;
}

/* ---- losing ---- */

void
link_drop(struct db *db)
{
	pipe_forget(db);
	prepared_clear(db);
	if (db->conn != NULL)
		PQfinish(db->conn);
	db->conn = NULL;
	db->tx_broken = db->in_tx;
	if (db->channels_n > 0)
		db->missed = true;
}

enum rc
link_lost(struct db *db, const char *why)
{
	bool unknown = (db->started && !db->in_tx) || db->committing;

	log_warn(&db->log, "database connection lost: %s", why);
	link_drop(db);
	return fail(RC_RETRY, "%s", unknown ? pipe_unknown : away_words);
}

enum rc
link_broken(struct db *db)
{
	char words[WORDS_SIZE];

	return link_lost(db, pq_words(db->conn, words));
}

/* ---- opening ---- */

struct keywords {
	const char *keys[KEYWORDS_MOST + 1];
	const char *values[KEYWORDS_MOST + 1];
	size_t n;
};

static void
keyword(struct keywords *k, const char *key, const char *value)
{
	assert(k->n < KEYWORDS_MOST);
	k->keys[k->n] = key;
	k->values[k->n] = value;
	k->n++;
}

/* What the operator wrote, and behind it, so that it wins, what we need. */
static void
keywords_fill(struct keywords *k, const PQconninfoOption *given,
    const char *options, const char *program)
{
	for (const PQconninfoOption *o = given; o->keyword != NULL; o++) {
		if (o->val != NULL && strcmp(o->keyword, "options") != 0)
			keyword(k, o->keyword, o->val);
	}
	keyword(k, "options", options);
	keyword(k, "application_name", program);
	keyword(k, "client_encoding", "UTF8");
	keyword(k, "connect_timeout", OPEN_SECONDS);
	keyword(k, "tcp_user_timeout", "10000");
	keyword(k, "keepalives_idle", "30");
	keyword(k, "keepalives_interval", "5");
	keyword(k, "keepalives_count", "3");
	k->keys[k->n] = NULL;
	k->values[k->n] = NULL;
}

static const char *
option_given(const PQconninfoOption *given, const char *key)
{
	for (const PQconninfoOption *o = given; o->keyword != NULL; o++) {
		if (o->val != NULL && strcmp(o->keyword, key) == 0)
			return o->val;
	}
	return "";
}

static PGconn *
connect_with(struct db *db, const PQconninfoOption *given)
{
	struct keywords k = { .n = 0 };
	struct buf options;
	PGconn *conn;

	buf_init(&options, 8192);
	buf_fmt(&options,
	    "%s -c search_path=letterrack -c TimeZone=UTC"
	    " -c plan_cache_mode=force_generic_plan -c jit=off"
	    " -c statement_timeout=%d"
	    " -c idle_in_transaction_session_timeout=%d",
	    option_given(given, "options"), db->statement_ms, IDLE_TX_MS);
	keywords_fill(&k, given, buf_text(&options),
	    db->log.who != NULL ? db->log.who : "letterrack");
	conn = PQconnectdbParams(k.keys, k.values, 0);
	buf_clear(&options);
	if (conn == NULL)
		die("out of memory");
	return conn;
}

/* Notices are for people at a terminal. */
static void
no_notice(void *ctx, const PGresult *res)
{
	(void)ctx;
	(void)res;
}

static enum rc
away(struct db *db, const char *why)
{
	if (!db->told_away)
		log_error(&db->log, "database is away: %s", why);
	db->told_away = true;
	return fail(RC_RETRY, "%s", away_words);
}

static enum rc
connect_now(struct db *db)
{
	char words[WORDS_SIZE];
	char *why = NULL;
	PQconninfoOption *given = PQconninfoParse(db->conninfo, &why);
	enum rc rc = RC_OK;

	if (given == NULL) {
		rc = away(db, why != NULL ? why : "out of memory");
		PQfreemem(why);
		return rc;
	}
	db->conn = connect_with(db, given);
	PQconninfoFree(given);
	if (PQstatus(db->conn) != CONNECTION_OK) {
		rc = away(db, pq_words(db->conn, words));
		link_drop(db);
		return rc;
	}
	PQsetNoticeReceiver(db->conn, no_notice, NULL);
	if (PQsetnonblocking(db->conn, 1) != 0)
		die("database: cannot become non-blocking");
	return RC_OK;
}

/* A plain query on a connection that is not yet in pipeline mode. */
static enum rc
query_plain(struct db *db, const char *sql, PGresult **out)
{
	PGresult *more = NULL;
	enum rc rc;

	*out = NULL;
	if (!PQsendQuery(db->conn, sql))
		return link_broken(db);
	rc = link_result(db, out);
	while (rc == RC_OK && *out != NULL) {
		rc = link_result(db, &more);
		if (more == NULL)
			break;
		PQclear(more);
	}
	if (rc == RC_OK && PQstatus(db->conn) == CONNECTION_BAD)
		rc = link_broken(db);
	if (rc != RC_OK) {
		PQclear(*out);
		*out = NULL;
	}
	return rc;
}

/* The schema's version; 0 where there is none. */
static enum rc
schema_version(struct db *db, int *out)
{
	PGresult *res = NULL;
	ExecStatusType status;

	TRY(query_plain(db,
	    "SELECT coalesce(max(number), 0) FROM letterrack.migration", &res));
	status = PQresultStatus(res);
	*out = status == PGRES_TUPLES_OK ? pq_number(res, 0, 0) : 0;
	if (status != PGRES_TUPLES_OK)
		log_warn(&db->log, "schema version unreadable: %s",
		    PQresultErrorMessage(res));
	PQclear(res);
	return RC_OK;
}

static enum rc
schema_check(struct db *db)
{
	int known = migration_last(), version;

	TRY(schema_version(db, &version));
	if (version == known)
		return RC_OK;
	if (db->told_schema != version)
		log_error(&db->log, "schema version %d, this program knows %d",
		    version, known);
	db->told_schema = version;
	link_drop(db);
	return fail(RC_RETRY, "schema version %d, this program knows %d",
	    version, known);
}

static enum rc
listen_all(struct db *db)
{
	for (size_t i = 0; i < db->channels_n; i++) {
		char sql[80];
		PGresult *res = NULL;

		snprintf(sql, sizeof sql, "LISTEN %s", db->channels[i]);
		TRY(query_plain(db, sql, &res));
		PQclear(res);
	}
	return RC_OK;
}

static enum rc
open_now(struct db *db)
{
	TRY(connect_now(db));
	TRY(schema_check(db));
	TRY(listen_all(db));
	if (!PQenterPipelineMode(db->conn))
		return link_broken(db);
	if (db->told_away)
		log_info(&db->log, "database is back");
	db->told_away = false;
	db->told_schema = -1;
	return RC_OK;
}

/* Has the server hung up while nothing was asked? Then nothing is lost by
 * opening anew at once. Its last words may stand before the end, and so may
 * notifications: what more than a few reads find is looked at later. */
static void
drop_if_hung_up(struct db *db)
{
	struct pollfd p = { .fd = PQsocket(db->conn), .events = POLLIN };

	for (int i = 0; i < 8 && poll(&p, 1, 0) > 0; i++) {
		if (PQconsumeInput(db->conn) &&
		    PQstatus(db->conn) == CONNECTION_OK)
			continue;
		log_info(&db->log, "database connection was closed");
		link_drop(db);
		return;
	}
}

/* The first failure is told at once and the next tries are spaced, so that
 * requests fail quickly while the server is away. */
enum rc
link_ensure(struct db *db)
{
	enum rc rc;

	if (db->conn != NULL && !db->in_tx)
		drop_if_hung_up(db);
	if (db->conn != NULL)
		return RC_OK;
	if (db->in_tx)
		return fail(RC_RETRY, "%s", away_words);
	if (clock_steady_ms() < db->not_before_ms)
		return fail(RC_RETRY, "%s", away_words);
	rc = open_now(db);
	if (rc == RC_OK) {
		db->pause_ms = 0;
		return RC_OK;
	}
	db->pause_ms = db->pause_ms == 0 ? PAUSE_LEAST_MS : db->pause_ms * 2;
	if (db->pause_ms > PAUSE_MOST_MS)
		db->pause_ms = PAUSE_MOST_MS;
	db->not_before_ms = clock_steady_ms() + db->pause_ms;
	return rc;
}

enum rc
db_open(struct db *db)
{
	return link_ensure(db);
}

/* ---- statements that this connection knows ---- */

static size_t
slot_of(const struct db *db, const struct stmt *stmt)
{
	size_t mask = db->prepared_cap - 1;
	size_t i = ((uintptr_t)stmt >> 4) * 0x9E3779B97F4A7C15u >> 32 & mask;

	while (db->prepared[i].stmt != NULL && db->prepared[i].stmt != stmt)
		i = (i + 1) & mask;
	return i;
}

static void
grow(struct db *db)
{
	struct prepared *old = db->prepared;
	size_t cap = db->prepared_cap;

	db->prepared_cap = cap == 0 ? 64 : cap * 2;
	db->prepared = calloc(db->prepared_cap, sizeof *db->prepared);
	if (db->prepared == NULL)
		die("out of memory");
	for (size_t i = 0; i < cap; i++) {
		if (old[i].stmt != NULL)
			db->prepared[slot_of(db, old[i].stmt)] = old[i];
	}
	free(old);
}

struct prepared *
prepared_find(struct db *db, const struct stmt *stmt)
{
	struct prepared *p;

	if (db->prepared_n * 2 >= db->prepared_cap)
		grow(db);
	p = &db->prepared[slot_of(db, stmt)];
	if (p->stmt == NULL) {
		p->stmt = stmt;
		db->prepared_n++;
	}
	return p;
}

void
prepared_clear(struct db *db)
{
	for (size_t i = 0; i < db->prepared_cap; i++)
		decode_free(&db->prepared[i].decode);
	if (db->prepared != NULL)
		memset(
		    db->prepared, 0, db->prepared_cap * sizeof *db->prepared);
	db->prepared_n = 0;
	buf_shrink(&db->args, ARGS_KEEP);
}
