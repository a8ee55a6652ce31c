/* A batch of rows on their way into the database: at most SYNC_BATCH_ROWS of
 * them, in columns, as the statement takes them. */
#ifndef DOMAIN_SYNC_BATCH_H
#define DOMAIN_SYNC_BATCH_H

#include "db/row.h"
#include "domain/sync/row.h"

/* Two of them are in memory: one is filled while the other is written. */
#define SYNC_BATCH_ROWS  500
#define SYNC_BATCH_BYTES ((size_t)3 * 512 * 1024) /* of text, about */

/* X(member, type of one) */
#define SYNC_COLUMNS(X)                                                        \
	X(uid, int64_t)                                                        \
	X(flags, struct str)                                                   \
	X(message_id, struct str)                                              \
	X(in_reply_to, struct str)                                             \
	X(references, struct str)                                              \
	X(subject, struct str)                                                 \
	X(from, struct str)                                                    \
	X(to, struct str)                                                      \
	X(cc, struct str)                                                      \
	X(bcc, struct str)                                                     \
	X(reply_to, struct str)                                                \
	X(sent_at, instant)                                                    \
	X(received_at, instant)                                                \
	X(size, int64_t)                                                       \
	X(has_attachments, int8_t)                                             \
	X(structure, struct str)                                               \
	X(server_id, struct str)                                               \
	X(skip_reason, struct str)

struct sync_batch {
	size_t n;
	size_t skipped;
	bool has_ids; /* a server_id is among them */
#define SYNC_COLUMN_MEMBER(name, type) type name[SYNC_BATCH_ROWS];
	SYNC_COLUMNS(SYNC_COLUMN_MEMBER)
#undef SYNC_COLUMN_MEMBER
	uint16_t id_slot[2 * 1024]; /* place + 1 by hash of server_id */
	struct arena *arena;        /* owned; the rows' text */
	struct buf scratch;
};

struct sync_batch *sync_batch_new(void);
void sync_batch_free(struct sync_batch **);
void sync_batch_reset(struct sync_batch *);

/* Adds a row, whose text lives in the batch's arena. False: there is no room,
 * or a row with its server_id is in (one statement takes an id once): write
 * the batch, reset it, and make the row again. */
bool sync_batch_add(struct sync_batch *, const struct sync_row *);

/* Turns the rows so that the newest, by UID, comes first; nothing may be added
 * afterwards. */
void sync_batch_turn(struct sync_batch *);

/* Keeps of a row that the database did not take no more than that. */
void sync_batch_spoil(struct sync_batch *, size_t place, const char *why);

#endif
