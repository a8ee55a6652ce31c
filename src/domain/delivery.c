#include "domain/delivery.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/effect.h"
#include "core/failpoint.h"
#include "domain/delivery-sql.h"
#include "domain/sealed.h"
#include "domain/webhook.h"

#define UNDER_WAY   256 /* of a worker */
#define OF_WEBHOOK  16
#define OF_ACCOUNT  32
#define LOOK_MS     200 /* between two looks for more, while some are slow */
#define GATHER_MS   10
#define MEMORY      ((size_t)64 << 20)

#define WAIT_MOST_S 86400
#define SIGNED_MOST ((size_t)4 << 20)

const struct col delivery_cols[] = {
	COL(struct delivery, id),
	COL(struct delivery, application_id),
	COL(struct delivery, account_id),
	COL(struct delivery, webhook_id),
	COL(struct delivery, event_type),
	COL(struct delivery, stem),
	COL_STR(struct delivery, body),
	COL(struct delivery, attempts),
	COL(struct delivery, lease_token),
	COL(struct delivery, url),
	COL_BYTES(struct delivery, secret, .hidden = true),
	COL(struct delivery, secret_key_id),
	COL_BYTES(struct delivery, wrapped, .hidden = true),
	COL_BYTES(struct delivery, previous, .hidden = true),
	COL(struct delivery, previous_key_id),
	COL_BYTES(struct delivery, previous_wrapped, .hidden = true),
	COL_END,
};

const struct col delivery_seen_cols[] = {
	COL(struct delivery_seen, id),
	COL(struct delivery_seen, webhook_id),
	COL(struct delivery_seen, event_type),
	COL_JSON(struct delivery_seen, payload, .content = true),
	COL(struct delivery_seen, state),
	COL(struct delivery_seen, attempts),
	COL_INT0(struct delivery_seen, response_status),
	COL(struct delivery_seen, response_body, .content = true,
	    .note = "Its beginning."),
	COL(struct delivery_seen, last_error),
	COL(struct delivery_seen, created_at),
	COL(struct delivery_seen, next_attempt_at),
	COL(struct delivery_seen, delivered_at),
	COL_END,
};

const char *const delivery_states[] = { "queued", "sending", "delivered",
	"dead", NULL };

/* ---- signing ---- */

#define HEADERS 9

/* A try of one. */
struct attempt {
	struct post post; /* first: a post that comes back is its attempt */
	const struct delivery *d;
	struct claim *claim; /* borrowed: whose memory it is in */
	const char *headers[HEADERS];
};

static enum rc
key_of(const struct delivery_host *host, const struct delivery *d,
    const struct sealed *sealed, struct str wrapped, struct arena *a,
    struct secret *key)
{
	const struct envelope_place place =
	    webhook_place(d->application_id, d->account_id, d->webhook_id);
	struct secret text;

	TRY(sealed_open(host->keks, &place, sealed, wrapped, a, &text));
	*key = webhook_key(&text, a);
	return RC_OK;
}

static char *
v1(const struct secret *key, struct str what, struct arena *a)
{
	unsigned char mac[SHA256_SIZE];

	hmac_sha256(key->p, key->n, what.p, what.n, mac);
	return arena_fmt(a, "v1,%s", base64_encode(a, mac, sizeof mac));
}

/* Both secrets sign while one replaces the other: the receiver takes either. */
static enum rc
sign(const struct delivery_host *host, const struct delivery *d,
    struct arena *a, const char **standard, const char **bare, int64_t now)
{
	const struct sealed secret = { d->secret, d->secret_key_id };
	const struct sealed previous = { d->previous, d->previous_key_id };
	unsigned char mac[SHA256_SIZE];
	char hex[2 * SHA256_SIZE + 1];
	struct secret key;
	struct str what;

	what.p = arena_fmt(
	    a, "%s.%lld.%.*s", d->stem, (long long)now, STR_FMT(d->body));
	what.n = strlen(what.p);
	TRY(key_of(host, d, &secret, d->wrapped, a, &key));
	hmac_sha256(key.p, key.n, d->body.p, d->body.n, mac);
	hex_encode(mac, sizeof mac, hex);
	*bare = arena_str(a, hex);
	*standard = v1(&key, what, a);
	if (d->previous_wrapped.n == 0)
		return RC_OK;
	TRY(key_of(host, d, &previous, d->previous_wrapped, a, &key));
	*standard = arena_fmt(a, "%s %s", *standard, v1(&key, what, a));
	return RC_OK;
}

static enum rc
dress(const struct delivery_host *host, struct attempt *t, struct arena *a)
{
	int64_t now = clock_now().us / 1000000;
	const struct delivery *d = t->d;
	const char *standard, *bare, **h = t->headers;

	TRY(sign(host, d, a, &standard, &bare, now));
	*h++ = "Content-Type: application/json";
	*h++ = "User-Agent: Letterrack/" VERSION;
	*h++ = "Expect:"; /* the body is small: none of 100 Continue */
	*h++ = arena_fmt(a, "webhook-id: %s", d->stem);
	*h++ = arena_fmt(a, "webhook-timestamp: %lld", (long long)now);
	*h++ = arena_fmt(a, "webhook-signature: %s", standard);
	*h++ = arena_fmt(a, "X-Webhook-Event: %s", d->event_type);
	*h++ = arena_fmt(a, "X-Webhook-Signature: %s", bare);
	*h = NULL;
	t->post.url = d->url;
	t->post.body = d->body;
	t->post.headers = t->headers;
	return RC_OK;
}

/* What cannot even be sent is as if it had failed: false. */
static bool
send_off(const struct delivery_host *host, struct attempt *t, struct arena *a)
{
	enum rc rc = dress(host, t, a);

	if (rc == RC_OK)
		rc = posts_add(host->posts, &t->post);
	if (rc == RC_OK)
		return true;
	log_error(host->log, "cannot be sent delivery=%lld: %s",
	    (long long)t->d->id, fail_detail());
	t->post.rc = rc;
	snprintf(t->post.detail, sizeof t->post.detail, "%s",
	    "it could not be signed");
	return false;
}

/* ---- what became of it ---- */

/* Seconds before the next try; with the last of them 72 hours are nearly over,
 * and the database ends it there (give_up_at). */
static const int32_t pauses[] = { 5, 60, 300, 1800, 7200, 18000, 36000, 50400,
	72000 };

/* Jittered by a fifth either way, so that what failed together does not come
 * back together. */
static int32_t
pause_of(int attempts, int64_t asked)
{
	size_t n = sizeof pauses / sizeof *pauses;
	size_t at = attempts < 1 ? 0 : (size_t)attempts - 1;
	int64_t wait = pauses[at < n ? at : n - 1];
	uint32_t dice;

	random_bytes(&dice, sizeof dice);
	wait = wait * 4 / 5 + (int64_t)(dice % 1000) * wait * 2 / 5 / 1000;
	if (asked > wait)
		wait = asked;
	return (int32_t)(wait < WAIT_MOST_S ? wait : WAIT_MOST_S);
}

static const char *
became(const struct post *post)
{
	if (post->rc == RC_OK && post->status >= 200 && post->status < 300)
		return "delivered";
	return post->rc == RC_OK && post->status == 410 ? "gone" : "failed";
}

/* What came back together is written down together. */
struct results {
	const struct delivery_host *host;
	struct arena *arena;
	size_t n;
	int64_t ids[UNDER_WAY], tokens[UNDER_WAY];
	int32_t waits[UNDER_WAY], statuses[UNDER_WAY];
	struct str ends[UNDER_WAY], bodies[UNDER_WAY], errors[UNDER_WAY];
};

static void
results_add(struct results *r, const struct attempt *t)
{
	const struct post *post = &t->post;
	size_t i = r->n++;

	r->ids[i] = t->d->id;
	r->tokens[i] = t->d->lease_token;
	r->ends[i] = str_of(became(post));
	r->waits[i] = pause_of(t->d->attempts, post->retry_after_s);
	r->statuses[i] = post->status > 0 ? post->status : INT32_MIN;
	r->bodies[i] = post->status > 0
	    ? utf8_repair(
		  r->arena, (struct str){ post->answer, post->answer_n })
	    : (struct str){ NULL, 0 };
	r->errors[i] =
	    str_of(post->rc != RC_OK ? arena_str(r->arena, post->detail)
		    : strcmp(became(post), "delivered") != 0
		    ? arena_fmt(r->arena, "status %d", post->status)
		    : NULL);
	if (strcmp(became(post), "delivered") != 0)
		log_info(r->host->log,
		    "not delivered delivery=%lld webhook=%lld try=%d: %s",
		    (long long)t->d->id, (long long)t->d->webhook_id,
		    t->d->attempts, r->errors[i].p);
}

/* Behind the lease's end another may have begun: then his answer counts. */
static enum rc
write_down(void *arg)
{
	const struct results *r = arg;
	int64_t written;

	TRY(delivery_end(r->host->db,
	    &(struct delivery_end_args){ .ids = { r->ids, r->n },
		.tokens = { r->tokens, r->n },
		.ends = { r->ends, r->n },
		.waits = { r->waits, r->n },
		.statuses = { r->statuses, r->n },
		.bodies = { r->bodies, r->n },
		.errors = { r->errors, r->n } },
	    &written));
	if (written < (int64_t)r->n)
		log_warn(r->host->log, "leases of deliveries lost n=%lld",
		    (long long)r->n - written);
	return RC_OK;
}

/* The row itself is the intent; it was leased by a commit of its own. */
static const struct effect told = EFFECT("delivery", NULL, NULL, write_down);

/* ---- many ---- */

/* What was leased together lives as long as the last of it. */
struct claim {
	struct arena *arena; /* owned */
	size_t left;
};

struct run {
	const struct delivery_host *host;
	struct results *results;
	int64_t done;
};

static void
claim_less(struct claim *c, size_t by)
{
	c->left -= by;
	if (c->left > 0)
		return;
	arena_free(&c->arena);
	free(c);
}

/* Is it under way? Else its result is there already. */
static bool
begin(struct run *r, struct claim *c, const struct delivery *d)
{
	struct attempt *t = ARENA_NEW(c->arena, struct attempt);

	t->d = d;
	t->claim = c;
	if (send_off(r->host, t, c->arena))
		return true;
	results_add(r->results, t);
	return false;
}

/* `*got`: how many were leased. */
static enum rc
take(struct run *r, size_t *got)
{
	const struct delivery_host *host = r->host;
	size_t room = UNDER_WAY - posts_under_way(host->posts) - r->results->n;
	struct arena *a = arena_new(MEMORY);
	struct delivery_list list = { .n = 0 };
	struct claim *c;
	size_t over = 0;
	enum rc rc = delivery_claim(host->db, host->worker, DELIVERY_LEASE_S,
	    (int32_t)room, OF_WEBHOOK, OF_ACCOUNT, a, &list);

	*got = rc == RC_OK ? list.n : 0;
	if (*got == 0) {
		arena_free(&a);
		return rc;
	}
	if ((c = calloc(1, sizeof *c)) == NULL)
		die("out of memory");
	*c = (struct claim){ a, list.n };
	rc = effect_intend(&told, r);
	for (size_t i = 0; i < list.n; i++)
		over += !begin(r, c, &list.v[i]);
	claim_less(c, over);
	return rc;
}

static enum rc
settle(struct run *r)
{
	struct post *post;
	enum rc rc;

	while (r->results->n < UNDER_WAY &&
	    (post = posts_take(r->host->posts)) != NULL) {
		struct attempt *t = (struct attempt *)post;

		results_add(r->results, t);
		claim_less(t->claim, 1);
	}
	if (r->results->n == 0)
		return RC_OK;
	rc = effect_confirm(&told, r->results);
	r->done += (int64_t)r->results->n;
	r->results->n = 0;
	arena_reset(r->results->arena);
	return rc;
}

/* Until the first comes back; for those that come soon behind it a moment more,
 * so that one transaction is for many. */
static void
gather(struct posts *posts)
{
	size_t half = posts_under_way(posts) / 2;
	int64_t end;

	posts_wait(posts, LOOK_MS);
	end = clock_steady_ms() + GATHER_MS;
	while (posts_running(posts) > half && clock_steady_ms() < end)
		posts_wait(posts, 1);
}

static bool
goes_on(const struct delivery_host *host, int64_t end_ms)
{
	return (host->stop == NULL || *host->stop == 0) &&
	    (end_ms == 0 || clock_steady_ms() < end_ms);
}

/* Looks for more when something has come back, or a while has passed. */
static enum rc
run(struct run *r, int64_t end_ms)
{
	int64_t look_ms = 0;
	enum rc rc = RC_OK, bad;

	do {
		size_t got = 0;
		int64_t done = r->done;

		if (rc == RC_OK && goes_on(r->host, end_ms) &&
		    clock_steady_ms() >= look_ms) {
			rc = take(r, &got);
			look_ms = clock_steady_ms() + LOOK_MS;
		}
		if (posts_under_way(r->host->posts) > 0)
			gather(r->host->posts);
		bad = settle(r);
		if (rc == RC_OK)
			rc = bad;
		if (r->done > done)
			look_ms = 0;
		else if (got == 0 && posts_under_way(r->host->posts) == 0)
			break;
	} while (rc == RC_OK || posts_under_way(r->host->posts) > 0);
	return rc;
}

static struct results *
results_new(const struct delivery_host *host)
{
	struct results *out = calloc(1, sizeof *out);

	if (out == NULL)
		die("out of memory");
	out->host = host;
	out->arena = arena_new(SIGNED_MOST);
	return out;
}

static void
results_free(struct results *r)
{
	arena_free(&r->arena);
	free(r);
}

enum rc
delivery_run(const struct delivery_host *host, int64_t ms, int64_t *done)
{
	struct run r = { .host = host, .results = results_new(host) };
	enum rc rc;

	db_guard_none(host->db);
	rc = run(&r, ms > 0 ? clock_steady_ms() + ms : 0);
	*done = r.done;
	results_free(r.results);
	return rc;
}

/* ---- one ---- */

enum rc
delivery_post(
    const struct delivery_host *host, const struct delivery *d, struct arena *a)
{
	struct attempt *t = ARENA_NEW(a, struct attempt);
	struct results *r;
	enum rc rc;

	t->d = d;
	TRY(effect_intend(&told, NULL));
	if (send_off(host, t, a))
		while (posts_take(host->posts) == NULL)
			posts_wait(host->posts, LOOK_MS);
	r = results_new(host);
	results_add(r, t);
	rc = effect_confirm(&told, r);
	results_free(r);
	return rc;
}
