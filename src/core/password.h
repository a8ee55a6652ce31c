/* Passwords of users: yescrypt through crypt(3).
 *
 * A hash costs some 20 ms (cost 5) to 230 ms (cost 8) and megabytes, so that
 * a host computes at most PASSWORD_SLOTS at once, and one with two processors
 * a single one, whatever the number of processes: each takes one of the locked
 * files of run_dir first. The locks are the kernel's (flock), so a killed
 * process leaves none behind. */
#ifndef CORE_PASSWORD_H
#define CORE_PASSWORD_H

#include "core/secret.h"
#include "core/text.h"

#define PASSWORD_SLOTS    2
#define PASSWORD_LEAST    8   /* characters */
#define PASSWORD_MOST     256 /* bytes; crypt(3) takes 511 */
#define PASSWORD_HASH_MAX 128

struct password_gate {
	int slots;                /* used here */
	int slot[PASSWORD_SLOTS]; /* descriptors of the lock files */
};

/* Opens the slots in `run_dir`. RC_INVALID where it cannot. */
enum rc
password_gate_open(const char *run_dir, struct password_gate *) MUST_CHECK;
void password_gate_close(struct password_gate *);

/* May a user choose it? RC_INVALID with a sentence for them: too short, too
 * long, one of the common ones, or made of `name` or `email` (NULL: none). */
enum rc password_allowed(
    const struct secret *, const char *name, const char *email) MUST_CHECK;

/* "$y$..." with a salt of its own. RC_INVALID for a cost or a password that
 * crypt(3) does not take (NUL inside, too long). */
enum rc password_hash(struct password_gate *, const struct secret *,
    int64_t cost, char hash[PASSWORD_HASH_MAX]) MUST_CHECK;

/* Is it the password of this hash? `hash` NULL (no such user) or not a hash
 * costs as much time as one of `cost` and is false. */
bool password_check(struct password_gate *, const struct secret *,
    const char *hash, int64_t cost) MUST_CHECK;

/* Made another way than new ones would be: hash it again at the next login. */
bool password_stale(const char *hash, int64_t cost);

#endif
