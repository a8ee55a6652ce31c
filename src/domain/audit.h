/* The audit log: its rows, its writing by domain functions (requests have
 * web/audit.h), and the check of its chain. */
#ifndef DOMAIN_AUDIT_H
#define DOMAIN_AUDIT_H

#include "core/secret.h"
#include "domain/log.h"

/* By whoever does it; `kind` and `id`: what it was done to. Within the
 * transaction of what it tells. */
struct audit_note {
	const char *action; /* "credential.rotate" */
	enum id_kind kind;
	int64_t id;
	const char *detail; /* NULL: none */
};
enum rc audit_write(
    struct db *, const struct doer *, const struct audit_note *) MUST_CHECK;

struct audit_row {
	int64_t id;
	int64_t account_id, user_id; /* 0: none */
	const char *client, *action, *subject, *detail, *address, *request_id;
	instant created_at;
	int64_t sealed_as; /* 0: not yet */
	const char *hash;  /* hex */
};
extern const struct col audit_row_cols[];

/* ---- the chain ---- */

struct audit_state {
	int64_t sealed;
	struct str hash;
	int64_t removed; /* at the front, by housekeeping */
	struct str removed_hash;
	int64_t astray;  /* rows with a place that is none of the chain's */
	int64_t waiting; /* not sealed yet */
};
extern const struct col audit_state_cols[];

struct audit_link {
	int64_t id, sealed_as;
	struct str hash;
	const char *contents;
};
extern const struct col audit_link_cols[];

/* What an operator keeps of it, elsewhere: how many, and the last one's hash.
 */
struct audit_anchor {
	int64_t sealed;
	unsigned char hash[SHA256_SIZE];
};

/* Walks the chain from its beginning, and past `kept` where that is not NULL.
 * RC_CONFLICT: it is broken; fail_detail says where first. */
enum rc audit_verify(struct db *, const struct audit_anchor *kept,
    struct audit_anchor *head, int64_t *waiting) MUST_CHECK;

#endif
