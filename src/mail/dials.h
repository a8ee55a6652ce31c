/* Connections that are being made, many at once: libcurl's sockets and times in
 * the loop. */
#ifndef MAIL_DIALS_H
#define MAIL_DIALS_H

#include <curl/curl.h>

#include "core/result.h"
#include "core/loop.h"

struct dials_socket;

struct dials {
	struct loop *loop;
	CURLM *multi; /* borrowed */
	struct alarm alarm;
	/* Freed behind the turn at hand: an event may be on its way. */
	struct dials_socket *gone;
};

void dials_init(struct dials *, struct loop *, CURLM *);
void dials_clear(struct dials *);
/* Behind each turn of the loop. */
void dials_sweep(struct dials *);

/* Who is told how a connection ended: CURLOPT_PRIVATE of its handle. */
struct dials_end {
	void (*ended)(void *arg, CURLcode);
	void *arg;
};

/* A handle that has just been put into the multi handle. */
void dials_begin(CURL *, struct dials_end *);

#endif
