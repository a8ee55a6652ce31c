/* Secrets: passwords, tokens and keys. Never printed, wiped after use,
 * compared in constant time. */
#ifndef CORE_SECRET_H
#define CORE_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/arena.h"
#include "core/text.h"

struct secret {
	unsigned char *p; /* owned by the arena; wiped when it ends */
	size_t n;         /* NUL-terminated behind n */
};

/* Copies into the arena, to be wiped with it. */
struct secret secret_new(struct arena *, const void *, size_t);
static inline bool
secret_is(const struct secret *s)
{
	return s->p != NULL;
}
void secret_wipe(struct secret *);

/* Whole contents, in time that depends on the lengths only. */
bool secret_eq(const struct secret *, const void *, size_t);

/* Reads a key file; refused unless a plain file, at most `max` bytes, no
 * right for others and none to write for the group. RC_CONFIG_HOST never;
 * RC_INVALID with the reason in fail_detail. */
enum rc secret_read(
    struct arena *, const char *path, size_t max, struct secret *) MUST_CHECK;

/* From the kernel (getrandom); ends the process where that fails. */
void random_bytes(void *, size_t);

/* A new token: 256 random bits in base64url, SECRET_TOKEN characters. */
#define SECRET_TOKEN 43
struct secret secret_token(struct arena *);

/* SHA-256 (FIPS 180-4). */
#define SHA256_SIZE 32
void sha256(const void *, size_t, unsigned char out[SHA256_SIZE]);
/* The same of pieces. _end frees, and leaves NULL; `out` may be NULL. */
struct sha256;
struct sha256 *sha256_new(void);
void sha256_add(struct sha256 *, const void *, size_t);
void sha256_end(struct sha256 **, unsigned char out[SHA256_SIZE]);

/* HMAC with SHA-256 (RFC 2104). */
void hmac_sha256(const void *key, size_t key_n, const void *, size_t,
    unsigned char out[SHA256_SIZE]);

#endif
