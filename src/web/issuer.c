#include "web/issuer.h"

#include <stdio.h>

#include "core/jws.h"
#include "core/token-key.h"
#include "core/token.h"

enum rc
issuer_keys(const struct conf *conf, const struct token_keys **out)
{
	static struct token_keys keys;

	if (keys.set.n == 0 || token_keys_changed(&keys, conf->key_dir)) {
		token_keys_clear(&keys);
		if (token_keys_load(conf->key_dir, &keys) != RC_OK)
			return RC_RETRY;
	}
	*out = &keys;
	return RC_OK;
}

/* The first of a blank-separated list, and what is behind it. */
static struct str
word_next(struct str *list)
{
	struct str word;
	size_t n = 0;

	*list = str_trim(*list);
	while (n < list->n && strchr(" \t", list->p[n]) == NULL)
		n++;
	word = (struct str){ list->p, n };
	list->p += n;
	list->n -= n;
	return word;
}

const char *
issuer_audiences(const struct conf *conf)
{
	struct str list = str_trim(str_of(conf->audiences));

	return list.n > 0 ? list.p : conf->base_url;
}

bool
issuer_audience_ok(const struct conf *conf, struct str audience)
{
	struct str list = str_of(issuer_audiences(conf)), word;

	while (word = word_next(&list), word.n > 0)
		if (str_eq(word, audience))
			return true;
	return false;
}

static const char *
audience_or_first(const struct request *rq, const char *given)
{
	struct str list = str_of(issuer_audiences(rq->conf)), first;

	if (given != NULL)
		return given;
	first = word_next(&list);
	return arena_dup(rq->arena, first.p, first.n);
}

enum rc
issuer_grant(struct request *rq, const struct grant *g, const char **token)
{
	int64_t now = clock_now().us / 1000000;
	struct claims claims = {
		.user = g->user,
		.application = g->application,
		.account = g->account,
		.session = g->session,
		.member_version = g->version,
		.issued = now,
		.expires = now + rq->conf->access_token_life,
	};
	const struct token_keys *keys;

	TRY(issuer_keys(rq->conf, &keys));
	if (g->until != 0 && g->until < claims.expires)
		claims.expires = g->until;
	snprintf(claims.client, sizeof claims.client, "%s", g->client);
	snprintf(claims.role, sizeof claims.role, "%s", g->role);
	snprintf(claims.scope, sizeof claims.scope, "%s", g->scope);
	*token = token_mint(rq->arena, token_keys_active(keys),
	    rq->conf->base_url, audience_or_first(rq, g->audience), &claims);
	return RC_OK;
}

enum rc
issuer_sign(
    struct request *rq, const char *typ, struct str payload, const char **token)
{
	const struct token_keys *keys;

	TRY(issuer_keys(rq->conf, &keys));
	*token = jws_sign(rq->arena, token_keys_active(keys), typ, payload);
	return RC_OK;
}

enum rc
issuer_renew(struct request *rq, const struct granted *g, const char **token)
{
	const struct grant grant = {
		.application = g->application_id,
		.user = g->user_id,
		.session = g->session_id,
		.account = g->account_id,
		.version = g->version,
		.role = g->role,
		.client = g->client != NULL ? g->client : "",
		.scope = g->scope,
		.audience = g->audience,
	};

	return issuer_grant(rq, &grant, token);
}

struct refresh_terms
issuer_terms(const struct request *rq)
{
	return (struct refresh_terms){
		.idle = rq->conf->session_idle,
		.session_life = rq->conf->session_life,
		.life = rq->conf->refresh_life,
		.address = rq->peer,
		.request = rq->id,
	};
}
