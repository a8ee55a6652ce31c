/* TLS on the side of a server (RFC 8446, RFC 3207), over a socket that does not
 * wait. */
#ifndef PROXY_TLS_H
#define PROXY_TLS_H

#include <stddef.h>

#include "core/result.h"

enum wire_end;

/* A certificate and its key. Connections keep what they began with. RC_INVALID
 * with a sentence. */
struct tls_server;
enum rc tls_server_new(
    const char *certificate, const char *key, struct tls_server **) MUST_CHECK;
void tls_server_free(struct tls_server **);

struct tls;
struct tls *tls_new(struct tls_server *, int fd);
void tls_free(struct tls **);

enum wire_end tls_shake(struct tls *);
enum wire_end tls_read(struct tls *, char *, size_t room, size_t *n);
enum wire_end tls_write(struct tls *, const char *, size_t, size_t *n);
void tls_farewell(struct tls *);
const char *tls_version(const struct tls *);

#endif
