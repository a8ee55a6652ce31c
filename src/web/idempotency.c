#include "web/idempotency.h"

#include "core/secret.h"
#include "db/db.h"
#include "domain/idempotency-sql.h"
#include "domain/vault.h"
#include "web/body.h"
#include "web/fill.h"
#include "web/reply.h"

struct attempt {
	struct request *rq;
	once_make *make;
	void *ctx;
	int64_t *made;
	const char *key; /* NULL: none came */
	const char *actor, *route;
	unsigned char hash[SHA256_SIZE];
	bool replayed;
};

static bool
key_ok(const char *key)
{
	size_t n = strlen(key);

	for (const char *p = key; *p != '\0'; p++)
		if (*p < '!' || *p > '~')
			return false;
	return n >= 1 && n <= ONCE_KEY_MOST;
}

static const char *
actor_of(const struct request *rq)
{
	const struct actor *a = &rq->actor;

	if (a->user != 0)
		return arena_fmt(rq->arena, "user:%lld", (long long)a->user);
	return arena_fmt(rq->arena, "client:%.*s", STR_FMT(a->client));
}

/* Whoever steals the database must not be able to try passwords on the hash of
 * a body that holds one: it is keyed from outside. The oldest key, because that
 * one stays while a newer is brought in. */
static enum rc
hash_seal(const struct request *rq, unsigned char hash[SHA256_SIZE])
{
	const struct envelope_keks *keks;

	if (!fill_has_secret(rq->route->body.rows))
		return RC_OK;
	TRY(vault_keks(rq->conf, &keks));
	hmac_sha256(
	    keks->kek[0].key, sizeof keks->kek[0].key, hash, SHA256_SIZE, hash);
	return RC_OK;
}

/* The path is in: one route makes things below many parents. */
static void
hash_request(const struct request *rq, unsigned char out[SHA256_SIZE])
{
	size_t n = rq->uri.n + 1 + rq->raw.n;
	char *all = arena_alloc(rq->arena, n);

	memcpy(all, rq->uri.p, rq->uri.n);
	if (rq->raw.n > 0)
		memcpy(all + rq->uri.n + 1, rq->raw.p, rq->raw.n);
	sha256(all, n, out);
	explicit_bzero(all, n); /* there may be a secret in the body */
}

static enum rc
key_read(struct attempt *t)
{
	struct request *rq = t->rq;

	t->key = request_var(rq, "HTTP_IDEMPOTENCY_KEY");
	if (t->key == NULL)
		return RC_OK;
	if (!key_ok(t->key))
		return fault_add(rq, "Idempotency-Key", "invalid",
		    "1 to 255 visible ASCII characters.");
	t->actor = actor_of(rq);
	t->route = arena_fmt(
	    rq->arena, "%s %s", method_name(rq->method), rq->route->path);
	hash_request(rq, t->hash);
	return hash_seal(rq, t->hash);
}

/* Who holds the key's lock finds what an earlier request has committed. */
static enum rc
look_back(struct db *db, struct attempt *t, struct idempotency **seen)
{
	int64_t account = t->rq->actor.account;
	bool held;

	TRY(idempotency_hold(db, account, t->actor, t->route, t->key, &held));
	if (!held)
		return RC_KEY_RUNNING;
	return idempotency_find(
	    db, account, t->actor, t->route, t->key, t->rq->arena, seen);
}

static enum rc
replay(struct attempt *t, const struct idempotency *seen)
{
	struct str hash = { (const char *)t->hash, sizeof t->hash };

	if (!str_eq(seen->request_hash, hash))
		return RC_KEY_REUSED;
	for (size_t i = 0; i < ONCE_MADE; i++)
		t->made[i] = i < seen->made.n ? seen->made.v[i] : 0;
	t->replayed = true;
	return RC_OK;
}

static enum rc
keep(struct db *db, const struct attempt *t)
{
	const struct actor *a = &t->rq->actor;

	return idempotency_keep(db,
	    &(struct idempotency_keep_args){ .account = a->account,
		.application = a->application,
		.actor = t->actor,
		.route = t->route,
		.key = t->key,
		.request_hash = { (const char *)t->hash, sizeof t->hash },
		.status = t->rq->route->status,
		.made = { t->made, ONCE_MADE } },
	    NULL);
}

static enum rc
attempt(struct db *db, void *ctx)
{
	struct attempt *t = ctx;
	struct idempotency *seen = NULL;

	t->replayed = false;
	memset(t->made, 0, ONCE_MADE * sizeof t->made[0]);
	if (t->key == NULL)
		return t->make(db, t->ctx, t->made);
	TRY(look_back(db, t, &seen));
	if (seen != NULL)
		return replay(t, seen);
	TRY(t->make(db, t->ctx, t->made));
	return keep(db, t);
}

enum rc
once(struct request *rq, once_make *make, void *ctx, int64_t made[ONCE_MADE])
{
	struct attempt t = { .rq = rq, .make = make, .ctx = ctx, .made = made };

	TRY(key_read(&t));
	TRY(db_tx(rq->db, attempt, &t));
	if (t.replayed)
		reply_header(rq, "Idempotency-Replayed", "true");
	return RC_OK;
}
