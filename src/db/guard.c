/* The guard: what every transaction begins with. */
#include "db/inside.h"

#include <assert.h>
#include <string.h>

/* Somebody left a pipeline or a transaction by longjmp (an arena was full):
 * what the server knows of it ends with the connection. */
static void
settle(struct db *db)
{
	if (!db->piping && !db->in_tx)
		return;
	if (db->started || db->in_tx)
		link_drop(db);
	pipe_forget(db);
	db->piping = false;
	db->awaiting = false;
	db->in_tx = false;
	db->tx_broken = false;
	db->tx_unsaid = false;
}

void
db_guard(struct db *db, const struct stmt *stmt, const struct arg *args,
    struct arena *arena, void *out)
{
	assert(stmt->card == STMT_GUARD && stmt->nargs <= GUARD_ARGS);
	settle(db);
	db->guard = stmt;
	memset(db->guard_args, 0, sizeof db->guard_args);
	if (stmt->nargs > 0)
		memcpy(db->guard_args, args, stmt->nargs * sizeof *args);
	db->guard_arena = arena;
	db->guard_out = out;
	db->guard_passed = false;
}

enum rc
db_guard_run(struct db *db)
{
	settle(db);
	db_pipe_begin(db); /* an empty pipeline runs the guard alone */
	return db_pipe_end(db);
}

void
db_lazy(struct db *db, bool lazy)
{
	db->lazy = lazy;
}

bool
db_guard_passed(const struct db *db)
{
	return db->guard != NULL && db->guard_passed;
}

void
db_guard_none(struct db *db)
{
	settle(db);
	db->guard = NULL;
	db->guard_out = NULL;
}
