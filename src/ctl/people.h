/* What the verbs about keys, users and accounts share. */
#ifndef CTL_PEOPLE_H
#define CTL_PEOPLE_H

#include <argp.h>

#include "core/arena.h"
#include "core/password.h"
#include "core/secret.h"
#include "ctl/ctl.h"
#include "db/db.h"

/* A verb's second word. */
struct subverb {
	const char *name;
	int (*run)(struct ctl *, void *);
};
/* Finds and runs it; EX_USAGE with a list of them where it is none. */
int
ctl_subverb(struct ctl *, const struct subverb *, const char *name, void *in);

/* What every such verb is given; its own arguments stand behind it. */
struct operation {
	const char
	    *words[2]; /* the second word, and whom or what it is about */
	unsigned n;
	int64_t application; /* of --application, then the one that is meant */
	struct db *db;       /* the owner's */
	struct arena *arena;
};

/* Reads the arguments into `in`, opens the database, runs the second word. */
int ctl_operate(struct ctl *, const struct argp *, const struct subverb *,
    struct operation *in);

/* For the parser of a verb: a word, an id. */
error_t ctl_word(struct argp_state *, struct operation *, const char *word);
int64_t ctl_id(struct argp_state *, const char *text);

/* Into the audit log: an operator did it. `account` 0: of the application.
 * Within the transaction of what it tells. */
enum rc ctl_note(struct db *, const struct operation *, int64_t account,
    const char *action, const char *subject) MUST_CHECK;

/* Complains where that did not go well; the exit status. */
int ctl_ended(struct ctl *, enum rc);

/* The database as its owner; NULL after a complaint. */
struct db *ctl_owner_db(struct ctl *);

/* The application of `--application`, or the oldest. RC_NOT_FOUND: none. */
enum rc ctl_application(
    struct db *, int64_t given, struct arena *, int64_t *id) MUST_CHECK;

/* A line from the terminal, unseen, twice; or one line of standard input where
 * `from_stdin`. RC_INVALID with the reason. */
enum rc
ctl_password(bool from_stdin, struct arena *, struct secret *) MUST_CHECK;

/* Asks on the terminal; RC_INVALID where there is none. */
enum rc ctl_ask(const char *what, struct arena *, const char **) MUST_CHECK;

/* Checks a chosen password and hashes it. */
enum rc ctl_hash(struct ctl *, const struct secret *, const char *name,
    const char *email, char hash[PASSWORD_HASH_MAX]) MUST_CHECK;
/* The same without a word on its quality: for the demo. */
enum rc ctl_hash_any(struct ctl *, const struct secret *,
    char hash[PASSWORD_HASH_MAX]) MUST_CHECK;

/* Makes the first token key and envelope key where there are none. */
enum rc ctl_keys_make(struct ctl *) MUST_CHECK;

#endif
