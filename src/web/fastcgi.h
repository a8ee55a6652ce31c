/* The FastCGI loop: one process, one request at a time, one database
 * connection. The only place that knows libfcgi. */
#ifndef WEB_FASTCGI_H
#define WEB_FASTCGI_H

#include "web/route.h"

/* A responder's main: `[--config FILE] [--version] [--help]`. Listens on what
 * it was given: descriptor 3 (LISTEN_FDS), else 0 where that is a listening
 * socket, else it makes <run_dir>/<family>.sock. TERM, INT and USR1: the
 * request at hand is finished, then exit 0. */
int responder_main(int argc, char **argv, const struct family *);

#endif
