/* Webhooks whose receiver is asked while the caller waits: tried out, or told
 * again what it has not taken. */
#include <stdio.h>
#include <unistd.h>

#include "domain/delivery-sql.h"
#include "domain/reach.h"
#include "domain/vault.h"
#include "domain/webhook-sql.h"
#include "web/audit.h"
#include "web/reply.h"
#include "web/share.h"

#include "providers.h"

/* One way to all receivers, made once a process. */
static enum rc
posts_of(struct request *rq, struct posts **out)
{
	static struct posts *posts;
	const struct egress *egress;

	TRY(reach_egress(rq->conf, &egress));
	if (posts == NULL)
		posts = posts_new(egress);
	*out = posts;
	return RC_OK;
}

struct order {
	struct request *rq;
	const char *worker;
	int64_t id; /* 0: one is made, that tries the webhook out */
	struct delivery *delivery;
};

static enum rc
lease(struct db *db, void *ctx)
{
	struct order *o = ctx;
	struct request *rq = o->rq;
	int64_t account = rq->actor.account, id = o->id;

	if (id == 0)
		TRY(delivery_test_insert(
		    db, account, arg_id(rq, 0), DELIVERY_TEST, &id));
	TRY(delivery_take(db, account, id, o->worker, DELIVERY_LEASE_S,
	    rq->arena, &o->delivery));
	if (o->delivery == NULL)
		return fail(RC_CONFLICT, "It is under way just now.");
	return audit(rq, o->id == 0 ? "webhook.test" : "webhook.retry",
	    audit_id(rq, ID_NUMBER, o->delivery->webhook_id), NULL);
}

static enum rc
tell(struct request *rq, struct order *o)
{
	struct delivery_host host = { .db = rq->db, .log = &rq->log };
	struct delivery_seen *row;

	o->rq = rq;
	o->worker = arena_fmt(rq->arena, "providers:%d", (int)getpid());
	host.worker = o->worker;
	TRY(share_take(rq));
	TRY(posts_of(rq, &host.posts));
	TRY(vault_keks(rq->conf, &host.keks));
	TRY(db_tx(rq->db, lease, o));
	TRY(delivery_post(&host, o->delivery, rq->arena));
	TRY(delivery_get(
	    rq->db, rq->actor.account, o->delivery->id, rq->arena, &row));
	return reply_row(rq, 0, delivery_seen_cols, row);
}

enum rc
webhook_test(struct request *rq)
{
	struct order o = { .id = 0 };

	return tell(rq, &o);
}

enum rc
delivery_retry(struct request *rq)
{
	struct order o = { .id = arg_id(rq, 0) };
	struct delivery_seen *row;

	TRY(delivery_get(rq->db, rq->actor.account, o.id, rq->arena, &row));
	return tell(rq, &o);
}
