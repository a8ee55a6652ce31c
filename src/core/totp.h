/* Codes by time (RFC 6238): HMAC-SHA-1, six digits, steps of 30 s. */
#ifndef CORE_TOTP_H
#define CORE_TOTP_H

#include <stdbool.h>
#include <stdint.h>

#include "core/secret.h"
#include "core/text.h"

#define TOTP_STEP_S 30
#define TOTP_DIGITS 6
#define TOTP_SECRET 20 /* bytes; RFC 4226 4, R6 */

/* The code of a step (seconds since 1970 / 30), NUL-terminated. */
void totp_code(const struct secret *, int64_t step, char out[TOTP_DIGITS + 1]);

/* Which step's code is it: this one, the one before or the next, and later
 * than `last`? 0: none of them. */
int64_t
totp_step(const struct secret *, struct str code, int64_t now_s, int64_t last);

/* Base32 (RFC 4648 6), without padding, as authenticators take it. */
char *base32_encode(struct arena *, const void *, size_t);

#endif
