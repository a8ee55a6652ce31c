/* Whether a connection string leads anywhere: for who checks a configuration,
 * where "away" is not enough of an answer. */
#ifndef DB_REACH_H
#define DB_REACH_H

#include <stddef.h>

#include "core/result.h"

enum db_reach {
	DB_REACHED,
	DB_REFUSED, /* the server knows the user not, or believes it not */
	DB_UNKNOWN, /* the server has no such database */
	DB_AWAY,    /* nobody answers, or not now */
};

/* Logs in and out again; `why` gets the server's or libpq's words. */
enum db_reach db_reach(const char *conninfo, char *why, size_t size) MUST_CHECK;

#endif
