/* Sets of UIDs: sorted ranges that neither touch nor overlap.
 *
 * Every operation costs by the number of ranges, never by the number of UIDs:
 * "1:4294967295" is one range. UIDs are 1..2^32-1 (RFC 9051 2.3.1.1). */
#ifndef MAIL_IMAP_SET_H
#define MAIL_IMAP_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/arena.h"
#include "core/buffer.h"
#include "core/text.h"

struct imap_range {
	uint32_t first, last; /* both belong to it; first <= last */
};

struct imap_set {
	struct imap_range *range; /* owned by the arena */
	size_t n;
	size_t cap;
	struct arena *arena; /* borrowed */
};

void imap_set_init(struct imap_set *, struct arena *);

/* Reads "1,3:5,9:*". `star` is what "*" stands for; 0 refuses it. False on
 * anything that is not a set of UIDs; the set is then empty. */
bool imap_set_parse(struct imap_set *, struct str, uint32_t star);

/* The same without sorting and joining: COPYUID pairs its two sets in the
 * order in which they are written (RFC 4315 3). Only imap_set_nth and
 * imap_set_index may be used on such a list. */
bool imap_set_parse_list(struct imap_set *, struct str);

/* Cheap when UIDs come in rising order. first <= last, first > 0. */
void imap_set_add(struct imap_set *, uint32_t first, uint32_t last);
/* For numbers in any order: gather them all, then settle once; sorts only
 * when needed. */
void imap_set_gather(struct imap_set *, uint32_t first, uint32_t last);
void imap_set_settle(struct imap_set *);

bool imap_set_has(const struct imap_set *, uint32_t uid);
uint64_t imap_set_count(const struct imap_set *);

/* out = a without b, a with b, what is in both. `out` is neither of them. */
void imap_set_difference(
    const struct imap_set *a, const struct imap_set *b, struct imap_set *out);
void imap_set_union(
    const struct imap_set *a, const struct imap_set *b, struct imap_set *out);
void imap_set_intersection(
    const struct imap_set *a, const struct imap_set *b, struct imap_set *out);

/* Moves the `most` highest UIDs (or what there is) into `out`: how a sync
 * takes batches, newest first. */
void
imap_set_take_newest(struct imap_set *, uint64_t most, struct imap_set *out);

/* The UID at a place, from 0, and the place of a UID; false: none. */
bool imap_set_nth(const struct imap_set *, uint64_t place, uint32_t *uid);
bool imap_set_index(const struct imap_set *, uint32_t uid, uint64_t *place);

/* Walks UID by UID: `struct imap_walk w = { &set }; while (imap_set_next(&w,
 * &uid))`. Whoever walks a set from a server bounds it first. */
struct imap_walk {
	const struct imap_set *set;
	size_t at;
	uint32_t done; /* of range `at`, counted from 0 */
};
bool imap_set_next(struct imap_walk *, uint32_t *uid);

/* "1,3:5"; an empty set prints nothing. imap_set_print_some stops before
 * passing `max` bytes and returns the number of ranges written, counted from
 * `from`: for command lines that must stay short (RFC 7162 4). */
void imap_set_print(const struct imap_set *, struct buf *);
size_t imap_set_print_some(
    const struct imap_set *, size_t from, size_t max, struct buf *);

#endif
