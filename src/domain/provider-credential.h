/* Provider credentials as their owners see and change them: how a mail
 * account is reached, what it is used for, how it was found. The secret is
 * written and never read here (domain/credential.h opens it). */
#ifndef DOMAIN_PROVIDER_CREDENTIAL_H
#define DOMAIN_PROVIDER_CREDENTIAL_H

#include <stdbool.h>
#include <stdint.h>

#include "core/envelope.h"
#include "db/db.h"
#include "domain/credential.h"
#include "domain/log.h"

struct provider_credential {
	int64_t id;
	int64_t account_id;
	int64_t application_id;
	int64_t user_id; /* a personal account's owner; 0: shared */
	const char *provider_kind;
	const char *label;
	const char *email_address; /* may be NULL */
	const char *host;
	int32_t port;
	const char *security_mode;
	const char *auth_kind;
	const char *username_masked;
	const char *provider_type;
	bool is_active, is_default;
	const char *status; /* unverified, valid, invalid, expired */
	instant last_tested_at, last_checked;
	const char *last_error_code, *last_error_detail; /* may be NULL */
	const char *sync_mode, *hold_policy, *quarantine_folder;
	int64_t smtp_credential_id; /* 0: none */
	const char *body_policy;
	int64_t secret_version;
	instant created_at, updated_at;
};
extern const struct col provider_credential_cols[];

/* What the columns may hold; NULL-terminated. */
extern const char *const provider_kinds[];
extern const char *const security_modes[];
extern const char *const auth_kinds[];
extern const char *const sync_modes[];
extern const char *const hold_policies[];
extern const char *const body_policies[];

/* The port that the kind and the security mode have by custom. */
int32_t provider_port(const char *kind, const char *security_mode);

/* The first thing that is wrong with a wish. */
struct provider_fault {
	const char *field, *code, *message;
};

/* Who changes a credential, and with what. */
struct provider_write {
	struct doer who;
	const struct envelope_keks *keks;
	/* NULL: the secret stays. */
	const struct credential_secret *secret;
	bool allow_plaintext;
	struct provider_fault fault; /* out, with RC_INVALID */
};

/* Makes the row that `want` describes (ids and states in it are not looked
 * at). The second does it in the transaction at hand. */
enum rc provider_credential_create(struct db *, struct provider_write *,
    const struct provider_credential *want, struct arena *,
    struct provider_credential **out) MUST_CHECK;
enum rc provider_credential_make(struct db *, struct provider_write *,
    const struct provider_credential *want, struct arena *,
    struct provider_credential **out) MUST_CHECK;

/* Changes a row: `merge` gets it locked and writes its wishes into it; it may
 * be called again. Another host, port or security mode without a secret is
 * RC_INVALID: nobody may lead a stored password elsewhere. */
typedef void provider_merge(void *ctx, struct provider_credential *);
enum rc provider_credential_change(struct db *, struct provider_write *,
    int64_t id, provider_merge *, void *ctx, struct arena *,
    struct provider_credential **out) MUST_CHECK;

/* Replaces the secret by one that was just found to work with the row as it
 * was at `version`. RC_CONFLICT: it was changed meanwhile. */
enum rc provider_credential_rotate(struct db *, struct provider_write *,
    int64_t id, int64_t version, struct arena *,
    struct provider_credential **out) MUST_CHECK;

enum rc provider_credential_remove(
    struct db *, const struct doer *, int64_t id) MUST_CHECK;

/* Notes what a test of the secret `version` found: `result`, and the server's
 * words in `detail`. */
enum rc provider_credential_note_test(struct db *, const struct doer *,
    int64_t id, int64_t version, enum rc result, const char *detail) MUST_CHECK;

/* Into the audit log, within the caller's transaction or pipeline. */
enum rc provider_credential_audit(struct db *, const struct doer *,
    const char *action, int64_t id, enum rc result) MUST_CHECK;

/* The state that a test's result puts a credential in; NULL: as it was. */
const char *provider_status(enum rc);

#endif
