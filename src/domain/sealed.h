/* Sealed fields: secrets of an account's rows, under the account's data key
 * (core/envelope.h), which lies beside them, wrapped. */
#ifndef DOMAIN_SEALED_H
#define DOMAIN_SEALED_H

#include <stdint.h>

#include "core/envelope.h"
#include "core/secret.h"
#include "db/db.h"

/* What belongs into the row: the field, and which key it is under. */
struct sealed {
	struct str secret;
	int64_t key_id;
};

struct data_key {
	int64_t id;
	struct str wrapped;
};
extern const struct col data_key_cols[];

/* Seals for a place, whose row need not exist yet; makes the account's data
 * key if it has none. Runs within a transaction or without.
 * RC_TOO_LARGE: beyond ENVELOPE_MAX. */
enum rc sealed_make(struct db *, const struct envelope_keks *,
    const struct envelope_place *, struct str plain, struct arena *,
    struct sealed *) MUST_CHECK;

/* RC_INTERNAL: the key is not on this host, or the row was tampered with. */
enum rc sealed_open(const struct envelope_keks *, const struct envelope_place *,
    const struct sealed *, struct str wrapped, struct arena *,
    struct secret *plain) MUST_CHECK;

#endif
