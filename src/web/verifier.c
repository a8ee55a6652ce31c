#include "web/verifier.h"

#include <stdlib.h>

#include "core/clock.h"
#include "core/external.h"
#include "core/log.h"
#include "core/token-key.h"
#include "web/issuer.h"

#define ISSUERS_MEMORY ((size_t)256 * 1024)

struct verifier {
	const struct conf *conf;
	struct arena *arena; /* owned; the issuers' words */
	struct external_issuers externals;
	struct external_keys external_keys[EXTERNAL_MOST];
	struct timespec keys_seen; /* which ones the cache was filled by */
	struct token_cache *tokens;
};

struct verifier *
verifier_new(const struct conf *conf)
{
	struct verifier *v = calloc(1, sizeof *v);

	if (v == NULL)
		die("out of memory");
	v->conf = conf;
	v->arena = arena_new(ISSUERS_MEMORY);
	if (external_issuers_read(
		conf->external_issuer, v->arena, &v->externals) != RC_OK)
		die("external_issuer: %s", fail_detail());
	v->tokens = token_cache_new();
	return v;
}

void
verifier_free(struct verifier **pv)
{
	struct verifier *v = *pv;

	if (v == NULL)
		return;
	token_cache_free(&v->tokens);
	for (size_t i = 0; i < v->externals.n; i++)
		external_keys_clear(&v->external_keys[i]);
	arena_free(&v->arena);
	free(v);
	*pv = NULL;
}

/* ---- keys ---- */

static bool
externals_look(struct verifier *v, int64_t now)
{
	bool changed = false;

	for (size_t i = 0; i < v->externals.n; i++)
		changed |= external_keys_look(&v->external_keys[i],
		    v->conf->state_dir, &v->externals.v[i], now);
	return changed;
}

/* What was proved by keys that have changed since is forgotten. */
static enum rc
keys_look(struct verifier *v, int64_t now, const struct token_keys **keys)
{
	bool changed = externals_look(v, now);

	TRY(issuer_keys(v->conf, keys));
	if (memcmp(&v->keys_seen, &(*keys)->seen, sizeof v->keys_seen) != 0) {
		v->keys_seen = (*keys)->seen;
		changed = true;
	}
	if (changed)
		token_cache_clear(v->tokens);
	return RC_OK;
}

/* Of our own keys there is nothing to wait for. */
static void
key_missing(void *ctx, size_t issuer)
{
	const struct verifier *v = ctx;

	if (issuer > 0)
		external_keys_want(
		    v->conf->state_dir, &v->externals.v[issuer - 1]);
}

/* ---- tokens ---- */

/* Our own issuer first, then the others in their order. */
enum rc
verifier_check(struct verifier *v, struct str token, struct claims *c)
{
	struct token_issuer issuers[1 + EXTERNAL_MOST];
	struct token_rules rules = {
		.issuers = issuers, .no_key = key_missing, .ctx = v
	};
	int64_t now = clock_now().us / 1000000;
	const struct token_keys *keys;

	if (v == NULL)
		return RC_UNAUTHORIZED;
	TRY(keys_look(v, now, &keys));
	rules.issuers_n = 1 + v->externals.n;
	rules.audiences = issuer_audiences(v->conf);
	issuers[0] = (struct token_issuer){ .name = v->conf->base_url,
		.keys = &keys->set };
	for (size_t i = 0; i < v->externals.n; i++)
		issuers[1 + i] = (struct token_issuer){
			.name = v->externals.v[i].name,
			.keys = &v->external_keys[i].set,
			.external = true,
			.audiences = v->externals.v[i].audience,
		};
	return token_verify_cached(v->tokens, &rules, token, now, c);
}

const char *
verifier_issuer(const struct verifier *v, const struct claims *c)
{
	return c->external ? v->externals.v[c->issuer - 1].name
			   : v->conf->base_url;
}
