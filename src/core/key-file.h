/* The files of key_dir: small, 0600, written whole or not at all. */
#ifndef CORE_KEY_FILE_H
#define CORE_KEY_FILE_H

#include "core/result.h"

#include <stdbool.h>
#include <stddef.h>

/* Calls `each` for every entry whose name does not begin with a dot, sorted by
 * name. Stops at the first failure and returns it. RC_INVALID where the
 * directory cannot be read. */
enum rc key_dir_each(const char *dir,
    enum rc (*each)(void *ctx, const char *dir, const char *name),
    void *ctx) MUST_CHECK;

/* Makes `dir/name`, mode 0600, durable when it returns: temporary file, fsync,
 * link, fsync of the directory. RC_CONFLICT where it exists already. */
enum rc key_file_write(
    const char *dir, const char *name, const void *, size_t) MUST_CHECK;

/* The same, over what may be there. */
enum rc key_file_replace(
    const char *dir, const char *name, const void *, size_t) MUST_CHECK;

enum rc key_file_remove(const char *dir, const char *name) MUST_CHECK;

/* What root makes for the programs belongs to their user: gives the file to the
 * owner of its directory. Anybody else's belongs to them already. false, with
 * errno: it cannot be given, or is no plain file of one name (a link that the
 * directory's owner has laid must not earn them another file). */
bool file_adopt(int fd, const char *dir) MUST_CHECK;

#endif
