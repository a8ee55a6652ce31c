/* What the files of src/db share; nobody else includes this. */
#ifndef DB_INSIDE_H
#define DB_INSIDE_H

#include <libpq-fe.h>

#include "core/buffer.h"
#include "db/db.h"
#include "db/decode.h"

#define GUARD_ARGS      16
#define LISTEN_CHANNELS 4

/* A statement on this connection. */
struct prepared {
	const struct stmt *stmt; /* NULL: free slot */
	enum { PREPARED_NOT, PREPARED_SENT, PREPARED_READY } state;
	struct decode *decode; /* owned; made at the first result */
};

/* What was sent and waits for its result. */
struct queued {
	enum { QUEUED_SIDE, QUEUED_PREPARE, QUEUED_GUARD, QUEUED_CALL } kind;
	const struct stmt *stmt; /* NULL: SIDE */
	struct arena *arena;
	void *out;
	size_t *n;
	PGresult *result; /* owned until it is filled in */
};

struct db {
	struct log log;
	char *conninfo; /* owned */
	int statement_ms;

	PGconn *conn;          /* NULL: closed; in pipeline mode when open */
	int64_t not_before_ms; /* next try to open */
	int pause_ms;
	int told_schema; /* the version that was complained of */
	bool told_away;

	struct prepared *prepared; /* open addressing, a power of two */
	size_t prepared_cap, prepared_n;

	struct queued *queue;
	size_t queue_n, queue_cap;
	bool piping;   /* between db_pipe_begin and db_pipe_end */
	bool started;  /* something of it was sent */
	bool awaiting; /* between db_pipe_send and db_pipe_wait */
	enum rc pipe_rc;

	bool in_tx;
	bool tx_unsaid; /* BEGIN and the guard go with its first statement */
	bool tx_broken; /* the server has aborted the transaction */
	bool retry;     /* ... and asks to run it again */
	bool committing;

	bool lazy; /* commits do not wait for the disk */
	const struct stmt *guard;
	struct arg guard_args[GUARD_ARGS];
	struct arena *guard_arena;
	void *guard_out; /* NULL once filled */
	bool guard_passed;

	const char *channels[LISTEN_CHANNELS];
	size_t channels_n;
	bool missed; /* reconnected: notifications may be lost */

	struct buf args;      /* encoded arguments */
	struct buf guard_buf; /* ... of the guard */
};

/* link.c: the connection */
enum rc link_ensure(struct db *) MUST_CHECK;
void link_drop(struct db *);
/* The next result, NULL behind the last; waits within the limit. RC_RETRY:
 * lost or too slow, and dropped. */
enum rc link_result(struct db *, PGresult **) MUST_CHECK;
/* Waits until everything that was written has left. */
enum rc link_flush(struct db *) MUST_CHECK;
enum rc link_lost(struct db *, const char *why);
enum rc link_broken(struct db *); /* for the reason that libpq tells */

/* statement cache */
struct prepared *prepared_find(struct db *, const struct stmt *);
void prepared_clear(struct db *);

/* sqlstate.c: logs an error of the server and says what it means. */
enum rc
sqlstate_result(struct db *, const struct stmt *, const PGresult *) MUST_CHECK;
/* Does the state ask to run the transaction again? */
bool sqlstate_retry(const char *state);

/* libpq's words about the connection, on one line. */
#define WORDS_SIZE 256
const char *pq_words(const PGconn *, char out[WORDS_SIZE]);
/* A number of a text result; -1: it is none. */
int pq_number(const PGresult *, int row, int column);

/* args.c: encoded arguments, ready for libpq. */
#define ARGS_MOST 64
struct args {
	const char *values[ARGS_MOST];
	int lengths[ARGS_MOST];
	int formats[ARGS_MOST];
};
extern const unsigned arg_oids[ARG_TYPES];
/* RC_INVALID: a NUL in text. RC_TOO_LARGE. */
enum rc args_encode(struct buf *, const struct stmt *, const struct arg *,
    struct args *) MUST_CHECK;

/* pipe.c */
enum rc pipe_side(struct db *, const char *sql) MUST_CHECK;
enum rc pipe_guard(struct db *) MUST_CHECK;
/* BEGIN and the guard, of a transaction. */
enum rc pipe_begin(struct db *) MUST_CHECK;
enum rc pipe_flush(struct db *) MUST_CHECK;
/* Fills what the results of a flushed pipeline give back. */
enum rc pipe_fill(struct db *) MUST_CHECK;
void pipe_forget(struct db *);
extern const char pipe_unknown[];

#endif
