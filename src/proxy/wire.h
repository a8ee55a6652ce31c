/* A client's connection: bytes in and out, in the clear or under TLS, never
 * waiting. */
#ifndef PROXY_WIRE_H
#define PROXY_WIRE_H

#include <stdbool.h>
#include <sys/types.h>

#include "core/buffer.h"
#include "proxy/tls.h"

#define WIRE_OUT_MOST ((size_t)256 << 10)

struct wire {
	int fd;          /* -1: closed */
	struct tls *tls; /* NULL: in the clear */
	bool shaking;    /* hands: no bytes yet */
	struct buf out;
};

enum wire_end { WIRE_OK, WIRE_WAIT, WIRE_GONE };

void wire_init(struct wire *, int fd);
void wire_close(struct wire *);

/* From here on TLS is spoken. */
void wire_secure(struct wire *, struct tls *);
/* One more step of the handshake. */
enum wire_end wire_shake(struct wire *);

enum wire_end wire_read(struct wire *, char *, size_t room, size_t *n);
/* WIRE_WAIT: not all of `out` has left. */
enum wire_end wire_flush(struct wire *);
/* No more will be said. */
void wire_farewell(struct wire *);

#endif
