#include "domain/stripe.h"

#include <string.h>
#include <time.h>

#include "core/log.h"
#include "mail/fetch.h"

#define KEY_MOST    512
#define ANSWER_MOST ((size_t)4 << 20)
#define ASK_MS      20000
#define TRIES       3
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

static enum rc
once(const struct stripe *s, const struct stripe_ask *ask, struct arena *a,
    long *status, struct str *text)
{
	const struct fetch f = { .url = arena_fmt(a, "%s%s", s->url, ask->path),
		.most = ANSWER_MOST,
		.ms = ASK_MS,
		.form = ask->form,
		.method = ask->method,
		.headers = headers_of(s, ask, a),
		.status = status };

	return fetch_text(s->egress, &f, a, text);
}

/* Stripe: connections that break, conflicts of keys in use, too many at once,
 * and its own faults are asked again, with the same key. */
static bool
may_pass(enum rc rc, long status)
{
	if (rc != RC_OK)
		return rc == RC_CONNECTION || rc == RC_TIMEOUT;
	return status == 409 || status == 429 || status >= 500;
}

static void
rest(int try)
{
	uint32_t dice;
	long ms = 500L << try;

	random_bytes(&dice, sizeof dice);
	ms = ms / 2 + (long)(dice % 1000) * ms / 2000;
	nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000 }, NULL);
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

enum rc
stripe_ask(const struct stripe *s, const struct stripe_ask *ask,
    struct arena *a, struct json_object **out)
{
	struct str text = { NULL, 0 };
	long status = 0;
	enum rc rc = once(s, ask, a, &status, &text);

	for (int i = 0; i + 1 < TRIES && may_pass(rc, status); i++) {
		rest(i);
		rc = once(s, ask, a, &status, &text);
	}
	TRY(rc);
	if (may_pass(RC_OK, status))
		return fail(RC_RETRY, "Stripe answers with status %ld", status);
	rc = json_tree(a, text, DEPTH, out);
	if (status < 200 || status > 299)
		return refusal(status, rc == RC_OK ? *out : NULL);
	return rc == RC_OK ? RC_OK
			   : fail(RC_RETRY, "Stripe's answer cannot be read");
}
