/* Provider credentials: how a mail account is reached, and its secret.
 *
 * User name and password (or access token) lie in one sealed value of the
 * credential's row, under the data key of its account, which lies beside it
 * wrapped by a key outside the database (core/envelope.h). This module alone
 * opens and seals them. */
#ifndef DOMAIN_CREDENTIAL_H
#define DOMAIN_CREDENTIAL_H

#include <stdbool.h>
#include <stdint.h>

#include "core/envelope.h"
#include "core/secret.h"
#include "db/db.h"
#include "domain/sealed.h"

struct credential_access {
	int64_t id;
	int64_t application_id;
	int64_t user_id; /* a personal account's owner; 0: shared */
	const char *provider_kind;
	const char *email_address;
	const char *host;
	int64_t port;
	const char *security_mode; /* ssl_tls, starttls, none */
	const char *auth_kind;     /* password, oauth2 */
	bool is_active;
	const char *sync_mode;
	const char *hold_policy;
	const char *quarantine_folder;
	const char *body_policy;
	bool texts_due;           /* of mail that was there before */
	const char *capabilities; /* remembered; NULL: never connected */
	struct str sealed;
	int64_t secret_key_id;
	int64_t secret_version;
	struct str wrapped;
	const char *provider_type;
	bool has_refresh; /* the token can be renewed (credential-token.h) */
	instant token_expires_at, refresh_expires_at;
	instant token_refused_at, token_warned_at;
};
extern const struct col credential_access_cols[];

/* In the clear; wiped with the arena. */
struct credential_secret {
	const char *username;
	struct secret secret; /* password, or token where auth_kind is oauth2 */
	struct secret refresh; /* what renews that token; may be none */
	instant expires_at;    /* of a new token, where its giver knows */
};

/* Seals for the row `id`, which need not exist yet; makes the account's data
 * key if it has none. Runs within a transaction or without.
 * RC_TOO_LARGE: beyond ENVELOPE_MAX. */
enum rc credential_secret_seal(struct db *, const struct envelope_keks *,
    int64_t application, int64_t account, int64_t id,
    const struct credential_secret *, struct arena *,
    struct sealed *) MUST_CHECK;

/* Opens what credential_access_get has read. RC_INTERNAL: the key is not on
 * this host, or the row was tampered with. RC_AUTH_FAILED: it has no secret. */
enum rc credential_secret_open(const struct envelope_keks *, int64_t account,
    const struct credential_access *, struct arena *,
    struct credential_secret *) MUST_CHECK;

/* Does a failure of the mail server put the credential in a state of its own
 * ("invalid", "expired")? NULL: it says nothing about the secret. */
const char *credential_status_of(enum rc);

#endif
