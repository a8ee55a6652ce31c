#include "domain/webhook.h"

#include <string.h>

#define PREFIX       "whsec_"
#define PREFIX_N     (sizeof PREFIX - 1)
#define KEY_SIZE     32
#define KEY_LEAST    16 /* bytes behind "whsec_" */
#define SECRET_LEAST 8  /* characters of any other */

const struct col webhook_cols[] = {
	COL(struct webhook, id),
	COL(struct webhook, url),
	COL(struct webhook, events),
	COL(struct webhook, secret),
	COL(struct webhook, is_active),
	COL(struct webhook, disabled_reason),
	COL(struct webhook, last_triggered_at),
	COL(struct webhook, failed_attempts),
	COL(struct webhook, created_at),
	COL(struct webhook, updated_at),
	COL_END,
};

const char *const webhook_events[EVENT_COUNT + 2] = {
#define WORD(name, word) word,
	EVENTS(WORD)
#undef WORD
	    "*",
};

struct secret
webhook_secret_new(struct arena *a)
{
	unsigned char key[KEY_SIZE];
	char *text;
	struct secret out;

	random_bytes(key, sizeof key);
	text = base64_encode(a, key, sizeof key);
	text = arena_fmt(a, PREFIX "%s", text);
	out = secret_new(a, text, strlen(text));
	explicit_bzero(key, sizeof key);
	explicit_bzero(text, out.n);
	return out;
}

static bool
has_prefix(const struct secret *s)
{
	return s->n >= PREFIX_N && memcmp(s->p, PREFIX, PREFIX_N) == 0;
}

static bool
key_decode(const struct secret *s, struct arena *a, struct str *out)
{
	const char *text = (const char *)s->p + PREFIX_N;

	return base64_decode(a, (struct str){ text, s->n - PREFIX_N }, out);
}

enum rc
webhook_secret_check(const struct secret *s)
{
	struct arena *a;
	struct str key = { NULL, 0 };
	bool good;

	if (s->n < SECRET_LEAST)
		return fail(
		    RC_INVALID, "At least %d characters.", SECRET_LEAST);
	if (!has_prefix(s))
		return RC_OK;
	a = arena_new(16384);
	good = key_decode(s, a, &key) && key.n >= KEY_LEAST;
	if (good)
		explicit_bzero((char *)key.p, key.n);
	arena_free(&a);
	return good ? RC_OK
		    : fail(RC_INVALID,
			  "Behind whsec_ stands base64 of at least %d bytes.",
			  KEY_LEAST);
}

struct secret
webhook_key(const struct secret *s, struct arena *a)
{
	struct secret out;
	struct str key;

	if (!has_prefix(s) || !key_decode(s, a, &key))
		return *s;
	out = secret_new(a, key.p, key.n);
	explicit_bzero((char *)key.p, key.n);
	return out;
}

struct envelope_place
webhook_place(int64_t application, int64_t account, int64_t id)
{
	return (struct envelope_place){ .table = "webhook",
		.application = application,
		.account = account,
		.id = id,
		.field = "secret" };
}
