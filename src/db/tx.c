/* Transactions of several round trips. */
#include "db/inside.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "core/failpoint.h"
#include "core/secret.h"

#define TX_TRIES 5
#define PAUSE_MS 5 /* doubled each time, and jittered */

/* BEGIN and the guard in a pipeline of their own. */
static enum rc
begin_now(struct db *db)
{
	enum rc rc;

	pipe_forget(db);
	db->pipe_rc = RC_OK;
	rc = pipe_begin(db);
	if (rc == RC_OK)
		rc = pipe_flush(db);
	if (rc == RC_OK)
		rc = pipe_fill(db);
	pipe_forget(db);
	return rc;
}

static enum rc
begin(struct db *db, bool late)
{
	enum rc rc = link_ensure(db);

	if (rc != RC_OK)
		return rc;
	pipe_forget(db);
	db->in_tx = true;
	db->tx_broken = false;
	db->tx_unsaid = true;
	db->retry = false;
	return late ? RC_OK : begin_now(db);
}

/* A body that ends without a statement ends behind the guard, which may have
 * more to say. */
static enum rc
guard_first(struct db *db, enum rc rc)
{
	char why[WORDS_SIZE];
	enum rc guard;

	if (!db->tx_unsaid || db->conn == NULL)
		return rc;
	snprintf(why, sizeof why, "%s", fail_detail());
	guard = begin_now(db);
	if (guard != RC_OK || rc == RC_OK)
		return guard;
	return fail(rc, "%s", why);
}

/* One word to the server, and what it did: COMMIT of a broken transaction
 * answers ROLLBACK. */
static enum rc
finish(struct db *db, const char *word)
{
	enum rc rc;

	db->pipe_rc = RC_OK;
	rc = pipe_side(db, word);
	if (rc == RC_OK)
		rc = pipe_flush(db);
	if (rc == RC_OK && strcmp(PQcmdStatus(db->queue[0].result), word) != 0)
		rc = fail(RC_INTERNAL, "%s was answered by %s", word,
		    PQcmdStatus(db->queue[0].result));
	pipe_forget(db);
	return rc;
}

static enum rc
commit(struct db *db)
{
	enum rc rc;

	FAILPOINT("db-commit-before");
	db->committing = true;
	rc = finish(db, "COMMIT");
	db->committing = false;
	FAILPOINT("db-commit-after");
	return rc;
}

/* The reason of the failure stays, whatever becomes of the rollback. */
static void
rollback(struct db *db)
{
	char why[512];

	if (db->conn == NULL)
		return;
	strncpy(why, fail_detail(), sizeof why - 1);
	why[sizeof why - 1] = '\0';
	if (finish(db, "ROLLBACK") != RC_OK)
		link_drop(db);
	if (*why != '\0')
		(void)fail(RC_OK, "%s", why);
	else
		fail_clear();
}

static enum rc
once(struct db *db, enum rc (*body)(struct db *, void *), void *ctx, bool late)
{
	enum rc rc = begin(db, late);

	if (rc == RC_OK) {
		rc = guard_first(db, body(db, ctx));
		assert(!db->piping);
	}
	/* A body that overlooks a failed call has nothing to commit. */
	if (rc == RC_OK && db->tx_broken)
		rc = fail(RC_INTERNAL, "a failure inside was overlooked");
	if (rc == RC_OK)
		rc = commit(db);
	else if (db->in_tx)
		rollback(db);
	db->in_tx = false;
	db->tx_broken = false;
	db->tx_unsaid = false;
	return rc;
}

/* Half to all of the pause, so that two who collided do not meet again. */
static void
pause_ms(int ms)
{
	unsigned char r;
	struct timespec t = { .tv_sec = 0 };

	random_bytes(&r, 1);
	t.tv_nsec = (ms * 500000L) * (256 + r) / 256;
	nanosleep(&t, NULL);
}

static enum rc
run(struct db *db, enum rc (*body)(struct db *, void *), void *ctx, bool late)
{
	enum rc rc = RC_OK;

	assert(!db->in_tx && !db->piping);
	for (int i = 0; i < TX_TRIES; i++) {
		if (i > 0)
			pause_ms(PAUSE_MS << i);
		db->retry = false;
		rc = once(db, body, ctx, late);
		if (rc == RC_OK || !db->retry)
			return rc;
	}
	log_warn(&db->log, "transaction given up tries=%d", TX_TRIES);
	return rc;
}

enum rc
db_tx(struct db *db, enum rc (*body)(struct db *, void *), void *ctx)
{
	return run(db, body, ctx, false);
}

enum rc
db_tx_late(struct db *db, enum rc (*body)(struct db *, void *), void *ctx)
{
	return run(db, body, ctx, true);
}

bool
db_outcome_unknown(enum rc rc)
{
	return rc == RC_RETRY && strcmp(fail_detail(), pipe_unknown) == 0;
}
