/* Listening sockets: made here, or given by who started us. */
#ifndef WEB_LISTEN_H
#define WEB_LISTEN_H

#include <stdbool.h>
#include <sys/types.h>

#include "core/conf.h"
#include "core/result.h"

#define LISTEN_BACKLOG 1024 /* nginx does not queue: beyond it is a 502 */

struct listener {
	int fd;
	dev_t device; /* of its file; nobody else's while it is open */
	ino_t file;
};

/* <run_dir>/<name>.sock, mode 0660, group as configured. A file that nobody
 * listens on is replaced atomically, and so is what the process `former`, which
 * has ended, has left to its children (0: none). RC_CONFLICT: somebody listens,
 * and is left alone. RC_CONFIG_HOST with the reason. */
enum rc listen_make(const struct conf *, const char *name, pid_t former,
    struct listener *) MUST_CHECK;

/* The same, whoever listens there. */
enum rc listen_retake(
    const struct conf *, const char *name, struct listener *) MUST_CHECK;

/* Is the file still this socket's? */
bool
listen_stands(const struct conf *, const char *name, const struct listener *);

void listen_end(struct listener *);

/* Descriptor 3 where LISTEN_FDS says so (sd_listen_fds(3)), 0 where it is a
 * listening socket (spawn-fcgi), else listen_make. */
enum rc listen_given(const struct conf *, const char *name, int *fd) MUST_CHECK;

#endif
