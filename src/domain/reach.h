/* From a credential's row to what a connection needs. */
#ifndef DOMAIN_REACH_H
#define DOMAIN_REACH_H

#include "core/conf.h"
#include "domain/credential.h"
#include "mail/egress.h"
#include "mail/imap.h"

/* The egress policy of the configuration, made once a process. */
enum rc reach_egress(const struct conf *, const struct egress **) MUST_CHECK;

/* Fills `out`, which borrows all that it is given. The deadlines are the
 * caller's. */
void reach_params(const struct conf *, const struct egress *,
    const struct credential_access *, const struct credential_secret *,
    struct imap_params *out);

/* Opens the secret and does the same with the egress policy of this process:
 * `out` then lives as long as the arena. RC_CONFLICT: the credential is no IMAP
 * one, or switched off. */
enum rc reach_imap(struct db *, const struct conf *, int64_t account,
    struct credential_access **, struct arena *,
    struct imap_params *out) MUST_CHECK;

/* Opens the secret, its token renewed where it ends (credential-token.h), with
 * keys and egress policy of this process. */
enum rc reach_secret(struct db *, const struct conf *, int64_t account,
    struct credential_access **, struct arena *,
    struct credential_secret *) MUST_CHECK;

#endif
