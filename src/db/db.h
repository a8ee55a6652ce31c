/* The database: one PostgreSQL connection, opened when first needed.
 *
 * Callers use the functions that the build makes from sql/queries/<noun>.sql
 * (sql/typed.awk); what they do is here:
 *
 * - A call is a pipeline of its own: the guard, the statement, one Sync; one
 *   round trip, one transaction without BEGIN and COMMIT. db_pipe_begin and
 *   db_pipe_end put several calls into one such pipeline.
 * - db_tx makes a transaction of several round trips.
 * - Nothing waits for ever: opening takes 2 s at most, an answer a little more
 *   than the statement limit. A connection that is gone is RC_RETRY at once
 *   and is opened again at the next use.
 * - The server's words go to the log; fail_detail gets them only from errors
 *   that our own functions raise (SQLSTATE class LR, see sqlstate.c). */
#ifndef DB_DB_H
#define DB_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/arena.h"
#include "core/log.h"
#include "core/result.h"
#include "db/row.h"
#include "db/stmt.h"

struct db;

/* Opens nothing yet. `conninfo` is libpq's connection string; an unreadable
 * one shows at the first use as RC_RETRY and in the log. */
struct db *db_new(const char *conninfo, struct log);
void db_free(struct db **);

/* Who logs, and for which request, from now on. */
void db_log(struct db *, struct log);

/* How long one statement may take, in ms (default 10 s). Before first use. */
void db_statement_limit(struct db *, int ms);

/* Opens it now, and compares the schema's version with the one this program
 * was built for. RC_RETRY: the server is away, or "schema version 7, this
 * program knows 5". */
enum rc db_open(struct db *) MUST_CHECK;

/* ---- the guard ---- */

/* From now on each transaction begins with this statement, in the same
 * pipeline: it raises where the caller may not go on, so that nothing behind
 * it runs, and sets letterrack.account for the transaction, so that row-level
 * security lets the caller's rows through. What `args` point at stays valid
 * until the next db_guard or db_guard_none.
 *
 * A guard with a row fills *out (a `struct X **`) in the first transaction
 * that it lets pass. `arena` and `out` may be NULL.
 *
 * Both calls also clean up after a longjmp out of a pipeline or transaction:
 * what was open is rolled back, unsent calls are forgotten. */
void db_guard(struct db *, const struct stmt *, const struct arg *args,
    struct arena *, void *out);

/* Runs it alone; cleans up like db_guard. */
enum rc db_guard_run(struct db *) MUST_CHECK;

/* Has it let a transaction pass since it was set? */
bool db_guard_passed(const struct db *);

/* No guard: only statements marked `-- scope: global` run; another one ends
 * the process. */
void db_guard_none(struct db *);

/* ---- pipelines ---- */

/* Calls between these two queue and return RC_OK; db_pipe_end sends them with
 * one Sync (outside db_tx: one transaction), fills what they give back and
 * returns the first failure. After an SQL error no output is filled. That a
 * row is missing (:one, :must) does not undo the others: where it shall, use
 * db_tx. An empty pipeline runs the guard alone. */
void db_pipe_begin(struct db *);
enum rc db_pipe_end(struct db *) MUST_CHECK;

/* The same in two halves, so that the caller can do something else while the
 * server works: send returns when everything has left, wait fills the outputs
 * and says how it ended. What the calls pointed at is free after send, their
 * outputs and arenas are not before wait. In between nothing else is asked of
 * this connection. After a send that failed there is nothing to wait for. */
enum rc db_pipe_send(struct db *) MUST_CHECK;
enum rc db_pipe_wait(struct db *) MUST_CHECK;

/* ---- transactions ---- */

/* BEGIN and the guard, `body`, COMMIT; rolled back where `body` fails. Runs
 * `body` up to 5 times where the server says 40001 or 40P01, so it has no
 * effect but on the database and its own outputs. No nesting.
 * RC_RETRY with detail DB_OUTCOME_UNKNOWN: the answer to COMMIT was lost. */
enum rc
db_tx(struct db *, enum rc (*body)(struct db *, void *), void *ctx) MUST_CHECK;

/* The same, a round trip shorter: BEGIN and the guard leave with the body's
 * first statement. So the body begins where the guard will refuse; what it
 * comes to is the guard's word then, too. */
enum rc db_tx_late(
    struct db *, enum rc (*body)(struct db *, void *), void *ctx) MUST_CHECK;

/* The detail of an RC_RETRY when what was sent may have been committed. */
#define DB_OUTCOME_UNKNOWN "the answer of the database was lost"
bool db_outcome_unknown(enum rc); /* of the failure at hand */

/* From now on a transaction that is committed need not be on the disk yet, so
 * that nobody waits for that: what a crash of the database undoes then is done
 * again. What comes behind it and is no such transaction takes all before it to
 * the disk. */
void db_lazy(struct db *, bool);

/* ---- waiting ---- */

/* Listens on a channel (a name of our own, [a-z_]), also after reconnects. */
void db_listen(struct db *, const char *channel);

enum db_event { DB_TIMEOUT, DB_NOTIFIED, DB_FD };

/* Waits up to `ms` for a notification, or for `fd` (-1: none) to be readable.
 * After a reconnect it says DB_NOTIFIED once, since some may be lost. A signal
 * may end it early as DB_TIMEOUT. RC_RETRY: the database is away (waited for
 * the pause that is due before the next try, `fd` included). */
enum rc db_wait(struct db *, int ms, int fd, enum db_event *) MUST_CHECK;

/* ---- what generated functions call ---- */

/* `out` by cardinality: ONE, MAYBE: struct X **; MANY: struct X ** and `n`;
 * EXEC: `n`, may be NULL; VALUE: the value. `arena` where there are rows. */
enum rc db_call(struct db *, const struct stmt *, const struct arg *,
    struct arena *, void *out, size_t *n) MUST_CHECK;

/* For tests: prepares a statement and matches its columns, without running
 * it. A column or type that does not fit ends the process, as a call would;
 * an error of the server is returned and logged. */
enum rc db_prepare(struct db *, const struct stmt *) MUST_CHECK;

/* For tests: the server's process for this connection, 0 when closed. */
int db_backend(const struct db *);

#endif
