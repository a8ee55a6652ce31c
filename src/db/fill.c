/* What a flushed pipeline gives back. */
#include "db/inside.h"

#include <stdlib.h>

static void
result_end(void *res)
{
	PQclear(res);
}

/* Rows that point into the result keep it for as long as their arena. */
static void
keep(struct queued *q, const struct decode *decode)
{
	if (!decode_borrows(decode))
		return;
	arena_defer(q->arena, result_end, q->result);
	q->result = NULL;
}

static enum rc
no_row(enum stmt_card card)
{
	switch (card) {
	case STMT_MAYBE: return RC_OK;
	case STMT_GUARD: return RC_INTERNAL; /* it had to raise */
	default: fail_clear(); return RC_NOT_FOUND;
	}
}

static enum rc
fill_rows(struct db *db, struct queued *q)
{
	const struct stmt *stmt = q->stmt;
	struct prepared *p = prepared_find(db, stmt);
	const PGresult *res = q->result;
	int n = PQntuples(res);
	char *rows = NULL;

	if (p->decode == NULL)
		p->decode = decode_new(stmt, res);
	if (stmt->card != STMT_MANY && n > 1)
		die("%s (%s) gave %d rows", stmt->name, stmt->from, n);
	if (n > 0)
		rows = arena_array(q->arena, (size_t)n, stmt->row_size);
	for (int i = 0; i < n; i++)
		decode_row(p->decode, res, i, q->arena,
		    rows + (size_t)i * stmt->row_size);
	*(void **)q->out = rows; /* a struct X ** */
	if (q->n != NULL)
		*q->n = (size_t)n;
	if (n > 0)
		keep(q, p->decode);
	return n == 0 && stmt->card != STMT_MANY ? no_row(stmt->card) : RC_OK;
}

static enum rc
fill_value(struct db *db, struct queued *q)
{
	const struct stmt *stmt = q->stmt;
	struct prepared *p = prepared_find(db, stmt);
	const PGresult *res = q->result;

	if (p->decode == NULL)
		p->decode = decode_new(stmt, res);
	if (PQntuples(res) == 0)
		return no_row(stmt->card);
	decode_row(p->decode, res, 0, q->arena, q->out);
	keep(q, p->decode);
	return RC_OK;
}

static enum rc
fill_count(struct queued *q)
{
	const char *n = PQcmdTuples(q->result);
	size_t count = (size_t)strtoull(n, NULL, 10);

	if (q->n != NULL)
		*q->n = count;
	return count == 0 && q->stmt->card == STMT_MUST ? no_row(q->stmt->card)
							: RC_OK;
}

static enum rc
fill_guard(struct db *db, struct queued *q)
{
	enum rc rc;

	db->guard_passed = true;
	if (q->stmt->row == NULL || q->out == NULL)
		return RC_OK;
	rc = fill_rows(db, q);
	db->guard_out = NULL;
	return rc;
}

static enum rc
fill(struct db *db, struct queued *q)
{
	switch (q->stmt->card) {
	case STMT_ONE:
	case STMT_MAYBE:
	case STMT_MANY: return fill_rows(db, q);
	case STMT_VALUE: return fill_value(db, q);
	case STMT_EXEC:
	case STMT_MUST: return fill_count(q);
	case STMT_GUARD: return fill_guard(db, q);
	}
	return RC_INTERNAL;
}

enum rc
pipe_fill(struct db *db)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < db->queue_n; i++) {
		struct queued *q = &db->queue[i];

		if (q->kind != QUEUED_CALL && q->kind != QUEUED_GUARD)
			continue;
		enum rc one = fill(db, q);
		if (rc == RC_OK)
			rc = one;
	}
	return rc;
}
