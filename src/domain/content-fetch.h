/* What content.c has fetched; nobody else includes this. */
#ifndef DOMAIN_CONTENT_FETCH_H
#define DOMAIN_CONTENT_FETCH_H

#include "domain/content.h"

/* Queues a sync of the mail account; RC_PART_SYNC with these words. */
enum rc content_out_of_sync(struct content_reader *, const char *why);

/* One section of the reader's message from its server, as imap_body gives it.
 * RC_PART_SYNC: it is no longer where it was. */
enum rc content_fetch(struct content_reader *, const char *section,
    uint64_t most, enum rc (*data)(void *, const void *, size_t), void *arg,
    uint64_t *size) MUST_CHECK;

/* `n` bytes came of the whole message. RC_PART_SYNC: it is another one than
 * the sync saw; RC_TOO_LARGE. */
enum rc content_fetched_size(struct content_reader *, uint64_t n) MUST_CHECK;

#endif
