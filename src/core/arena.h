/* Arenas: memory that ends with a request, a session or a job.
 *
 * What is made in an arena is freed with it; nobody frees single pieces and
 * nobody tests an allocation: memory that cannot be had ends the process, and
 * an arena that would pass its ceiling jumps to its guard (a request then
 * answers 413, a job fails with payload_invalid), or ends the process where
 * there is none. */
#ifndef CORE_ARENA_H
#define CORE_ARENA_H

#include <setjmp.h>
#include <stdbool.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "core/result.h"

struct arena;

/* `ceiling` in bytes, the blocks' own head included. */
struct arena *arena_new(size_t ceiling);
void arena_free(struct arena **);

/* Frees what is in it and keeps one block for the next use. */
void arena_reset(struct arena *);
size_t arena_used(const struct arena *);

/* Where to jump when the ceiling is reached; NULL removes the guard. */
void arena_guard(struct arena *, jmp_buf *);

/* 16-byte aligned and zeroed. */
void *arena_alloc(struct arena *, size_t)
    __attribute__((malloc, returns_nonnull, alloc_size(2)));
void *arena_array(struct arena *, size_t count, size_t size)
    __attribute__((malloc, returns_nonnull, alloc_size(2, 3)));
char *arena_dup(struct arena *, const void *, size_t); /* NUL-terminated */
char *arena_str(struct arena *, const char *);         /* NULL stays NULL */
char *arena_fmt(struct arena *, const char *, ...) PRINTF_LIKE(2, 3);
char *arena_vfmt(struct arena *, const char *, va_list) PRINTF_LIKE(2, 0);

/* Calls `end(handle)` when the arena is reset or freed, last in first out:
 * how a foreign handle joins. */
void arena_defer(struct arena *, void (*end)(void *), void *handle);

#define ARENA_NEW(a, type)      ((type *)arena_alloc((a), sizeof(type)))
#define ARENA_ARRAY(a, type, n) ((type *)arena_array((a), (n), sizeof(type)))

#endif
