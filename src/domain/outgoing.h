/* Mail of the service itself: links to sign in with, invitations, notices.
 *
 * A message is a row, written in the transaction of what it tells of, and never
 * in anybody's request's way. letterrack-sync hands it over, once: it says in
 * the row that the message leaves (the intent), sends it, and says what became
 * of it. Killed in between, or without an answer, the row says `unknown`, and
 * only a person has it sent again (letterrackctl queue). */
#ifndef DOMAIN_OUTGOING_H
#define DOMAIN_OUTGOING_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/conf.h"
#include "db/db.h"
#include "mail/egress.h"

#define OUTGOING_SUBJECT_MOST 300
#define OUTGOING_TEXT_MOST    20000

struct outgoing_new {
	int64_t application;
	const char *to;      /* an address, bare */
	const char *subject; /* UTF-8, one line */
	const char *text;    /* UTF-8, lines end with \n */
	const char *kind;    /* what for: "magic_link" */
};

/* Makes the message and its row; for the door, in its pipeline or transaction.
 * RC_INVALID, and nothing is written, where an address or header has a line
 * end or anything else that does not belong there. */
enum rc outgoing_add(struct db *, const struct outgoing_new *) MUST_CHECK;

/* One that a worker has leased. */
struct outgoing {
	int64_t id;
	int64_t application_id;
	const char *kind, *recipient, *stem;
	const char *sender; /* NULL: none of it has left yet */
	struct str message; /* but for From and Message-ID */
	int32_t attempt_count;
	int64_t lease_token;
};
extern const struct col outgoing_cols[];

/* As an operator sees it. */
struct outgoing_seen {
	int64_t id;
	const char *kind, *recipient, *state;
	int32_t attempt_count;
	instant created_at, run_at;
	const char *last_error_code, *last_error_detail;
};
extern const struct col outgoing_seen_cols[];

/* ---- handing over ---- */

/* system_from, taken apart. RC_INVALID: it is no address. */
struct outgoing_sender {
	const char *address, *name; /* name "": none */
};
enum rc outgoing_sender_read(
    const char *text, struct arena *, struct outgoing_sender *) MUST_CHECK;

/* NULL: this configuration sends; else a sentence that says what is missing. */
const char *outgoing_unset(const struct conf *);

struct outgoing_host {
	struct db *db; /* as the door: the messages sign people in */
	const struct conf *conf;
	const struct egress *egress;
	struct smtp_kept *smtp;
	const struct log *log;
	const char *worker;
	const volatile sig_atomic_t *stop; /* may be NULL */
};

/* Hands over what is due, one after the other, until the server itself is in
 * trouble. RC_OK whatever became of each; else the database is away. */
enum rc outgoing_run(const struct outgoing_host *) MUST_CHECK;

#endif
