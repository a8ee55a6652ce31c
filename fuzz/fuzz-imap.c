/* IMAP responses: how the bytes were cut must not show, and every string and
 * number that comes out keeps its bounds. The first byte chooses the cuts. */
#include "fuzz.h"

#include "lib/imap-show.h"

static void
check_uids(const struct imap_response *r)
{
	if (r->word == IMAP_FETCH && r->fault == NULL)
		HOLDS(r->message.seq > 0);
	for (size_t i = 0; r->word == IMAP_FETCH && i < r->message.structure.n;
	     i++) {
		size_t parent = r->message.structure.part[i].parent;

		HOLDS(parent == IMAP_NO_PARENT || parent < i);
	}
	if (r->word == IMAP_VANISHED) {
		for (size_t i = 0; i < r->vanished.set.n; i++)
			HOLDS(r->vanished.set.range[i].first > 0);
	}
}

static enum rc
show_all(const char *p, size_t n, size_t chunk, struct buf *out)
{
	static const struct imap_limits limits = { 20000, 5000, 20000, 60000,
		false };
	struct arena *a = arena_new((size_t)256 << 20);
	struct imap_reader *r = imap_reader_new();
	enum rc rc = RC_OK;

	imap_reader_limit(r, &limits);
	for (size_t at = 0; at < n && rc == RC_OK;) {
		size_t piece = n - at < chunk ? n - at : chunk, used = 0;
		const struct imap_frame *f;
		struct imap_response resp;

		rc = imap_reader_feed(r, p + at, piece, &used, &f);
		at += used;
		if (rc != RC_OK || f == NULL)
			continue;
		imap_response_parse(a, f, &resp);
		check_uids(&resp);
		imap_show(out, &resp);
		buf_putc(out, '\n');
		arena_reset(a);
	}
	imap_reader_free(&r);
	arena_free(&a);
	return rc;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct buf whole, cut;
	enum rc one, two;

	if (n == 0 || n > 100000)
		return 0;
	buf_init(&whole, 64 << 20);
	buf_init(&cut, 64 << 20);
	one = show_all((const char *)data + 1, n - 1, n, &whole);
	two = show_all((const char *)data + 1, n - 1, 1 + data[0] % 64, &cut);
	HOLDS(one == two);
	HOLDS(whole.n == cut.n &&
	    (whole.n == 0 || memcmp(whole.p, cut.p, whole.n) == 0));
	buf_clear(&whole);
	buf_clear(&cut);
	return 0;
}
