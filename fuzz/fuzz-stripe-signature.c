/* Stripe-Signature: what is accepted names the HMAC of its own time and the
 * body's bytes; a good one is, whatever stands behind it, and is no more with
 * one bit of the body changed. */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domain/stripe.h"

#define NOW       INT64_C(1790000000)
#define BODY_MOST 4096
#define HEAD_MOST 8192
#define SECRET    "whsec_of_a_fuzzer"

static const struct secret secret = { (unsigned char *)SECRET,
	sizeof SECRET - 1 };

static void
sign(int64_t t, struct str body, char out[SHA256_SIZE * 2 + 1])
{
	unsigned char mac[SHA256_SIZE];
	char text[BODY_MOST + 32];
	int n = snprintf(text, sizeof text, "%lld.", (long long)t);

	if (body.n > 0)
		memcpy(text + n, body.p, body.n);
	hmac_sha256(SECRET, sizeof SECRET - 1, text, (size_t)n + body.n, mac);
	hex_encode(mac, sizeof mac, out);
}

/* Nobody guesses an HMAC: the input's own header may be good only where it has
 * one of a time that is near. */
static void
stranger(struct str header, struct str body)
{
	char mac[SHA256_SIZE * 2 + 1];
	bool named = false;

	if (!stripe_signed(header, body, &secret, NOW))
		return;
	for (int64_t t = NOW - 300; t <= NOW + 300 && !named; t++) {
		sign(t, body, mac);
		named = memmem(header.p, header.n, mac, sizeof mac - 1) != NULL;
	}
	HOLDS(named);
}

static void friend(struct str junk, struct str body, int64_t t)
{
	char mac[SHA256_SIZE * 2 + 1], head[HEAD_MOST];
	char changed[BODY_MOST];
	struct str header = { head, 0 };

	sign(t, body, mac);
	header.n = (size_t)snprintf(
	    head, sizeof head, "t=%lld,v1=%s,", (long long)t, mac);
	if (junk.n > 0)
		memcpy(head + header.n, junk.p, junk.n);
	header.n += junk.n;
	HOLDS(stripe_signed(header, body, &secret, NOW) ==
	    (t >= NOW - 300 && t <= NOW + 300));
	if (body.n == 0)
		return;
	memcpy(changed, body.p, body.n);
	changed[(size_t)t % body.n] ^= 1;
	HOLDS(!stripe_signed(
	    header, (struct str){ changed, body.n }, &secret, NOW));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	size_t half;
	struct str header, body;

	if (n < 2 || n > BODY_MOST)
		return 0;
	half = 2 + (n - 2) * data[0] / 256;
	header = (struct str){ (const char *)data + 2, half - 2 };
	body = (struct str){ (const char *)data + half, n - half };
	stranger(header, body);
	friend(header, body, NOW - 320 + data[1] * 5 / 2);
	return 0;
}
