/* Envelopes: secrets in the database, readable only with a key beside it.
 *
 * Two floors. A key-encryption key (KEK) lies in a file of key_dir; it wraps
 * a data key an account; the data key seals single fields. What is sealed is
 * bound to its place (table, application, account, id, field) as additional
 * data, so that a value copied to another row, column or tenant opens
 * nowhere. AES-256-GCM, a random 96-bit nonce each (NIST SP 800-38D 8.2.2:
 * good for 2^32 seals a data key).
 *
 * Sealed form: version (1 byte, 1) | key id (8, big-endian) | nonce (12) |
 * tag (16) | ciphertext as long as the plaintext. */
#ifndef CORE_ENVELOPE_H
#define CORE_ENVELOPE_H

#include "core/secret.h"
#include "core/text.h"

#define ENVELOPE_KEY_SIZE 32
#define ENVELOPE_OVERHEAD 37
#define ENVELOPE_MAX      65536 /* of plaintext */
#define ENVELOPE_KEKS_MAX 8

/* Key id: a number from 1 on. Of a KEK the file's, of a data key its row's. */
struct envelope_key {
	int64_t id;
	unsigned char key[ENVELOPE_KEY_SIZE];
};
void envelope_key_wipe(struct envelope_key *);

/* Where a sealed value stands. */
struct envelope_place {
	const char *table;
	int64_t application;
	int64_t account;
	int64_t id;
	const char *field;
};

/* The KEKs of an installation. The one with the highest id wraps, all unwrap:
 * during a rotation two are there. */
struct envelope_keks {
	struct envelope_key kek[ENVELOPE_KEKS_MAX]; /* by id */
	size_t n;
};

/* Reads `envelope-<id>.key` (64 hex digits, mode 0600) of `dir`.
 * RC_INVALID with the reason: none there, a broken or a readable one. */
enum rc envelope_keks_load(const char *dir, struct envelope_keks *) MUST_CHECK;
void envelope_keks_wipe(struct envelope_keks *);

/* Makes the next KEK's file; the id comes out. From then on it wraps. */
enum rc envelope_kek_generate(const char *dir, int64_t *id) MUST_CHECK;

/* A new data key for an account, and its wrapped form for the row `id`. */
void envelope_data_key_new(const struct envelope_keks *, int64_t application,
    int64_t account, int64_t id, struct arena *, struct envelope_key *,
    struct str *wrapped);

/* RC_INTERNAL where the bytes are broken, another account's, or wrapped by a
 * KEK that is not there: nothing a caller of the API could mend. */
enum rc envelope_data_key_open(const struct envelope_keks *,
    int64_t application, int64_t account, int64_t id, struct str wrapped,
    struct envelope_key *) MUST_CHECK;

/* Is it wrapped by another KEK than the newest one? Then rotation wraps it
 * again (open, then wrap); sealed fields stay as they are. */
bool envelope_data_key_stale(const struct envelope_keks *, struct str wrapped);
void envelope_data_key_wrap(const struct envelope_keks *, int64_t application,
    int64_t account, const struct envelope_key *, struct arena *,
    struct str *wrapped);

/* Seals at most ENVELOPE_MAX bytes; RC_TOO_LARGE beyond. */
enum rc
envelope_seal(const struct envelope_key *, const struct envelope_place *,
    struct str plain, struct arena *, struct str *sealed) MUST_CHECK;

/* RC_INTERNAL where anything differs: place, key, a single bit. */
enum rc
envelope_open(const struct envelope_key *, const struct envelope_place *,
    struct str sealed, struct arena *, struct secret *plain) MUST_CHECK;

/* The key id a sealed value names; 0 where it is none of ours. */
int64_t envelope_key_id(struct str sealed);

#endif
