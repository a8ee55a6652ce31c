#include "domain/stripe.h"

#include <string.h>
#include <time.h>

#include "core/clock.h"
#include "core/log.h"
#include "mail/fetch.h"

#define KEY_MOST    512
#define ANSWER_MOST ((size_t)4 << 20)
#define ASK_MS      20000
#define ALL_MS      28000 /* many a client waits for half a minute */
#define TRIES       3
#define REST_MS     500
#define REST_MOST_S 5
#define DEPTH       32
#define ID_MOST     255

enum rc
stripe_open(const struct conf *conf, const struct egress *egress,
    struct arena *a, struct stripe *out)
{
	if (conf->stripe_secret_key_file[0] == '\0')
		return RC_BILLING;
	if (secret_read(a, conf->stripe_secret_key_file, KEY_MOST, &out->key) !=
	    RC_OK) {
		log_error(&(struct log){ .who = "stripe" },
		    "the key cannot be read: %s", fail_detail());
		fail_clear();
		return RC_BILLING;
	}
	out->egress = egress;
	out->url = conf->stripe_url;
	out->end_ms = clock_steady_ms() + ALL_MS;
	out->is_spent = false;
	return RC_OK;
}

bool
stripe_id_ok(struct str id)
{
	for (size_t i = 0; i < id.n; i++) {
		char c = id.p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			(c >= '0' && c <= '9') || c == '_'))
			return false;
	}
	return id.n > 0 && id.n <= ID_MOST;
}

void
stripe_field(
    struct buf *b, struct arena *a, const char *name, const char *value)
{
	buf_fmt(b, "%s%s=%s", b->n > 0 ? "&" : "",
	    percent_encode(a, str_of(name)), percent_encode(a, str_of(value)));
}

/* ---- asking ---- */

static const char *const *
headers_of(
    const struct stripe *s, const struct stripe_ask *ask, struct arena *a)
{
	const char **h = ARENA_ARRAY(a, const char *, 6), **at = h;
	struct str key = str_trim((struct str){ (char *)s->key.p, s->key.n });
	char *bearer = arena_fmt(a, "Authorization: Bearer %.*s", STR_FMT(key));

	/* In the arena's care as a secret: wiped with it. */
	*at++ = (const char *)secret_new(a, bearer, strlen(bearer)).p;
	explicit_bzero(bearer, strlen(bearer));
	*at++ = "Stripe-Version: " STRIPE_VERSION;
	*at++ = "User-Agent: Letterrack/" VERSION;
	*at++ = "Expect:";
	if (ask->key != NULL)
		*at++ = arena_fmt(a, "Idempotency-Key: %s", ask->key);
	*at = NULL;
	return h;
}

enum { SHOULD_RETRY, RETRY_AFTER, REPLAYED, TOLD };

struct answer {
	enum rc rc;
	long status; /* where `rc` is RC_OK */
	struct str text;
	struct fetch_header told[TOLD + 1];
};

static bool
says(const struct answer *got, int header, const char *word)
{
	return strcmp(got->told[header].value, word) == 0;
}

static void
once(const struct stripe *s, const struct stripe_ask *ask, struct arena *a,
    struct answer *got)
{
	int64_t left = s->end_ms - clock_steady_ms();
	const struct fetch f = { .url = arena_fmt(a, "%s%s", s->url, ask->path),
		.most = ANSWER_MOST,
		.ms = left < ASK_MS ? (long)left : ASK_MS,
		.form = ask->form,
		.method = ask->method,
		.headers = headers_of(s, ask, a),
		.status = &got->status,
		.told = got->told };

	*got = (struct answer){
		.told = { [SHOULD_RETRY] = { "Stripe-Should-Retry", "" },
		    [RETRY_AFTER] = { "Retry-After", "" },
		    [REPLAYED] = { "Idempotent-Replayed", "" } }
	};
	got->rc = left > 0 ? fetch_text(s->egress, &f, a, &got->text)
			   : fail(RC_TIMEOUT, "no answer in time");
}

/* Nothing is known, or nothing was done yet. */
static bool
is_open(const struct answer *got)
{
	return got->status == 409 || got->status == 429 || got->status >= 500;
}

/* What Stripe says of it goes first. Else connections that break, keys and
 * objects in use, too many at once and its own faults are asked again; but not
 * what it has kept as the answer to this key. */
static bool
may_pass(const struct answer *got)
{
	if (got->rc != RC_OK)
		return got->rc == RC_CONNECTION || got->rc == RC_TIMEOUT;
	if (says(got, SHOULD_RETRY, "false") || says(got, REPLAYED, "true"))
		return false;
	return says(got, SHOULD_RETRY, "true") || is_open(got);
}

/* Before try `i` + 2; false: that would be too long. */
static bool
rest(const struct stripe *s, const struct answer *got, int i)
{
	long ms = (long)REST_MS << i;
	uint64_t after = 0;
	uint32_t dice;

	random_bytes(&dice, sizeof dice);
	ms = ms / 2 + (long)(dice % 1000) * ms / 2000;
	(void)str_uint(str_of(got->told[RETRY_AFTER].value), INT32_MAX, &after);
	if (after > REST_MOST_S)
		return false;
	if ((long)after * 1000 > ms)
		ms = (long)after * 1000;
	if (clock_steady_ms() + ms >= s->end_ms)
		return false;
	nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000 }, NULL);
	return true;
}

static enum rc
refusal(long status, struct json_object *answer)
{
	struct json_object *error;
	struct str message = { "", 0 };

	if (answer != NULL && json_inside(answer, "error", &error))
		(void)json_text(error, "message", &message);
	if (status == 404)
		return fail(RC_NOT_FOUND, "Stripe has no such thing");
	if (status == 401 || status == 403) {
		log_error(&(struct log){ .who = "stripe" },
		    "the key is refused: status %ld", status);
		return fail(RC_BILLING, "Stripe refuses the operator's key.");
	}
	return fail(RC_CONFLICT, "Stripe refuses this: %.*s",
	    (int)(message.n < 300 ? message.n : 300), message.p);
}

/* A fault of its own that comes again with the key. Whoever asks again has to
 * look what is there, and needs another key. */
static bool
is_kept(const struct answer *got)
{
	return got->status >= 500 &&
	    (says(got, REPLAYED, "true") || says(got, SHOULD_RETRY, "false"));
}

static enum rc
result_of(struct stripe *s, const struct answer *got, struct arena *a,
    struct json_object **out)
{
	enum rc rc;

	if (got->rc != RC_OK)
		return fail(got->rc == RC_TOO_LARGE ? RC_CONNECTION : got->rc,
		    "Stripe gives no answer: %s", fail_detail());
	s->is_spent = is_kept(got);
	if (got->status == 429 || got->status >= 500 || may_pass(got))
		return fail(
		    RC_RETRY, "Stripe answers with status %ld", got->status);
	rc = json_tree(a, got->text, DEPTH, out);
	if (got->status < 200 || got->status > 299)
		return refusal(got->status, rc == RC_OK ? *out : NULL);
	return rc == RC_OK ? RC_OK
			   : fail(RC_RETRY, "Stripe's answer cannot be read");
}

enum rc
stripe_ask(struct stripe *s, const struct stripe_ask *ask, struct arena *a,
    struct json_object **out)
{
	struct answer got;

	s->is_spent = false;
	once(s, ask, a, &got);
	for (int i = 0; i + 1 < TRIES && may_pass(&got) && rest(s, &got, i);
	     i++)
		once(s, ask, a, &got);
	return result_of(s, &got, a, out);
}
