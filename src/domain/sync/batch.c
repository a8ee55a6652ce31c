#include "domain/sync/batch.h"

#include <stdlib.h>
#include <string.h>

#include "core/log.h"

#define SCRATCH_MOST ((size_t)512 * 1024)
#define ARENA_MOST   ((size_t)64 * 1024 * 1024)
#define SLOTS        (sizeof(((struct sync_batch *)0)->id_slot) / 2)

struct sync_batch *
sync_batch_new(void)
{
	struct sync_batch *b = calloc(1, sizeof *b);

	if (b == NULL)
		die("out of memory");
	b->arena = arena_new(ARENA_MOST);
	buf_init(&b->scratch, SCRATCH_MOST);
	return b;
}

void
sync_batch_free(struct sync_batch **b)
{
	if (*b == NULL)
		return;
	arena_free(&(*b)->arena);
	buf_clear(&(*b)->scratch);
	free(*b);
	*b = NULL;
}

void
sync_batch_reset(struct sync_batch *b)
{
	b->n = 0;
	b->skipped = 0;
	if (b->has_ids)
		memset(b->id_slot, 0, sizeof b->id_slot);
	b->has_ids = false;
	arena_reset(b->arena);
}

/* FNV-1a; the servers' ids are no secret and a batch is small. */
static size_t
hash(struct str s)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < s.n; i++)
		h = (h ^ (unsigned char)s.p[i]) * 16777619u;
	return h % SLOTS;
}

/* False: it is in already. */
static bool
id_take(struct sync_batch *b, struct str id)
{
	size_t slot = hash(id);

	for (; b->id_slot[slot] != 0; slot = (slot + 1) % SLOTS)
		if (str_eq(b->server_id[b->id_slot[slot] - 1], id))
			return false;
	b->id_slot[slot] = (uint16_t)(b->n + 1);
	b->has_ids = true;
	return true;
}

bool
sync_batch_add(struct sync_batch *b, const struct sync_row *r)
{
	if (b->n == SYNC_BATCH_ROWS ||
	    (b->n > 0 && arena_used(b->arena) > SYNC_BATCH_BYTES))
		return false;
	if (r->server_id.p != NULL && !id_take(b, r->server_id))
		return false;
#define SYNC_COLUMN_COPY(name, type) b->name[b->n] = r->name;
	SYNC_COLUMNS(SYNC_COLUMN_COPY)
#undef SYNC_COLUMN_COPY
	b->n++;
	return true;
}

#define SYNC_COLUMN_SWAP(name, type)                                           \
	do {                                                                   \
		type kept = b->name[i];                                        \
                                                                               \
		b->name[i] = b->name[other];                                   \
		b->name[other] = kept;                                         \
	} while (0);

void
sync_batch_turn(struct sync_batch *b)
{
	if (b->n < 2 || b->uid[0] > b->uid[b->n - 1])
		return;
	for (size_t i = 0, other = b->n - 1; i < other; i++, other--) {
		SYNC_COLUMNS(SYNC_COLUMN_SWAP)
	}
}
#undef SYNC_COLUMN_SWAP

void
sync_batch_spoil(struct sync_batch *b, size_t i, const char *why)
{
	struct sync_row r;

	sync_row_skip(b->uid[i], why, &r);
	r.flags = b->flags[i];
	r.received_at = b->received_at[i];
	r.size = b->size[i];
#define SYNC_COLUMN_COPY(name, type) b->name[i] = r.name;
	SYNC_COLUMNS(SYNC_COLUMN_COPY)
#undef SYNC_COLUMN_COPY
}
