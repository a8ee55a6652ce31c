/* Sheets and dice: growing text, and chance that repeats itself. For programs
 * that make test data: they need only libc and end when memory does. */
#ifndef BENCH_SHEET_H
#define BENCH_SHEET_H

#include <stddef.h>
#include <stdint.h>

struct sheet {
	char *data; /* owned; not terminated */
	size_t size, room;
};

void sheet_add(struct sheet *, const void *, size_t);
void sheet_text(struct sheet *, const char *);
void sheet_print(struct sheet *, const char *, ...)
    __attribute__((format(printf, 2, 3)));
void sheet_clear(struct sheet *);

/* Base64 in lines of 76; quoted-printable (RFC 2045 6.7), where `\n` is a
 * line's end. */
void sheet_base64(struct sheet *, const void *, size_t);
void sheet_quoted(struct sheet *, const char *, size_t);

/* The text in another charset. Falls short of nothing: what the charset lacks
 * becomes `?`. */
void
sheet_recode(struct sheet *, const char *charset, const char *utf8, size_t);

struct dice {
	uint64_t state;
};

/* The same three numbers give the same throws. */
struct dice dice_of(uint64_t seed, uint64_t number, uint64_t purpose);
uint64_t dice_next(struct dice *);
/* 0 … faces-1 */
uint32_t dice_roll(struct dice *, uint32_t faces);

#endif
