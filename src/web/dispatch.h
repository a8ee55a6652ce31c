/* The way of a request, from what the web server told to the finished reply:
 * id, path, route, actor, rights, rate, body, handler, envelope. Knows nothing
 * of FastCGI, so that tests drive it too. */
#ifndef WEB_DISPATCH_H
#define WEB_DISPATCH_H

#include "web/request.h"

/* What the process keeps for all its requests. */
struct responder {
	const struct family *family;
	const struct conf *conf;
	struct db *db;
	struct guard *guard;   /* keys, caches; NULL: nobody is known */
	struct held_set *held; /* NULL: no answer goes on; see held.h */
	struct arena *arena;
	struct arena *spare;   /* for the error where the other is full */
	struct buf body, head; /* lent to each reply */
};

/* `env_vars`, read, from as in struct request. The reply is in rq->reply;
 * dispatch_done before the next one. */
void responder_init(struct responder *, const struct family *,
    const struct conf *, struct db *, struct guard *);
void responder_clear(struct responder *);

void dispatch(struct responder *, struct request *rq, char *const *env_vars,
    size_t (*read)(void *, char *, size_t), void *from);

/* Wipes and frees what the request held. */
void dispatch_done(struct responder *, struct request *);

/* Status line and header lines, the empty one included, into `out`. */
void dispatch_head(struct request *, struct buf *out);

#endif
