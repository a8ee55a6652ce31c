/* Stripe-Signature: t=1492774577,v1=5257a8…,v1=…, with other schemes between.
 */
#include <string.h>

#include "domain/stripe.h"

#define TOLERANCE_S 300
#define V1_MOST     16
#define TIME_MOST   UINT64_C(100000000000)

/* The text up to a byte, and what is behind it. */
static struct str
part(struct str *rest, char end)
{
	const char *at = memchr(rest->p, end, rest->n);
	struct str out = { rest->p,
		at != NULL ? (size_t)(at - rest->p) : rest->n };
	size_t gone = out.n + (at != NULL);

	*rest = (struct str){ rest->p + gone, rest->n - gone };
	return out;
}

struct header {
	struct str t;
	struct str v1[V1_MOST];
	size_t n;
};

static void
header_read(struct str text, struct header *out)
{
	const struct str t = { "t", 1 }, v1 = { "v1", 2 };

	*out = (struct header){ .n = 0 };
	while (text.n > 0) {
		struct str value = part(&text, ','), name = part(&value, '=');

		name = str_trim(name);
		if (str_eq(name, t) && out->t.p == NULL)
			out->t = str_trim(value);
		else if (str_eq(name, v1) && out->n < V1_MOST)
			out->v1[out->n++] = str_trim(value);
	}
}

static void
mac_of(struct str t, struct str body, struct str secret,
    unsigned char out[SHA256_SIZE])
{
	struct buf b;

	buf_init(&b, t.n + 1 + body.n + 1);
	buf_add(&b, t.p, t.n);
	buf_add(&b, ".", 1);
	buf_add(&b, body.p, body.n);
	hmac_sha256(secret.p, secret.n, b.p, b.n, out);
	buf_clear(&b);
}

/* All are looked at, whichever fits. */
static bool
one_fits(const struct header *h, unsigned char mac[SHA256_SIZE])
{
	const struct secret wanted = { mac, SHA256_SIZE };
	unsigned char given[SHA256_SIZE];
	bool fits = false;

	for (size_t i = 0; i < h->n; i++)
		if (hex_decode(h->v1[i], given, sizeof given))
			fits |= secret_eq(&wanted, given, sizeof given);
	return fits;
}

bool
stripe_signed(struct str header, struct str body, const struct secret *secrets,
    int64_t now_s)
{
	struct str lines = { (const char *)secrets->p, secrets->n };
	unsigned char mac[SHA256_SIZE];
	struct header h;
	bool fits = false;
	uint64_t at;

	header_read(header, &h);
	if (h.t.p == NULL || !str_uint(h.t, TIME_MOST, &at) ||
	    (int64_t)at < now_s - TOLERANCE_S ||
	    (int64_t)at > now_s + TOLERANCE_S)
		return false;
	while (lines.n > 0) {
		struct str secret = str_trim(part(&lines, '\n'));

		if (secret.n == 0)
			continue;
		mac_of(h.t, body, secret, mac);
		fits |= one_fits(&h, mac);
	}
	explicit_bzero(mac, sizeof mac);
	return fits;
}
