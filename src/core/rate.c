#include "core/rate.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/log.h"
#include "core/secret.h"

#define MAGIC     UINT64_C(0x4c52617465303031) /* "LRate001" */
#define SETS      4096
#define WAYS      8
#define SALT_SIZE 16

/* A row in one word, so that no reader ever sees half of a change:
 * tag (28 bits of the hash) | minute (16 bits) | count (20 bits). 0: empty.
 * 16 bits of minutes come round after 45 days. */
#define TAG_BITS    28
#define MINUTE_BITS 16
#define COUNT_BITS  20
#define COUNT_MAX   ((UINT64_C(1) << COUNT_BITS) - 1)

_Static_assert(TAG_BITS + MINUTE_BITS + COUNT_BITS == 64, "one word");
_Static_assert(RATE_LIMIT_MAX <= COUNT_MAX, "a limit can be counted");
_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "atomics work between processes");

/* The file. */
struct shared {
	uint64_t magic; /* written last, under the lock */
	unsigned char salt[SALT_SIZE];
	_Atomic uint64_t row[SETS][WAYS];
};

struct rate_table {
	struct shared *shared; /* mapped */
};

static uint64_t
row_make(uint64_t tag, uint64_t minute, uint64_t count)
{
	return tag << (MINUTE_BITS + COUNT_BITS) | minute << COUNT_BITS | count;
}

static uint64_t
row_tag(uint64_t row)
{
	return row >> (MINUTE_BITS + COUNT_BITS);
}

static uint64_t
row_minute(uint64_t row)
{
	return row >> COUNT_BITS & ((UINT64_C(1) << MINUTE_BITS) - 1);
}

static uint64_t
row_count(uint64_t row)
{
	return row & COUNT_MAX;
}

/* The file never shrinks and its salt never changes once it is there, so
 * that no other process's mapping breaks. */
static bool
prepare(int fd, struct shared **out)
{
	struct shared *s;
	struct stat st;

	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) ||
	    (st.st_size < (off_t)sizeof *s && ftruncate(fd, sizeof *s) != 0))
		return false;
	s = mmap(NULL, sizeof *s, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (s == MAP_FAILED)
		return false;
	if (s->magic != MAGIC) {
		random_bytes(s->salt, sizeof s->salt);
		s->magic = MAGIC;
	}
	*out = s;
	return true;
}

enum rc
rate_open(const char *run_dir, struct rate_table **out)
{
	struct shared *shared;
	char path[512];
	bool ok;
	int fd, why;

	*out = NULL;
	snprintf(path, sizeof path, "%s/rate-1", run_dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return fail(RC_INVALID, "%s: %s", path, strerror(errno));
	ok = flock(fd, LOCK_EX) == 0 && prepare(fd, &shared);
	why = errno;
	/* By hand: the mapping keeps the open file, and so its lock, alive. */
	flock(fd, LOCK_UN);
	close(fd);
	if (!ok)
		return fail(RC_INVALID, "%s: %s", path, strerror(why));
	*out = malloc(sizeof **out);
	if (*out == NULL)
		die("no memory");
	(*out)->shared = shared;
	return RC_OK;
}

void
rate_close(struct rate_table **t)
{
	if (*t == NULL)
		return;
	munmap((*t)->shared, sizeof *(*t)->shared);
	free(*t);
	*t = NULL;
}

/* Keyed, so that nobody outside can choose keys that share a set. */
static uint64_t
hash(const struct shared *s, enum rate_kind kind, struct str key)
{
	unsigned char in[SALT_SIZE + 1 + SHA256_SIZE], out[SHA256_SIZE];
	uint64_t h;

	memcpy(in, s->salt, SALT_SIZE);
	in[SALT_SIZE] = (unsigned char)kind;
	sha256(key.p, key.n, in + SALT_SIZE + 1);
	sha256(in, sizeof in, out);
	memcpy(&h, out, sizeof h);
	return h;
}

/* Which of two rows is the lesser loss: an empty one, one of another minute,
 * the one with fewer requests. */
static bool
goes_before(uint64_t a, uint64_t b, uint64_t minute)
{
	bool now_a = a != 0 && row_minute(a) == minute;
	bool now_b = b != 0 && row_minute(b) == minute;

	if (now_a != now_b)
		return now_b;
	return now_a ? row_count(a) < row_count(b) : a < b;
}

/* The word of this tag, else the one to give up; with what it held. */
static _Atomic uint64_t *
find(_Atomic uint64_t *set, uint64_t tag, uint64_t minute, uint64_t *held)
{
	_Atomic uint64_t *least = NULL;

	for (size_t i = 0; i < WAYS; i++) {
		uint64_t row =
		    atomic_load_explicit(&set[i], memory_order_relaxed);

		if (row != 0 && row_tag(row) == tag) {
			*held = row;
			return &set[i];
		}
		if (least == NULL || goes_before(row, *held, minute)) {
			least = &set[i];
			*held = row;
		}
	}
	return least;
}

/* How often a tag came within this minute, by the word held for it. */
static uint64_t
count_of(uint64_t held, uint64_t tag, uint64_t minute)
{
	return held != 0 && row_tag(held) == tag && row_minute(held) == minute
	    ? row_count(held)
	    : 0;
}

/* Counts one more unless that passes the limit; the count before. */
static uint64_t
count(_Atomic uint64_t *set, uint64_t tag, uint64_t minute, uint64_t limit)
{
	for (;;) {
		uint64_t held = 0, before;
		_Atomic uint64_t *at = find(set, tag, minute, &held);

		before = count_of(held, tag, minute);
		if (before >= limit)
			return before;
		if (atomic_compare_exchange_weak_explicit(at, &held,
			row_make(tag, minute, before + 1), memory_order_relaxed,
			memory_order_relaxed))
			return before;
	}
}

/* How often a tag has come, whether this time counts or not. */
typedef uint64_t
counter(_Atomic uint64_t *set, uint64_t tag, uint64_t minute, uint64_t limit);

static uint64_t
look(_Atomic uint64_t *set, uint64_t tag, uint64_t minute, uint64_t limit)
{
	uint64_t held = 0;

	(void)limit;
	(void)find(set, tag, minute, &held);
	return count_of(held, tag, minute);
}

static struct rate
rate_by(counter *how, struct shared *s, struct str key, enum rate_kind kind,
    int64_t limit, int64_t now)
{
	struct rate r = { .allowed = true };
	uint64_t h, minute, before;

	if (limit <= 0)
		return r;
	if (limit > RATE_LIMIT_MAX)
		limit = RATE_LIMIT_MAX;
	h = hash(s, kind, key);
	minute = (uint64_t)(now / 60) & ((UINT64_C(1) << MINUTE_BITS) - 1);
	before = how(
	    s->row[h % SETS], h >> (64 - TAG_BITS), minute, (uint64_t)limit);
	r.limit = limit;
	r.allowed = before < (uint64_t)limit;
	r.remaining = r.allowed ? limit - (int64_t)before - 1 : 0;
	r.reset = (now / 60 + 1) * 60;
	return r;
}

struct rate
rate_take(struct rate_table *t, enum rate_kind kind, struct str key,
    int64_t limit, int64_t now)
{
	return rate_by(count, t->shared, key, kind, limit, now);
}

struct rate
rate_look(struct rate_table *t, enum rate_kind kind, struct str key,
    int64_t limit, int64_t now)
{
	return rate_by(look, t->shared, key, kind, limit, now);
}

struct str
rate_address(struct arena *a, struct str address)
{
	static const unsigned char mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		0xff, 0xff };
	char text[INET6_ADDRSTRLEN];
	struct in6_addr v6;

	if (address.n >= sizeof text)
		return address;
	memcpy(text, address.p, address.n);
	text[address.n] = '\0';
	if (inet_pton(AF_INET6, text, &v6) != 1)
		return address;
	if (memcmp(&v6, mapped, sizeof mapped) != 0)
		memset(v6.s6_addr + 8, 0, 8);
	inet_ntop(AF_INET6, &v6, text, sizeof text);
	if (memcmp(&v6, mapped, sizeof mapped) == 0)
		return str_of(arena_str(a, strrchr(text, ':') + 1));
	return str_of(arena_str(a, text));
}
