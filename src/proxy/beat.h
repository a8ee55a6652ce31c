/* A thread that looks every few seconds whether the proxy answers, as a client
 * would, and tells the database what it finds (domain/smtp-server.h). */
#ifndef PROXY_BEAT_H
#define PROXY_BEAT_H

#include "proxy/proxy.h"

struct beat;
struct beat *beat_begin(const struct proxy *);
/* Says goodbye. */
void beat_end(struct beat **);

#endif
