/* What PostgreSQL's error codes mean to us. */
#include "db/inside.h"

#include <string.h>

/* The longest prefix that fits decides. Class LR is our own: functions of the
 * schema raise it (ERRCODE 'LR403'), and their sentence is for the caller. */
static const struct {
	const char *prefix;
	enum rc rc;
	enum log_level level;
} states[] = {
	{ "LR401", RC_UNAUTHORIZED, LOG_DEBUG_ },
	{ "LR402", RC_PLAN_LIMIT, LOG_DEBUG_ },
	{ "LR403", RC_FORBIDDEN, LOG_DEBUG_ },
	{ "LR404", RC_NOT_FOUND, LOG_DEBUG_ },
	{ "LR409", RC_CONFLICT, LOG_DEBUG_ },
	{ "LR410", RC_STALE, LOG_DEBUG_ },
	{ "LR412", RC_PRECONDITION, LOG_DEBUG_ },
	{ "LR422", RC_INVALID, LOG_DEBUG_ },
	{ "LR429", RC_RATE_LIMIT, LOG_DEBUG_ },
	{ "LR503", RC_RETRY, LOG_DEBUG_ },
	{ "08", RC_RETRY, LOG_WARN_ },       /* connection */
	{ "0A000", RC_RETRY, LOG_WARN_ },    /* "cached plan must not change" */
	{ "22", RC_INVALID, LOG_INFO_ },     /* data */
	{ "23503", RC_CONFLICT, LOG_INFO_ }, /* foreign key, see below */
	{ "23505", RC_CONFLICT, LOG_DEBUG_ }, /* unique */
	{ "23514", RC_INVALID, LOG_INFO_ },   /* check */
	{ "25P03", RC_RETRY, LOG_WARN_ },     /* idle in transaction */
	{ "40001", RC_RETRY, LOG_DEBUG_ },    /* serialization */
	{ "40P01", RC_RETRY, LOG_INFO_ },     /* deadlock */
	{ "53", RC_RETRY, LOG_WARN_ },        /* resources */
	{ "55P03", RC_RETRY, LOG_INFO_ },     /* lock not available */
	{ "57014", RC_RETRY, LOG_WARN_ },     /* statement timeout */
	{ "57P", RC_RETRY, LOG_WARN_ },       /* shutdown, crash, starting up */
	{ "58", RC_RETRY, LOG_ERROR_ },       /* the server's disk */
	{ "", RC_INTERNAL, LOG_ERROR_ },
};

bool
sqlstate_retry(const char *state)
{
	return strcmp(state, "40001") == 0 || strcmp(state, "40P01") == 0;
}

static size_t
state_row(const char *state)
{
	size_t best = sizeof states / sizeof *states - 1, length = 0;

	for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
		size_t n = strlen(states[i].prefix);

		if (n > length && strncmp(state, states[i].prefix, n) == 0) {
			best = i;
			length = n;
		}
	}
	return best;
}

static const char *
field(const PGresult *res, int code)
{
	const char *s = PQresultErrorField(res, code);

	return s != NULL ? s : "";
}

/* On DELETE others still refer to the row; else what we refer to is missing.
 * PostgreSQL has one code for both, and its words may be translated. */
static enum rc
foreign_key(const struct stmt *stmt)
{
	return stmt != NULL && strncasecmp(stmt->sql, "DELETE", 6) == 0
	    ? RC_CONFLICT
	    : RC_NOT_FOUND;
}

enum rc
sqlstate_result(struct db *db, const struct stmt *stmt, const PGresult *res)
{
	const char *state = field(res, PG_DIAG_SQLSTATE);
	const char *words = field(res, PG_DIAG_MESSAGE_PRIMARY);
	size_t row = state_row(state);

	log_at(states[row].level, &db->log,
	    "database said no statement=%s state=%s constraint=%s: %s",
	    stmt != NULL ? stmt->name : "", state,
	    field(res, PG_DIAG_CONSTRAINT_NAME),
	    *words != '\0' ? words : PQresultErrorMessage(res));
	if (strncmp(state, "LR", 2) == 0)
		return fail(states[row].rc, "%s", words);
	fail_clear();
	if (strcmp(state, "23503") == 0)
		return foreign_key(stmt);
	return states[row].rc;
}
