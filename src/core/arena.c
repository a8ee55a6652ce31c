#include "core/arena.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/log.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAVE_ASAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(HAVE_ASAN)
#include <sanitizer/asan_interface.h>
#define POISON(p, n)   ASAN_POISON_MEMORY_REGION((p), (n))
#define UNPOISON(p, n) ASAN_UNPOISON_MEMORY_REGION((p), (n))
#define GAP            ALIGN /* left poisoned behind each piece */
#else
#define POISON(p, n)   ((void)(p), (void)(n))
#define UNPOISON(p, n) ((void)(p), (void)(n))
#define GAP            0
#endif

#define ALIGN ((size_t)16)

/* Blocks double from the first to the second size; a piece larger than a
 * quarter of the second has a block of its own. */
#define BLOCK_FIRST ((size_t)4096)
#define BLOCK_MOST  ((size_t)128 * 1024)

struct block {
	struct block *next;
	size_t size; /* head included */
	size_t used; /* head included */
	size_t pad;  /* so that the bytes behind are aligned */
};
_Static_assert(sizeof(struct block) % 16 == 0, "pieces are aligned");

struct deferred {
	struct deferred *next;
	void (*end)(void *);
	void *handle;
};

struct arena {
	struct block *blocks;  /* owned; the first is the one being filled */
	struct deferred *ends; /* in the blocks; the last one first */
	jmp_buf *guard;        /* borrowed */
	size_t ceiling;
	size_t held; /* size of all blocks */
	size_t next; /* size of the next block */
};

struct arena *
arena_new(size_t ceiling)
{
	struct arena *a = calloc(1, sizeof(*a));

	if (a == NULL)
		die("out of memory");
	a->ceiling = ceiling;
	a->next = BLOCK_FIRST;
	return a;
}

static void
block_free(struct arena *a, struct block *b)
{
	UNPOISON(b, b->size);
	a->held -= b->size;
	free(b);
}

static void
run_ends(struct arena *a)
{
	while (a->ends != NULL) {
		struct deferred *d = a->ends;

		a->ends = d->next;
		d->end(d->handle);
	}
}

void
arena_free(struct arena **pa)
{
	struct arena *a = *pa;

	if (a == NULL)
		return;
	run_ends(a);
	while (a->blocks != NULL) {
		struct block *b = a->blocks;

		a->blocks = b->next;
		block_free(a, b);
	}
	free(a);
	*pa = NULL;
}

/* The largest ordinary block: the next request is like the last one. */
static struct block *
block_to_keep(const struct arena *a)
{
	struct block *best = NULL;

	for (struct block *b = a->blocks; b != NULL; b = b->next) {
		if (b->size <= BLOCK_MOST &&
		    (best == NULL || b->size > best->size))
			best = b;
	}
	return best;
}

void
arena_reset(struct arena *a)
{
	struct block *keep, *next;

	run_ends(a);
	keep = block_to_keep(a);
	for (struct block *b = a->blocks; b != NULL; b = next) {
		next = b->next;
		if (b != keep)
			block_free(a, b);
	}
	a->blocks = keep;
	if (keep != NULL) {
		keep->next = NULL;
		keep->used = sizeof(*keep);
		POISON(keep + 1, keep->size - sizeof(*keep));
	}
}

size_t
arena_used(const struct arena *a)
{
	return a->held;
}

void
arena_guard(struct arena *a, jmp_buf *guard)
{
	a->guard = guard;
}

static _Noreturn void
over_ceiling(struct arena *a)
{
	if (a->guard != NULL)
		longjmp(*a->guard, 1);
	die("arena over its ceiling ceiling=%zu", a->ceiling);
}

/* How large a block to make for a piece of `n` bytes; 0: the ceiling is in
 * the way. What is left below the ceiling is used up before it is reached. */
static size_t
block_size(const struct arena *a, size_t n)
{
	size_t left = a->ceiling > a->held ? a->ceiling - a->held : 0;
	size_t least = n + sizeof(struct block);

	if (least > left)
		return 0;
	if (n > BLOCK_MOST / 4 || least > a->next)
		return least;
	return a->next < left ? a->next : left;
}

static struct block *
block_new(struct arena *a, size_t n)
{
	size_t size = block_size(a, n);
	struct block *b;

	if (size == 0)
		return NULL;
	b = malloc(size);
	if (b == NULL)
		die("out of memory size=%zu", size);
	b->size = size;
	b->used = sizeof(*b);
	a->held += size;
	POISON(b + 1, size - sizeof(*b));
	/* A block for one large piece goes behind the one being filled. */
	if (a->blocks != NULL && n > BLOCK_MOST / 4) {
		b->next = a->blocks->next;
		a->blocks->next = b;
		return b;
	}
	b->next = a->blocks;
	a->blocks = b;
	if (a->next < BLOCK_MOST)
		a->next *= 2;
	return b;
}

/* NULL: the ceiling is in the way. */
static void *
take(struct arena *a, size_t n)
{
	struct block *b = a->blocks;
	size_t step;
	char *p;

	if (n > a->ceiling)
		return NULL;
	step = ((n + ALIGN - 1) & ~(ALIGN - 1)) + GAP;
	if (b == NULL || b->size - b->used < step) {
		b = block_new(a, step);
		if (b == NULL)
			return NULL;
	}
	p = (char *)b + b->used;
	b->used += step;
	UNPOISON(p, n);
	return memset(p, 0, n);
}

void *
arena_alloc(struct arena *a, size_t n)
{
	void *p = take(a, n);

	if (p == NULL)
		over_ceiling(a);
	return p;
}

void *
arena_array(struct arena *a, size_t count, size_t size)
{
	size_t n;

	if (__builtin_mul_overflow(count, size, &n))
		over_ceiling(a);
	return arena_alloc(a, n);
}

char *
arena_dup(struct arena *a, const void *p, size_t n)
{
	char *copy;

	if (n == SIZE_MAX)
		over_ceiling(a);
	copy = arena_alloc(a, n + 1);
	if (n > 0)
		memcpy(copy, p, n);
	return copy;
}

char *
arena_str(struct arena *a, const char *s)
{
	return s != NULL ? arena_dup(a, s, strlen(s)) : NULL;
}

char *
arena_vfmt(struct arena *a, const char *fmt, va_list ap)
{
	va_list again;
	char *text;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (n < 0)
		die("format cannot be printed: %s", fmt);
	text = arena_alloc(a, (size_t)n + 1);
	vsnprintf(text, (size_t)n + 1, fmt, ap);
	return text;
}

char *
arena_fmt(struct arena *a, const char *fmt, ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	text = arena_vfmt(a, fmt, ap);
	va_end(ap);
	return text;
}

void
arena_defer(struct arena *a, void (*end)(void *), void *handle)
{
	struct deferred *d = take(a, sizeof(*d));

	if (d == NULL) {
		end(handle); /* it has nobody else now */
		over_ceiling(a);
	}
	*d = (struct deferred){ a->ends, end, handle };
	a->ends = d;
}
