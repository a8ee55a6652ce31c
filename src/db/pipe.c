/* Pipelines: statements that travel together and end with one Sync. */
#include "db/inside.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define QUEUE_MOST 4096

/* Planned with its values, for this transaction's next statement only. */
static const char custom_on[] =
    "SELECT set_config('plan_cache_mode', 'force_custom_plan', true)";
static const char custom_off[] =
    "SELECT set_config('plan_cache_mode', 'force_generic_plan', true)";

/* For this transaction (see 11.1 of PostgreSQL's manual, "Asynchronous
 * commit"). */
static const char lazy_on[] =
    "SELECT set_config('synchronous_commit', 'off', true)";

/* ---- sending ---- */

static void
queue_add(struct db *db, struct queued q)
{
	if (db->queue_n == db->queue_cap) {
		db->queue_cap = db->queue_cap == 0 ? 32 : db->queue_cap * 2;
		if (db->queue_cap > QUEUE_MOST)
			die("a pipeline of more than %d messages", QUEUE_MOST);
		db->queue =
		    realloc(db->queue, db->queue_cap * sizeof *db->queue);
		if (db->queue == NULL)
			die("out of memory");
	}
	db->queue[db->queue_n++] = q;
}

static enum rc
sent(struct db *db, int ok, struct queued q)
{
	if (!ok)
		return link_broken(db);
	queue_add(db, q);
	return RC_OK;
}

enum rc
pipe_side(struct db *db, const char *sql)
{
	return sent(db,
	    PQsendQueryParams(db->conn, sql, 0, NULL, NULL, NULL, NULL, 0),
	    (struct queued){ .kind = QUEUED_SIDE });
}

static enum rc
send_prepare(struct db *db, struct prepared *p)
{
	const struct stmt *stmt = p->stmt;
	Oid types[ARGS_MOST];

	for (size_t i = 0; i < stmt->nargs; i++)
		types[i] = arg_oids[stmt->args[i]];
	TRY(sent(db,
	    PQsendPrepare(
		db->conn, stmt->name, stmt->sql, (int)stmt->nargs, types),
	    (struct queued){ .kind = QUEUED_PREPARE, .stmt = stmt }));
	p->state = PREPARED_SENT;
	return RC_OK;
}

static enum rc
send_statement(struct db *db, const struct args *args, struct queued q)
{
	const struct stmt *stmt = q.stmt;
	struct prepared *p = prepared_find(db, stmt);

	if (p->state == PREPARED_NOT)
		TRY(send_prepare(db, p));
	if (stmt->custom)
		TRY(pipe_side(db, custom_on));
	TRY(sent(db,
	    PQsendQueryPrepared(db->conn, stmt->name, (int)stmt->nargs,
		args->values, args->lengths, args->formats, 1),
	    q));
	if (stmt->custom)
		TRY(pipe_side(db, custom_off));
	return RC_OK;
}

enum rc
pipe_guard(struct db *db)
{
	struct args args;

	if (db->lazy)
		TRY(pipe_side(db, lazy_on));
	if (db->guard == NULL)
		return RC_OK;
	TRY(args_encode(&db->guard_buf, db->guard, db->guard_args, &args));
	return send_statement(db, &args,
	    (struct queued){ .kind = QUEUED_GUARD,
		.stmt = db->guard,
		.arena = db->guard_arena,
		.out = db->guard_out });
}

enum rc
pipe_begin(struct db *db)
{
	db->tx_unsaid = false;
	TRY(pipe_side(db, "BEGIN"));
	return pipe_guard(db);
}

/* The connection, and the guard where a transaction begins here. */
static enum rc
pipe_start(struct db *db)
{
	if (db->started)
		return RC_OK;
	TRY(link_ensure(db));
	if (db->tx_broken)
		return fail(RC_RETRY, "the transaction has failed already");
	if (db->tx_unsaid)
		TRY(pipe_begin(db));
	else if (!db->in_tx)
		TRY(pipe_guard(db));
	db->started = true;
	return RC_OK;
}

static enum rc
pipe_add(struct db *db, const struct arg *in, struct queued q)
{
	struct args args;

	/* First, so that what cannot be sent costs nothing. */
	TRY(args_encode(&db->args, q.stmt, in, &args));
	TRY(pipe_start(db));
	return send_statement(db, &args, q);
}

static void
check_scope(const struct db *db, const struct stmt *stmt)
{
	if (stmt->card == STMT_GUARD)
		die("%s (%s) is a guard", stmt->name, stmt->from);
	if (db->guard == NULL && stmt->global == NULL)
		die("%s (%s): no guard is set and it is not global", stmt->name,
		    stmt->from);
}

enum rc
db_call(struct db *db, const struct stmt *stmt, const struct arg *args,
    struct arena *arena, void *out, size_t *n)
{
	bool alone = !db->piping;

	assert(!db->awaiting);
	check_scope(db, stmt);
	if (alone)
		db_pipe_begin(db);
	if (db->pipe_rc == RC_OK)
		db->pipe_rc = pipe_add(db, args,
		    (struct queued){ .kind = QUEUED_CALL,
			.stmt = stmt,
			.arena = arena,
			.out = out,
			.n = n });
	return alone ? db_pipe_end(db) : RC_OK;
}

enum rc
db_prepare(struct db *db, const struct stmt *stmt)
{
	struct prepared *p;
	enum rc rc = link_ensure(db);

	if (rc != RC_OK)
		return rc;
	db_pipe_begin(db);
	db->started = true; /* without a guard: nothing runs */
	p = prepared_find(db, stmt);
	rc = send_prepare(db, p);
	if (rc == RC_OK)
		rc = sent(db, PQsendDescribePrepared(db->conn, stmt->name),
		    (struct queued){ .kind = QUEUED_SIDE, .stmt = stmt });
	if (rc == RC_OK)
		rc = pipe_flush(db);
	if (rc == RC_OK && (stmt->row != NULL || stmt->card == STMT_VALUE)) {
		struct decode *d = decode_new(stmt, db->queue[1].result);

		decode_free(&d);
	}
	pipe_forget(db);
	db->piping = false;
	return rc;
}

/* ---- receiving ---- */

static bool
is_fatal(const PGresult *res)
{
	const char *s = PQresultErrorField(res, PG_DIAG_SEVERITY_NONLOCALIZED);

	return s == NULL || strcmp(s, "FATAL") == 0 || strcmp(s, "PANIC") == 0;
}

/* Remembers the first failure; a fatal one ends the connection. */
static enum rc
take_error(struct db *db, const struct queued *q, const PGresult *res)
{
	const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE);

	if (state == NULL) /* libpq's own words: the connection is gone */
		return link_lost(db, PQresultErrorMessage(res));
	if (db->in_tx) {
		db->tx_broken = true;
		db->retry = sqlstate_retry(state);
	}
	db->pipe_rc = sqlstate_result(db, q->stmt, res);
	return RC_OK;
}

/* The server ended the session: whether before or behind the commit, nobody
 * knows. */
static enum rc
ended(struct db *db)
{
	enum rc rc = db->pipe_rc;

	if (rc == RC_RETRY)
		return link_lost(db, "ended by the server");
	link_drop(db);
	return rc;
}

static enum rc
take_result(struct db *db, struct queued *q, PGresult *res)
{
	bool fatal = false;
	enum rc rc = RC_OK;

	switch (PQresultStatus(res)) {
	case PGRES_COMMAND_OK:
		if (q->kind == QUEUED_PREPARE)
			prepared_find(db, q->stmt)->state = PREPARED_READY;
		break;
	case PGRES_TUPLES_OK:
	case PGRES_PIPELINE_ABORTED: break;
	case PGRES_FATAL_ERROR:
		fatal = is_fatal(res);
		if (db->pipe_rc == RC_OK)
			rc = take_error(db, q, res);
		break;
	default:
		die("%s: unexpected result %s",
		    q->stmt != NULL ? q->stmt->name : "pipeline",
		    PQresStatus(PQresultStatus(res)));
	}
	if (rc == RC_OK && fatal)
		rc = ended(db);
	if (rc == RC_OK)
		q->result = res;
	else
		PQclear(res);
	return rc;
}

/* A result for each message, each behind a NULL, then the Sync's. */
static enum rc
receive(struct db *db)
{
	PGresult *res;

	for (size_t i = 0; i < db->queue_n; i++) {
		TRY(link_result(db, &res));
		if (res == NULL)
			return link_broken(db);
		TRY(take_result(db, &db->queue[i], res));
		TRY(link_result(db, &res));
		if (res != NULL) {
			PQclear(res);
			return link_lost(db, "results out of step");
		}
	}
	TRY(link_result(db, &res));
	if (PQresultStatus(res) != PGRES_PIPELINE_SYNC) {
		PQclear(res);
		return link_lost(db, "results out of step");
	}
	PQclear(res);
	return RC_OK;
}

static enum rc
pipe_sync(struct db *db)
{
	return PQpipelineSync(db->conn) ? RC_OK : link_broken(db);
}

enum rc
pipe_flush(struct db *db)
{
	TRY(pipe_sync(db));
	TRY(receive(db));
	return db->pipe_rc;
}

/* ---- the whole ---- */

void
pipe_forget(struct db *db)
{
	for (size_t i = 0; i < db->queue_n; i++) {
		struct queued *q = &db->queue[i];

		PQclear(q->result);
		if (q->kind == QUEUED_PREPARE && db->conn != NULL &&
		    prepared_find(db, q->stmt)->state == PREPARED_SENT)
			prepared_find(db, q->stmt)->state = PREPARED_NOT;
	}
	db->queue_n = 0;
	db->started = false;
}

void
db_pipe_begin(struct db *db)
{
	assert(!db->piping);
	pipe_forget(db);
	db->piping = true;
	db->pipe_rc = RC_OK;
}

/* Everything queued, on its way; nothing of it where one call failed. */
static enum rc
pipe_close(struct db *db)
{
	if (db->pipe_rc == RC_OK && db->guard != NULL && !db->in_tx)
		db->pipe_rc = pipe_start(db);
	if (db->pipe_rc != RC_OK && db->started)
		link_drop(db); /* what was sent must not be committed */
	return db->pipe_rc;
}

enum rc
db_pipe_end(struct db *db)
{
	enum rc rc;

	assert(db->piping && !db->awaiting);
	db->piping = false;
	rc = pipe_close(db);
	if (rc == RC_OK && db->started)
		rc = pipe_flush(db);
	if (rc == RC_OK)
		rc = pipe_fill(db);
	pipe_forget(db);
	return rc;
}

enum rc
db_pipe_send(struct db *db)
{
	enum rc rc;

	assert(db->piping && !db->awaiting);
	rc = pipe_close(db);
	if (rc == RC_OK && db->started)
		rc = pipe_sync(db);
	if (rc == RC_OK && db->started)
		rc = link_flush(db);
	db->awaiting = rc == RC_OK;
	if (rc != RC_OK) {
		db->piping = false;
		pipe_forget(db);
	}
	return rc;
}

enum rc
db_pipe_wait(struct db *db)
{
	enum rc rc = RC_OK;

	assert(db->awaiting);
	db->piping = db->awaiting = false;
	if (db->started)
		rc = receive(db);
	if (rc == RC_OK)
		rc = db->pipe_rc;
	if (rc == RC_OK)
		rc = pipe_fill(db);
	pipe_forget(db);
	return rc;
}
