/* Listening sockets: made here, or given by who started us. */
#ifndef WEB_LISTEN_H
#define WEB_LISTEN_H

#include "core/conf.h"
#include "core/result.h"

#define LISTEN_BACKLOG 1024 /* nginx does not queue: beyond it is a 502 */

/* <run_dir>/<name>.sock, mode 0660, group as configured; what is there is
 * replaced atomically. RC_CONFIG_HOST with the reason. */
enum rc listen_make(const struct conf *, const char *name, int *fd) MUST_CHECK;

/* Descriptor 3 where LISTEN_FDS says so (sd_listen_fds(3)), 0 where it is a
 * listening socket (spawn-fcgi), else listen_make. */
enum rc listen_given(const struct conf *, const char *name, int *fd) MUST_CHECK;

#endif
