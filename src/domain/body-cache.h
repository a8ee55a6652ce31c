/* The body cache: what was fetched from mail servers, on this host, bounded.
 *
 * A directory of files named by the SHA-256 of their bytes, which are compared
 * with the name whenever one is read: a file that is cut short by a crash, or
 * changed by hand, is no file. So nothing is synced to the disk. What was used
 * longest ago goes first; what is mapped stays readable while it goes. Who may
 * see a file's bytes is decided by who may see the row that holds its hash. */
#ifndef DOMAIN_BODY_CACHE_H
#define DOMAIN_BODY_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/arena.h"
#include "core/conf.h"
#include "core/secret.h"
#include "core/text.h"

/* `writers`: how many processes of this host write into it; each may add its
 * part of the last quarter before it looks at the whole. */
struct body_cache {
	const char *dir;
	int64_t total; /* bytes */
	int64_t writers;
	int64_t added; /* by this process since it looked */
};

/* RC_RETRY: the directory cannot be made. */
enum rc body_cache_open(
    const struct conf *, int64_t writers, struct body_cache **) MUST_CHECK;

/* Bytes that live as long as the arena; p == NULL: not there. */
struct str body_cache_find(
    struct body_cache *, const unsigned char hash[SHA256_SIZE], struct arena *);

/* One that is being written. RC_RETRY: the disk is full, or worse. */
struct body_file;
enum rc body_file_new(
    struct body_cache *, struct arena *, struct body_file **) MUST_CHECK;
enum rc body_file_write(void *body_file, const void *, size_t) MUST_CHECK;
/* Its bytes live as long as the arena, whether it is kept or not. */
enum rc body_file_end(struct body_file *, bool keep,
    unsigned char hash[SHA256_SIZE], struct str *bytes) MUST_CHECK;

/* One flight at a time: holds `email` against the other processes of this host
 * until the arena ends. RC_TIMEOUT at `until` (clock_steady_ms). */
enum rc body_cache_flight(struct body_cache *, int64_t email, int64_t until,
    struct arena *) MUST_CHECK;

#endif
