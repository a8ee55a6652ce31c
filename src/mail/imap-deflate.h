/* COMPRESS=DEFLATE (RFC 4978): a connection's two directions as raw DEFLATE
 * streams. Knows nothing of IMAP but that. */
#ifndef MAIL_IMAP_DEFLATE_H
#define MAIL_IMAP_DEFLATE_H

#include "core/buffer.h"
#include "core/result.h"

struct imap_deflate;

struct imap_deflate *imap_deflate_new(void);
void imap_deflate_free(struct imap_deflate **);

/* Packs bytes for the server, and all that it needs to read them. */
void
imap_deflate_pack(struct imap_deflate *, const char *, size_t, struct buf *out);

/* What unpacks to more than this many times its size, beyond the first so many
 * bytes of a connection, is a bomb. DEFLATE reaches 1032, what IMAP says about
 * messages about 7, and the largest message is 50 MB. */
#define IMAP_DEFLATE_RATIO 100
#define IMAP_DEFLATE_FREE  ((uint64_t)64 << 20)

/* Unpacks what came from the server: pieces of some kilobytes to `plain`, whose
 * failure is passed on. RC_PAYLOAD: it is broken, goes on behind its end, or is
 * a bomb. */
enum rc imap_deflate_unpack(struct imap_deflate *, const char *, size_t,
    enum rc (*plain)(void *arg, const char *, size_t), void *arg) MUST_CHECK;

#endif
