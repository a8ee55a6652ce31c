/* COMPRESS=DEFLATE: what is packed and unpacked again is the same, however it
 * is cut; and what a server sends instead never becomes more than it may. The
 * first byte chooses the cuts. */
#include "fuzz.h"

#include "mail/imap-deflate.h"

#define DEFLATE_MOST 1032 /* what one byte can become */

static enum rc
gather(void *arg, const char *p, size_t n)
{
	buf_add(arg, p, n);
	return RC_OK;
}

static enum rc
unpack_cut(const char *p, size_t n, size_t chunk, struct buf *out)
{
	struct imap_deflate *d = imap_deflate_new();
	enum rc rc = RC_OK;

	for (size_t at = 0; at < n && rc == RC_OK; at += chunk)
		rc = imap_deflate_unpack(
		    d, p + at, n - at < chunk ? n - at : chunk, gather, out);
	imap_deflate_free(&d);
	return rc;
}

static void
there_and_back(const char *p, size_t n, size_t chunk)
{
	struct imap_deflate *d = imap_deflate_new();
	struct buf packed, plain;

	buf_init(&packed, 8 << 20);
	buf_init(&plain, 8 << 20);
	for (size_t at = 0; at < n; at += chunk)
		imap_deflate_pack(
		    d, p + at, n - at < chunk ? n - at : chunk, &packed);
	HOLDS(!packed.full);
	HOLDS(unpack_cut(packed.p, packed.n, chunk, &plain) == RC_OK);
	HOLDS(plain.n == n && (n == 0 || memcmp(plain.p, p, n) == 0));
	buf_clear(&packed);
	buf_clear(&plain);
	imap_deflate_free(&d);
}

static void
from_a_server(const char *p, size_t n, size_t chunk)
{
	struct buf whole, cut;
	enum rc one, two;

	buf_init(&whole, 128 << 20);
	buf_init(&cut, 128 << 20);
	one = unpack_cut(p, n, n + 1, &whole);
	two = unpack_cut(p, n, chunk, &cut);
	HOLDS(one == two && whole.n == cut.n);
	HOLDS(whole.n == 0 || memcmp(whole.p, cut.p, whole.n) == 0);
	HOLDS(whole.n <= n * DEFLATE_MOST);
	buf_clear(&whole);
	buf_clear(&cut);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	size_t chunk;

	if (n < 1 || n > 60000)
		return 0;
	chunk = 1 + data[0] % 64;
	there_and_back((const char *)data + 1, n - 1, chunk);
	from_a_server((const char *)data + 1, n - 1, chunk);
	return 0;
}
