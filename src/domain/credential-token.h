/* Tokens of mail accounts that are renewed before they end (RFC 6749 6): at
 * Google and Microsoft, with the client of the configuration.
 *
 * What renews them lies sealed beside them. One that comes with a new token is
 * committed before either is used, and until then the old one stays: a worker
 * that is killed in between loses nothing where its giver takes the old one
 * once more. Of many who need a token one asks for it, by a lease in the row. A
 * refusal is told as credential.invalid at once, while the token that is there
 * still works. */
#ifndef DOMAIN_CREDENTIAL_TOKEN_H
#define DOMAIN_CREDENTIAL_TOKEN_H

#include "core/conf.h"
#include "core/log.h"
#include "domain/credential.h"
#include "mail/egress.h"

struct token_host {
	struct db *db;
	const struct conf *conf;
	const struct envelope_keks *keks;
	const struct egress *egress;
};

/* Opens the secret of `*c`; where its token ends soon it is renewed first, and
 * `*c` is read anew. RC_AUTH_EXPIRED: it has ended, and is not renewed.
 * RC_CONNECTION, RC_TIMEOUT, RC_RETRY: it has ended, and cannot be now. */
enum rc credential_secret_ready(const struct token_host *, int64_t account,
    struct credential_access **c, struct arena *,
    struct credential_secret *) MUST_CHECK;

#endif
