#include "mail/imap-deflate.h"

#include <stdlib.h>
#include <zlib.h>

#include "core/log.h"

/* Commands are short: a window of 4 kB and 32 kB of memory are enough. */
#define OUT_WINDOW (-12) /* negative: raw, without zlib's header */
#define OUT_MEMORY 5
#define IN_WINDOW  (-15) /* the server's choice, this at most */
#define PIECE      16384
#define PACK_ROOM  1024

struct imap_deflate {
	z_stream out, in;
	uint64_t came, made; /* bytes of `in`, before and after */
	bool ended;          /* the server says no more (at LOGOUT) */
	char piece[PIECE];
};

struct imap_deflate *
imap_deflate_new(void)
{
	struct imap_deflate *d = calloc(1, sizeof(*d));

	if (d == NULL ||
	    deflateInit2(&d->out, Z_DEFAULT_COMPRESSION, Z_DEFLATED, OUT_WINDOW,
		OUT_MEMORY, Z_DEFAULT_STRATEGY) != Z_OK ||
	    inflateInit2(&d->in, IN_WINDOW) != Z_OK)
		die("out of memory");
	return d;
}

void
imap_deflate_free(struct imap_deflate **dp)
{
	struct imap_deflate *d = *dp;

	if (d == NULL)
		return;
	(void)deflateEnd(&d->out);
	(void)inflateEnd(&d->in);
	free(d);
	*dp = NULL;
}

/* zlib does not write to what it reads, but says so only when ZLIB_CONST was
 * defined before its header. */
static unsigned char *
bytes(const char *p)
{
	return (unsigned char *)(uintptr_t)p;
}

void
imap_deflate_pack(
    struct imap_deflate *d, const char *p, size_t n, struct buf *out)
{
	d->out.next_in = bytes(p);
	d->out.avail_in = (unsigned)n;
	do {
		char *room = buf_room(out, PACK_ROOM);

		if (room == NULL)
			return;
		d->out.next_out = bytes(room);
		d->out.avail_out = PACK_ROOM;
		if (deflate(&d->out, Z_SYNC_FLUSH) == Z_STREAM_ERROR)
			die("deflate does not work");
		buf_wrote(out, PACK_ROOM - d->out.avail_out);
	} while (d->out.avail_out == 0);
}

static enum rc
goes_on(void)
{
	return fail(
	    RC_PAYLOAD, "the server's compressed data goes on behind its end");
}

static enum rc
check(struct imap_deflate *d, int result)
{
	d->ended = result == Z_STREAM_END;
	if (d->ended)
		return d->in.avail_in == 0 ? RC_OK : goes_on();
	if (result != Z_OK && result != Z_BUF_ERROR)
		return fail(
		    RC_PAYLOAD, "the server's compressed data cannot be read");
	if (d->made > IMAP_DEFLATE_FREE &&
	    d->made - IMAP_DEFLATE_FREE > d->came * IMAP_DEFLATE_RATIO)
		return fail(RC_PAYLOAD,
		    "the server's compressed data unpacks to too much");
	return RC_OK;
}

enum rc
imap_deflate_unpack(struct imap_deflate *d, const char *p, size_t n,
    enum rc (*plain)(void *, const char *, size_t), void *arg)
{
	if (d->ended)
		return goes_on();
	d->in.next_in = bytes(p);
	d->in.avail_in = (unsigned)n;
	d->came += n;
	do {
		size_t got;
		int result;

		d->in.next_out = bytes(d->piece);
		d->in.avail_out = PIECE;
		result = inflate(&d->in, Z_SYNC_FLUSH);
		got = PIECE - d->in.avail_out;
		d->made += got;
		if (got > 0)
			TRY(plain(arg, d->piece, got));
		TRY(check(d, result));
	} while (!d->ended && (d->in.avail_in > 0 || d->in.avail_out == 0));
	return RC_OK;
}
