/* A house to throw away: PostgreSQL with the schema, a Dovecot, an account in
 * it with one IMAP credential. All of it ends with the process. */
#ifndef DOMAIN_HOUSE_H
#define DOMAIN_HOUSE_H

#include "domain/sync/sync.h"
#include "mail/imap.h"

struct house {
	char dir[64];
	unsigned port; /* of IMAP, 127.0.0.1 */
	struct conf *conf;
	struct envelope_keks keks;
	struct egress *egress;
	struct db *db;
	struct arena *arena; /* as long as the house */
	int64_t application, account, credential;
	const char *user; /* on the IMAP server */
};

/* `settings`: lines for dovecot.conf, NULL at the end; may be NULL. Opens no
 * connection of its own to the database: each case is a child, and has one. */
void house_start(struct house *, const char *const *settings);

/* Another IMAP user with an empty mailbox, as a credential of the account; it
 * becomes the house's. */
void house_newcomer(struct house *, const char *user);

void house_dovecot(struct house *, const char *verb);

/* Folders that were missed are so for an hour: the next list decides. */
void house_missed_long(struct house *);

/* Queues a job; answers its id. */
int64_t house_queue(struct house *, const char *action);

/* Runs what is due, one job after the other; the result of the last one, and
 * its report (may be NULL). */
enum rc house_run(struct house *, struct sync_report *);

/* house_queue("imap_sync_messages") and house_run, which must succeed. */
struct sync_report house_sync(struct house *);

/* Queues and runs that one; its result. */
enum rc house_try(struct house *, struct sync_report *);
enum rc house_do(struct house *, const char *action, struct sync_report *);
/* Runs one that is queued; its result. */
enum rc house_do_job(struct house *, int64_t job, struct sync_report *);

/* A transaction as the account's owner would make it. */
void
house_as_user(struct house *, enum rc (*body)(struct db *, void *), void *arg);

/* The same for what makes its transaction itself. */
void
house_as_owner(struct house *, enum rc (*body)(struct db *, void *), void *arg);

/* letterrack-sync of this build, with one variable more in its environment
 * (may be NULL); its wait status. */
int house_program(struct house *, const char *variable);

/* As the owner of the schema; `{a}` and `{c}` stand for account and
 * credential. The answer's text, without the last newline, lives as the house.
 */
const char *house_sql(struct house *, const char *sql);
int64_t house_int(struct house *, const char *sql);

/* Every count that is kept and does not equal its rows; "": none. */
const char *house_faults(struct house *);

/* A session of the house's user, and short ways of using it; any failure ends
 * the test. */
struct imap *house_imap(struct house *);
void house_append(struct imap *, const char *folder, const char *message);
void house_append_at(
    struct imap *, const char *folder, const char *message, instant received);
void house_append_file(struct imap *, const char *folder, const char *path);
void house_store(struct imap *, const char *folder, const char *uids,
    const char *how, const char *flags);
void house_expunge(struct imap *, const char *folder, const char *uids);
void
house_move(struct imap *, const char *folder, const char *uids, const char *to);
void
house_copy(struct imap *, const char *folder, const char *uids, const char *to);

/* The mail tables as text without ids and times of our own: two runs that
 * ended alike have the same. */
const char *house_tables(struct house *);

/* What stands before `end` in an answer, or all; *rest begins behind it. */
struct str house_piece(struct str *rest, char end);

#define MUST(x)                                                                \
	do {                                                                   \
		enum rc must_rc_ = (x);                                        \
		if (must_rc_ != RC_OK)                                         \
			die("%s:%d: %s: %s: %s", __FILE__, __LINE__, #x,       \
			    result_code(must_rc_), fail_detail());             \
	} while (0)

#endif
