/* The caller, as domain functions and the log want to know them. */
#ifndef WEB_DOER_H
#define WEB_DOER_H

#include "domain/log.h"
#include "web/request.h"

static inline struct doer
doer_of(const struct request *rq)
{
	return (struct doer){
		.application = rq->actor.application,
		.account = rq->actor.account,
		.user = rq->actor.user,
		.request = rq->id,
		.client = rq->actor.client.n > 0
		    ? arena_dup(
			  rq->arena, rq->actor.client.p, rq->actor.client.n)
		    : NULL,
		.address = rq->peer,
	};
}

#endif
