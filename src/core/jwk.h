/* JSON Web Keys (RFC 7517, 7518, 8037): what signs tokens and checks them.
 *
 * A key has exactly one algorithm, fixed when it is read; what a token's
 * header says never chooses one. RSA of 2048 to 8192 bits, P-256, Ed25519.
 * The EVP_PKEY is made once and kept: reading a PEM costs 1.1 ms, a check of
 * a signature 25 us. */
#ifndef CORE_JWK_H
#define CORE_JWK_H

#include <openssl/types.h>

#include "core/buffer.h"
#include "core/secret.h"
#include "core/text.h"

enum jwk_alg { JWK_RS256, JWK_ES256, JWK_EDDSA, JWK_ALG_COUNT };

#define JWK_KID_MAX       64
#define JWK_SET_MAX       16
#define JWK_SIGNATURE_MAX 1024

struct jwk {
	char kid[JWK_KID_MAX + 1];
	enum jwk_alg alg;
	EVP_PKEY *pkey; /* owned */
	bool can_sign;  /* the private half is there */
};

struct jwk_set {
	struct jwk key[JWK_SET_MAX];
	size_t n;
};

/* "RS256", "ES256", "EdDSA" */
const char *jwk_alg_name(enum jwk_alg);

/* [A-Za-z0-9_-]{1,64}: nothing that could be a path or a query. */
bool jwk_kid_ok(struct str);

/* A new private key; its kid is its thumbprint (RFC 7638). */
void jwk_generate(enum jwk_alg, struct jwk *);

/* From a PEM, private (PKCS #8) or public. RC_INVALID where the key is of a
 * kind or size that is not allowed; the detail never shows the key. */
enum rc jwk_from_pem(const struct secret *, struct jwk *) MUST_CHECK;

/* The private key as PKCS #8 PEM. */
struct secret jwk_to_pem(const struct jwk *, struct arena *);

void jwk_clear(struct jwk *);

/* SHA-256 over the public half in the form of RFC 7638, base64url. */
void jwk_thumbprint(const struct jwk *, char out[JWK_KID_MAX + 1]);

/* Signs with the private half; at most JWK_SIGNATURE_MAX bytes, in the form
 * of RFC 7518 3.4 (r and s side by side) for ES256. */
size_t jwk_sign(
    const struct jwk *, struct str data, unsigned char out[JWK_SIGNATURE_MAX]);

/* True only for a right signature of the key's own algorithm. */
bool jwk_check(const struct jwk *, struct str data, struct str sig) MUST_CHECK;

/* A JWKS document of at most 64 KiB. Entries that are not for us (symmetric,
 * encryption, other algorithms, no kid, too short) are skipped, as RFC 7517 5
 * asks; more than 16 usable ones or two of one kid are RC_INVALID. Clears the
 * set first, and leaves it empty on failure. */
enum rc jwk_set_read(struct str text, struct jwk_set *) MUST_CHECK;

/* {"keys": [...]} with the public halves. */
void jwk_set_print(const struct jwk_set *, struct buf *);

/* In memory only. NULL where there is none: the caller refuses. */
const struct jwk *jwk_set_find(const struct jwk_set *, struct str kid);

void jwk_set_clear(struct jwk_set *);

#endif
