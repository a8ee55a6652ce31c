/* Migrations: sql/migrations/NNNN-name.sql, compiled into the programs. */
#ifndef DB_MIGRATE_H
#define DB_MIGRATE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/log.h"
#include "core/result.h"

struct migration {
	int number;
	const char *name; /* "0001-foundation" */
	const char *sql;
};

/* In order; made by sql/embed.awk. */
extern const struct migration migrations[];
extern const size_t migrations_n;

/* The number of the last one: the schema that this program knows. */
int migration_last(void);

struct migrate {
	const char *owner;            /* conninfo of the schema's owner */
	const char *program;          /* role that gets the programs' rights */
	bool dry_run;                 /* only tell what would run */
	const struct migration *list; /* in order */
	size_t n;
	/* Told of each one that runs (or would). */
	void (*tell)(const struct migration *);
	struct log log;
};

/* Runs what is missing, each in a transaction of its own, one program at a
 * time (advisory lock); then grants the program's rights.
 * RC_RETRY: the server is away. RC_CONFLICT: an applied one was changed, or
 * the schema is newer than this program. RC_INVALID: one failed; the detail
 * says "0002-x.sql:17: why". */
enum rc migrate_run(const struct migrate *) MUST_CHECK;

/* The user that a connection string names; RC_INVALID where it names none or
 * cannot be read. `out` holds a role name of at most 63 bytes. */
enum rc conninfo_user(const char *conninfo, char out[64]) MUST_CHECK;

#endif
