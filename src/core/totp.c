#include "core/totp.h"

#include <stdio.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "core/log.h"

#define SHA1_SIZE 20

void
totp_code(const struct secret *key, int64_t step, char out[TOTP_DIGITS + 1])
{
	unsigned char counter[8], mac[SHA1_SIZE];
	uint32_t n;
	unsigned at;

	for (int i = 0; i < 8; i++)
		counter[i] = (unsigned char)((uint64_t)step >> (56 - 8 * i));
	if (HMAC(EVP_sha1(), key->p, (int)key->n, counter, sizeof counter, mac,
		NULL) == NULL)
		die("HMAC failed");
	/* RFC 4226 5.3: four bytes from where the last half byte says */
	at = mac[SHA1_SIZE - 1] & 0xf;
	n = (uint32_t)(mac[at] & 0x7f) << 24 | (uint32_t)mac[at + 1] << 16 |
	    (uint32_t)mac[at + 2] << 8 | mac[at + 3];
	snprintf(out, TOTP_DIGITS + 1, "%06u", n % 1000000);
}

/* All three are computed, whichever it is. */
int64_t
totp_step(
    const struct secret *key, struct str code, int64_t now_s, int64_t last)
{
	int64_t now = now_s / TOTP_STEP_S, found = 0;
	char right[TOTP_DIGITS + 1];

	if (code.n != TOTP_DIGITS)
		return 0;
	for (int64_t step = now - 1; step <= now + 1; step++) {
		totp_code(key, step, right);
		if (CRYPTO_memcmp(right, code.p, TOTP_DIGITS) == 0 &&
		    step > last && found == 0)
			found = step;
	}
	return found;
}

char *
base32_encode(struct arena *a, const void *data, size_t n)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
	const unsigned char *p = data;
	char *out = arena_alloc(a, n * 8 / 5 + 2);
	unsigned held = 0, bits = 0;
	size_t at = 0;

	for (size_t i = 0; i < n; i++) {
		held = held << 8 | p[i];
		for (bits += 8; bits >= 5; bits -= 5)
			out[at++] = digits[held >> (bits - 5) & 31];
	}
	if (bits > 0)
		out[at++] = digits[held << (5 - bits) & 31];
	return out;
}
