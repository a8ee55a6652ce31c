#include "db/migrate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/secret.h"
#include "core/text.h"
#include "db/inside.h"

/* One migrator at a time; any number will do that nobody else uses. */
#define LOCK_SQL "SELECT pg_advisory_lock(7236270108)"

/* Session settings: a DDL statement that waits for a lock makes everybody
 * behind it wait too, so it gives up soon; what it does may take long. */
static const char session_options[] =
    "-c search_path=letterrack -c TimeZone=UTC"
    " -c client_min_messages=warning -c lock_timeout=10s"
    " -c statement_timeout=0";

static const char ledger_sql[] =
    "CREATE SCHEMA IF NOT EXISTS letterrack;"
    "CREATE TABLE IF NOT EXISTS letterrack.migration ("
    " number integer PRIMARY KEY,"
    " name text NOT NULL,"
    " checksum text NOT NULL," /* SHA-256 of the file, hex */
    " applied_at timestamptz NOT NULL DEFAULT now())";

int
migration_last(void)
{
	return migrations[migrations_n - 1].number;
}

/* ---- talking to the server ---- */

static enum rc
lost(const struct migrate *m, PGconn *conn)
{
	char words[WORDS_SIZE];

	log_error(&m->log, "database is away: %s", pq_words(conn, words));
	return fail(RC_RETRY, "%s", words);
}

static enum rc
complain(PGconn *conn, const PGresult *res, const char *what)
{
	const char *words = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);
	char text[WORDS_SIZE];

	if (PQstatus(conn) == CONNECTION_BAD)
		return fail(RC_RETRY, "%s", pq_words(conn, text));
	return fail(RC_INVALID, "%s: %s", what,
	    words != NULL ? words : pq_words(conn, text));
}

static enum rc
run(PGconn *conn, const char *sql)
{
	PGresult *res = PQexec(conn, sql);
	ExecStatusType status = PQresultStatus(res);
	enum rc rc = RC_OK;

	if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
		rc = complain(conn, res, "migrate");
	PQclear(res);
	return rc;
}

static enum rc
run_params(PGconn *conn, const char *sql, int n, const char *const *values)
{
	PGresult *res = PQexecParams(conn, sql, n, NULL, values, NULL, NULL, 0);
	ExecStatusType status = PQresultStatus(res);
	enum rc rc = RC_OK;

	if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
		rc = complain(conn, res, "migrate");
	PQclear(res);
	return rc;
}

static void
on_notice(void *ctx, const PGresult *res)
{
	const struct migrate *m = ctx;

	log_info(&m->log, "migrate: %s",
	    PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY));
}

static enum rc
open_owner(const struct migrate *m, PGconn **out)
{
	static const char *const keys[] = { "dbname", "options",
		"application_name", "client_encoding", "connect_timeout",
		NULL };
	const char *values[] = { m->owner, session_options,
		"letterrackctl migrate", "UTF8", "5", NULL };

	/* dbname may be a whole connection string; what follows wins. */
	*out = PQconnectdbParams(keys, values, 1);
	if (*out == NULL)
		die("out of memory");
	if (PQstatus(*out) != CONNECTION_OK)
		return lost(m, *out);
	PQsetNoticeReceiver(*out, on_notice, (void *)(uintptr_t)m);
	return RC_OK;
}

/* ---- the ledger of what was applied ---- */

static void
checksum(const struct migration *one, char out[2 * SHA256_SIZE + 1])
{
	unsigned char sum[SHA256_SIZE];

	sha256(one->sql, strlen(one->sql), sum);
	hex_encode(sum, sizeof sum, out);
}

/* Row `i` of the ledger against the list. */
static enum rc
compare(const struct migrate *m, const PGresult *res, int i)
{
	char sum[2 * SHA256_SIZE + 1];
	int number = pq_number(res, i, 0);

	if ((size_t)i >= m->n)
		return fail(RC_CONFLICT,
		    "schema version %d, this program knows %d",
		    pq_number(res, PQntuples(res) - 1, 0),
		    m->n == 0 ? 0 : m->list[m->n - 1].number);
	if (number != m->list[i].number)
		return fail(RC_CONFLICT, "migration %d is missing in between",
		    m->list[i].number);
	checksum(&m->list[i], sum);
	if (strcmp(sum, PQgetvalue(res, i, 1)) != 0)
		return fail(RC_CONFLICT,
		    "%s.sql was changed after it had been applied",
		    m->list[i].name);
	return RC_OK;
}

/* How many are applied already. */
static enum rc
applied(const struct migrate *m, PGconn *conn, size_t *out)
{
	PGresult *res = PQexec(conn,
	    "SELECT number, checksum FROM letterrack.migration ORDER BY 1");
	enum rc rc = RC_OK;

	*out = 0;
	if (PQresultStatus(res) != PGRES_TUPLES_OK)
		rc = complain(conn, res, "letterrack.migration");
	for (int i = 0; rc == RC_OK && i < PQntuples(res); i++) {
		rc = compare(m, res, i);
		(*out)++;
	}
	PQclear(res);
	return rc;
}

/* A dry run on an empty database makes nothing, not even the ledger. */
static enum rc
has_ledger(PGconn *conn, bool *out)
{
	PGresult *res =
	    PQexec(conn, "SELECT to_regclass('letterrack.migration') IS NULL");
	enum rc rc = RC_OK;

	*out = false;
	if (PQresultStatus(res) != PGRES_TUPLES_OK)
		rc = complain(conn, res, "migrate");
	else
		*out = *PQgetvalue(res, 0, 0) == 'f';
	PQclear(res);
	return rc;
}

/* ---- applying ---- */

static unsigned
line_at(const char *sql, const char *position)
{
	unsigned line = 1;
	long at = position != NULL ? strtol(position, NULL, 10) : 1;

	/* In characters from 1: continuation bytes do not count. */
	for (const char *p = sql; *p != '\0' && at > 1; p++) {
		if (((unsigned char)p[1] & 0xC0) != 0x80)
			at--;
		line += *p == '\n';
	}
	return line;
}

static enum rc
fail_at(PGconn *conn, const struct migration *one, const PGresult *res)
{
	char where[160];

	snprintf(where, sizeof where, "%s.sql:%u", one->name,
	    line_at(
		one->sql, PQresultErrorField(res, PG_DIAG_STATEMENT_POSITION)));
	return complain(conn, res, where);
}

/* All statements of the file, by the simple protocol. */
static enum rc
run_file(PGconn *conn, const struct migration *one)
{
	PGresult *res = PQexec(conn, one->sql);
	ExecStatusType status = PQresultStatus(res);
	enum rc rc = RC_OK;

	if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK &&
	    status != PGRES_EMPTY_QUERY)
		rc = fail_at(conn, one, res);
	else if (PQtransactionStatus(conn) != PQTRANS_INTRANS)
		rc = fail(RC_INVALID,
		    "%s.sql: a migration leaves its transaction alone",
		    one->name);
	PQclear(res);
	return rc;
}

static enum rc
record(PGconn *conn, const struct migration *one)
{
	char number[16], sum[2 * SHA256_SIZE + 1];
	const char *values[] = { number, one->name, sum };

	snprintf(number, sizeof number, "%d", one->number);
	checksum(one, sum);
	return run_params(conn,
	    "INSERT INTO letterrack.migration (number, name, checksum)"
	    " VALUES ($1, $2, $3)",
	    3, values);
}

static enum rc
apply(PGconn *conn, const struct migration *one)
{
	TRY(run(conn, "BEGIN"));
	TRY(run_file(conn, one));
	TRY(record(conn, one));
	return run(conn, "COMMIT");
}

static enum rc
apply_from(const struct migrate *m, PGconn *conn, size_t first)
{
	for (size_t i = first; i < m->n; i++) {
		if (m->tell != NULL)
			m->tell(&m->list[i]);
		if (!m->dry_run)
			TRY(apply(conn, &m->list[i]));
	}
	return RC_OK;
}

static enum rc
migrate_on(const struct migrate *m, PGconn *conn)
{
	size_t first = 0;
	bool ledger = true;

	TRY(run(conn, LOCK_SQL));
	if (m->dry_run)
		TRY(has_ledger(conn, &ledger));
	else
		TRY(run(conn, ledger_sql));
	if (ledger)
		TRY(applied(m, conn, &first));
	TRY(apply_from(m, conn, first));
	if (m->dry_run || m->program == NULL)
		return RC_OK;
	return run_params(
	    conn, "SELECT letterrack.grant_to($1)", 1, &m->program);
}

enum rc
migrate_run(const struct migrate *m)
{
	PGconn *conn;
	enum rc rc = open_owner(m, &conn);

	if (rc == RC_OK)
		rc = migrate_on(m, conn);
	/* Ends what is open, and gives the lock back. */
	PQfinish(conn);
	return rc;
}

enum rc
conninfo_user(const char *conninfo, char out[64])
{
	char *why = NULL;
	PQconninfoOption *given = PQconninfoParse(conninfo, &why);
	enum rc rc = fail(RC_INVALID, "the connection names no user");

	if (given == NULL) {
		rc = fail(RC_INVALID, "%s", why != NULL ? why : "no memory");
		PQfreemem(why);
		return rc;
	}
	for (PQconninfoOption *o = given; o->keyword != NULL; o++) {
		if (strcmp(o->keyword, "user") != 0 || o->val == NULL)
			continue;
		size_t n = strlen(o->val);
		if (n > 0 && n < 64) {
			memcpy(out, o->val, n + 1);
			rc = RC_OK;
		}
	}
	PQconninfoFree(given);
	return rc;
}
