/* Buffers: bytes that grow up to a limit.
 *
 * A write that would pass the limit is dropped whole and `full` stays set,
 * so a writer checks once, at the end. Out of memory ends the process. */
#ifndef CORE_BUFFER_H
#define CORE_BUFFER_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "core/result.h"

struct buf {
	char *p; /* owned; not NUL-terminated, see buf_text */
	size_t n;
	size_t cap;
	size_t max;
	bool full;
};

void buf_init(struct buf *, size_t max);
void buf_clear(struct buf *); /* frees; may be used again */
void buf_reset(struct buf *); /* forgets the bytes, keeps the memory */

/* Room for `n` more bytes, or NULL (then `full`). What was written is
 * announced with buf_wrote. A list of emails asks three thousand times, so
 * that what is the rule is here and the rest is not. */
char *buf_room_made(struct buf *, size_t n);
static inline char *
buf_room(struct buf *b, size_t n)
{
	if (n <= b->cap - b->n && b->p != NULL && !b->full)
		return b->p + b->n;
	return buf_room_made(b, n);
}
static inline void
buf_wrote(struct buf *b, size_t n)
{
	b->n += n;
}

static inline void
buf_add(struct buf *b, const void *p, size_t n)
{
	char *room = n > 0 ? buf_room(b, n) : NULL;

	if (room == NULL)
		return;
	memcpy(room, p, n);
	b->n += n;
}
static inline void
buf_putc(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}
void buf_puts(struct buf *, const char *);
void buf_fmt(struct buf *, const char *, ...) PRINTF_LIKE(2, 3);
void buf_vfmt(struct buf *, const char *, va_list) PRINTF_LIKE(2, 0);
void buf_int(struct buf *, long long);

/* Drops `n` bytes at the front (what a parser has consumed). */
void buf_drop(struct buf *, size_t n);

/* The bytes with a NUL behind them; valid until the next write. */
const char *buf_text(struct buf *);

/* Gives memory beyond `keep` bytes back, when the content allows it. */
void buf_shrink(struct buf *, size_t keep);

#define BUF_LIT(b, lit) buf_add((b), (lit), sizeof(lit) - 1)

#endif
