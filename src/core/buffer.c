#include "core/buffer.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/log.h"
#include "core/text.h"

#define BUF_FIRST ((size_t)256)

/* One byte more than `cap` is there for the NUL of buf_text and vsnprintf. */
static void
resize(struct buf *b, size_t cap)
{
	char *p = realloc(b->p, cap + 1);

	if (p == NULL)
		die("out of memory size=%zu", cap);
	b->p = p;
	b->cap = cap;
}

void
buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){ .max = max < SIZE_MAX ? max : SIZE_MAX - 1 };
}

void
buf_clear(struct buf *b)
{
	free(b->p);
	buf_init(b, b->max);
}

void
buf_reset(struct buf *b)
{
	b->n = 0;
	b->full = false;
}

static void
grow(struct buf *b, size_t need)
{
	size_t cap = b->cap < BUF_FIRST ? BUF_FIRST : b->cap;

	while (cap < need)
		cap = cap > b->max / 2 ? b->max : cap * 2;
	resize(b, cap < b->max ? cap : b->max);
}

char *
buf_room_made(struct buf *b, size_t n)
{
	/* Once full, smaller writes stay out too: no text with holes. */
	if (b->full || n > b->max - b->n) {
		b->full = true;
		return NULL;
	}
	if (n > b->cap - b->n || b->p == NULL)
		grow(b, b->n + n);
	return b->p + b->n;
}

void
buf_puts(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void
buf_vfmt(struct buf *b, const char *fmt, va_list ap)
{
	va_list again;
	char *room;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (n < 0)
		die("format cannot be printed: %s", fmt);
	room = buf_room(b, (size_t)n);
	if (room == NULL)
		return;
	vsnprintf(room, (size_t)n + 1, fmt, ap);
	b->n += (size_t)n;
}

void
buf_fmt(struct buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_vfmt(b, fmt, ap);
	va_end(ap);
}

void
buf_int(struct buf *b, long long value)
{
	char text[INT_PRINT_SIZE];
	size_t n = int_print(value, text);

	buf_add(b, text, n);
}

void
buf_drop(struct buf *b, size_t n)
{
	if (n >= b->n) {
		b->n = 0;
		return;
	}
	memmove(b->p, b->p + n, b->n - n);
	b->n -= n;
}

const char *
buf_text(struct buf *b)
{
	if (b->p == NULL)
		return "";
	b->p[b->n] = '\0';
	return b->p;
}

void
buf_shrink(struct buf *b, size_t keep)
{
	if (b->cap <= keep || b->n > keep)
		return;
	if (keep == 0) {
		free(b->p);
		b->p = NULL;
		b->cap = 0;
		return;
	}
	resize(b, keep);
}
