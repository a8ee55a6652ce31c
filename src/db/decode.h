/* Decoding: from a binary PGresult into row structs. */
#ifndef DB_DECODE_H
#define DB_DECODE_H

#include <libpq-fe.h>

#include "core/arena.h"
#include "db/stmt.h"

struct decode;

/* Matches the result's columns by name to the statement's; a column that the
 * list does not know, or of a type that its member cannot hold, ends the
 * process naming both. */
struct decode *decode_new(const struct stmt *, const PGresult *);
void decode_free(struct decode **);

/* Do decoded rows point into the result? */
bool decode_borrows(const struct decode *);

/* One row into zeroed memory. */
void decode_row(const struct decode *, const PGresult *, int row,
    struct arena *, void *out);

#endif
