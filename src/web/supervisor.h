/* The supervisor of the responders: owns their listening sockets, so that a
 * connection waits in the backlog while no process is there to take it, and
 * starts processes that end, without limit.
 *
 * TERM, INT: all end after the request at hand, then it ends. HUP, USR1: each
 * process is replaced in turn, the new one first; what was installed meanwhile
 * is what starts. A new one that does not stay alive stops the replacing, and
 * the old ones go on. */
#ifndef WEB_SUPERVISOR_H
#define WEB_SUPERVISOR_H

#include "core/conf.h"
#include "web/route.h"

/* Until told to end. Returns an exit status. `all` ends with NULL. */
int supervise(const struct conf *, const struct family *const *all);

#endif
