/* Signed tokens in compact form (RFC 7515), checked by the rules of RFC 8725.
 *
 * Ours and not libjwt's: Debian's 1.10 accepts expired tokens, HS256 keyed
 * with a public RSA key and, given no key, anything. Minting is here too
 * (EVP and our JSON writer): libjwt reads the PEM again for each token, which
 * costs more than the signature. */
#ifndef CORE_JWS_H
#define CORE_JWS_H

#include "core/jwk.h"

#define JWS_MAX 8192 /* bytes of a whole token */

/* Finds the key for a token. `unproven` is the payload, whose signature has
 * not been checked: good for choosing an issuer, nothing else. NULL refuses
 * the token. */
typedef const struct jwk *
jws_find(void *ctx, struct str kid, struct str unproven);

/* Exactly three strict base64url segments; header with `typ`, `kid` and the
 * key's own `alg`, without anything that would bring a key along or change
 * the meaning (crit jku jwk x5u x5c b64 zip enc cty); members once only.
 * RC_UNAUTHORIZED for each fault; the detail says which. The payload appears
 * only when the signature is right. */
enum rc jws_verify(struct arena *, struct str token, const char *typ,
    jws_find *, void *ctx, struct str *payload) MUST_CHECK;

/* A jws_find whose context is a const struct jwk_set. */
jws_find jws_find_in_set;

/* header.payload.signature; `payload` is a JSON object. */
char *jws_sign(
    struct arena *, const struct jwk *, const char *typ, struct str payload);

#endif
