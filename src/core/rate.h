/* Rate limits: how often somebody came within this minute.
 *
 * A fixed table of 64-bit atomics in a file of run_dir, shared by all
 * processes of a host: no locks, one compare-and-swap a request, and it
 * outlives the responders. A row is found by a keyed hash of (kind, key) in
 * one of 4,096 sets of 8; where a set is full, the row of an earlier minute
 * goes first, then the one with the fewest requests, so that a flood of new
 * addresses drives out its own kind before those who are near their limit. */
#ifndef CORE_RATE_H
#define CORE_RATE_H

#include "core/result.h"
#include "core/text.h"

#define RATE_LIMIT_MAX 1000000

/* What is counted; a kind has rows of its own. */
enum rate_kind { RATE_ADDRESS, RATE_SESSION, RATE_TOKEN, RATE_LOGIN };

struct rate {
	bool allowed;
	int64_t limit;     /* 0: none; the rest is 0 then */
	int64_t remaining; /* after this request */
	int64_t reset;     /* seconds since 1970: the next minute */
};

struct rate_table;

/* Opens or makes `run_dir`/rate-1. RC_INVALID where it cannot. */
enum rc rate_open(const char *run_dir, struct rate_table **) MUST_CHECK;
void rate_close(struct rate_table **);

/* Counts one request of `key` (a session's or token's hash, an address) and
 * says whether it may go on; one beyond the limit is not counted. `now` in
 * seconds since 1970. */
struct rate rate_take(struct rate_table *, enum rate_kind, struct str key,
    int64_t limit, int64_t now);

/* The same without counting: `allowed` says whether a request would pass. */
struct rate rate_look(struct rate_table *, enum rate_kind, struct str key,
    int64_t limit, int64_t now);

/* The part of an address that a customer cannot choose: an IPv4 address
 * whole, of IPv6 the first 64 bits; mapped IPv4 as IPv4. The text itself
 * where it is no address. */
struct str rate_address(struct arena *, struct str address);

#endif
