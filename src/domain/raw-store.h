/* The raw store: messages as they came, kept before anything is done to them.
 *
 * A directory of an account's own, of files named by the SHA-256 of their
 * bytes. One that is kept has reached the disk, with its name: temporary file,
 * fsync, rename, fsync of the directory. Whoever is killed in between leaves a
 * file that nobody looks for, and the same bytes again are the same file. What
 * is read is compared with its name. */
#ifndef DOMAIN_RAW_STORE_H
#define DOMAIN_RAW_STORE_H

#include <stdint.h>

#include "core/arena.h"
#include "core/conf.h"
#include "core/secret.h"
#include "core/text.h"
#include "db/row.h"

/* RC_RETRY: the directory cannot be made. Lives as the arena. */
struct raw_store;
enum rc raw_store_open(const struct conf *, int64_t account, struct arena *,
    struct raw_store **) MUST_CHECK;

/* One that is being written; ends with the arena, kept or not. RC_RETRY: the
 * disk is full, or worse. */
struct raw_file;
enum rc raw_file_new(
    const struct raw_store *, struct arena *, struct raw_file **) MUST_CHECK;
enum rc raw_file_write(void *raw_file, const void *, size_t) MUST_CHECK;
/* What was written; lives as long as the arena. */
enum rc raw_file_read(struct raw_file *, unsigned char hash[SHA256_SIZE],
    struct str *bytes) MUST_CHECK;
/* Kept from here on, under its hash. */
enum rc raw_file_keep(struct raw_file *, struct str hash) MUST_CHECK;

/* Keeps bytes that are there already. */
enum rc raw_store_put(const struct raw_store *, struct str bytes,
    struct arena *, unsigned char hash[SHA256_SIZE]) MUST_CHECK;

/* Bytes that live as long as the arena; p == NULL: not there, or not the ones
 * that were kept. */
struct str
raw_store_find(const struct raw_store *, struct str hash, struct arena *);

/* Done with it; what is not there is no fault. */
void raw_store_drop(const struct raw_store *, struct str hash, struct arena *);

/* Removes what was never kept and is older than a day. */
void raw_store_tidy(const struct raw_store *, struct arena *);

/* Of all accounts: removes that, and of what was kept longer than a day ago
 * whatever `unused` leaves of a number of names (hashes in hex). */
typedef enum rc raw_unused_fn(void *, int64_t account, struct texts names,
    struct arena *, struct texts *unused);
enum rc raw_store_sweep(
    const struct conf *, raw_unused_fn *, void *, int64_t *removed) MUST_CHECK;

#endif
