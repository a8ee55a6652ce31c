/* The database tests' cluster: a real PostgreSQL with the real schema and the
 * table `thing`, for the life of the test program. */
#ifndef TESTS_DB_FIXTURE_H
#define TESTS_DB_FIXTURE_H

#include "db/db.h"

struct Suite;

/* Starts it; ends the program where that fails. Removed at exit. */
void fixture_start(void);
void fixture_again(const char *stop_mode); /* stops, and starts */
void fixture_stop(const char *stop_mode);
void fixture_run(void);

/* Connection strings: of the programs' role, and of the owner. */
const char *fixture_conninfo(void);
const char *fixture_owner(void);

/* SQL as the owner, through psql. */
void fixture_psql(const char *sql);

/* A listening socket at which PostgreSQL's would be, and its end. */
int fixture_mute_socket(const char *socket_dir);
void fixture_mute_remove(const char *socket_dir);

/* Runs the suite with a cluster; the exit status. */
int fixture_main(struct Suite *(*)(void));

/* A connection without a guard, and with account 1's or 2's. */
struct db *fixture_db(void);
struct db *fixture_guarded(int64_t account);

#endif
