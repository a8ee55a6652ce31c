/* A cable between a client and a server on 127.0.0.1 that can be cut, or carry
 * no more than a byte a second. */
#ifndef CRASH_CABLE_H
#define CRASH_CABLE_H

#include <stdbool.h>

/* How it behaves; may be changed while it is in use. */
struct cable_fault {
	long cut_at; /* bytes from the server, then the end; -1: never */
	/* bytes from the server, then the next 8 KiB one a second; -1: never */
	long slow_at;
	int times; /* connections that are faulty, then none; -1: all */
	/* What has happened: */
	int connections;
	long most; /* bytes that a server has said in one connection */
};

struct cable {
	unsigned port;             /* where clients come */
	struct cable_fault *fault; /* shared with the process that is it */
	int pid;
};

/* To a server's port. It is a process of its own; ends with cable_stop or the
 * caller. */
void cable_start(struct cable *, unsigned to);
void cable_stop(struct cable *);

/* From now on: whole. */
void cable_heal(struct cable *);

#endif
