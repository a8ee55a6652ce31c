#include "core/token.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <json-c/json.h>
#include <openssl/crypto.h>

#include "core/json-tree.h"
#include "core/jws.h"
#include "core/log.h"

#define TYP           "at+jwt"
#define CLAIMS_DEPTH  4
#define AUDIENCES_MAX 16
#define PAYLOAD_MAX   4096
#define SCRATCH       (256 * 1024)
#define LATEST        253402300799 /* the end of year 9999 */
#define CACHE_SETS    128
#define CACHE_WAYS    2

/* The claims, one row each. A text goes to a char array of `size`, an id is
 * `prefix` and a number, a number lies between 0 and LATEST. */
enum claim_kind { CLAIM_TEXT, CLAIM_ID, CLAIM_NUMBER };
/* HOME: what our own issuer always says, and others may. INNER: what only ours
 * may say; passed over in other tokens. */
enum claim_need { ALWAYS, MAYBE, HOME, INNER };

struct claim_row {
	const char *name;
	enum claim_kind kind;
	enum claim_need need;
	size_t offset;
	size_t size;
	const char *prefix;
};

#define TEXT_(name, need, m)                                                   \
	{                                                                      \
		name, CLAIM_TEXT, need, offsetof(struct claims, m),            \
		    sizeof(((struct claims *)0)->m), NULL                      \
	}
#define ID_(name, need, m, prefix)                                             \
	{                                                                      \
		name, CLAIM_ID, need, offsetof(struct claims, m), 0, prefix    \
	}
#define NUMBER_(name, need, m)                                                 \
	{                                                                      \
		name, CLAIM_NUMBER, need, offsetof(struct claims, m), 0, NULL  \
	}

static const struct claim_row rows[] = {
	TEXT_("sub", ALWAYS, subject),
	NUMBER_("exp", ALWAYS, expires),
	NUMBER_("iat", ALWAYS, issued),
	NUMBER_("nbf", MAYBE, not_before),
	ID_("app", HOME, application, "app_"),
	ID_("acc", HOME, account, "acc_"),
	ID_("uid", MAYBE, user, "uid_"),
	TEXT_("role", INNER, role),
	TEXT_("cid", MAYBE, client),
	TEXT_("scope", MAYBE, scope),
	ID_("sid", INNER, session, "ses_"),
	NUMBER_("mv", INNER, member_version),
};

static enum rc
refuse(const char *what, const char *why)
{
	return fail(RC_UNAUTHORIZED, "token: %s %s", what, why);
}

static bool
take_text(struct json_object *o, const struct claim_row *row, char *out)
{
	struct str s;

	if (!json_text(o, row->name, &s) || s.n == 0 || s.n >= row->size)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return false;
	memcpy(out, s.p, s.n);
	out[s.n] = '\0';
	return true;
}

static bool
take_id(struct json_object *o, const struct claim_row *row, int64_t *out)
{
	struct str s, prefix = str_of(row->prefix);
	uint64_t id;

	if (!json_text(o, row->name, &s) || !str_starts(s, prefix) ||
	    !str_uint((struct str){ s.p + prefix.n, s.n - prefix.n }, INT64_MAX,
		&id) ||
	    id == 0)
		return false;
	*out = (int64_t)id;
	return true;
}

static bool
take_number(struct json_object *o, const struct claim_row *row, int64_t *out)
{
	return json_int(o, row->name, out) && *out >= 0 && *out <= LATEST;
}

static bool
take(struct json_object *o, const struct claim_row *row, struct claims *c)
{
	char *at = (char *)c + row->offset;

	switch (row->kind) {
	case CLAIM_TEXT: return take_text(o, row, at);
	case CLAIM_ID: return take_id(o, row, (int64_t *)(void *)at);
	default: return take_number(o, row, (int64_t *)(void *)at);
	}
}

static enum rc
take_all(struct json_object *o, bool external, struct claims *c)
{
	memset(c, 0, sizeof *c);
	c->external = external;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct claim_row *row = &rows[i];

		if (row->need == INNER && external)
			continue;
		if (!json_member(o, row->name)) {
			if (row->need == ALWAYS ||
			    (row->need == HOME && !external))
				return refuse(row->name, "missing");
		} else if (!take(o, row, c))
			return refuse(row->name, "of a wrong form");
	}
	return RC_OK;
}

/* A blank-separated list and one of its words. */
static bool
list_has(const char *list, struct str word)
{
	while (*list != '\0') {
		size_t n = strcspn(list, " \t");

		if (n > 0 && str_eq((struct str){ list, n }, word))
			return true;
		list += n;
		list += strspn(list, " \t");
	}
	return false;
}

/* `aud` is a text or a list of texts (RFC 7519 4.1.3). */
static bool
audience_ok(struct json_object *o, const char *meant)
{
	struct json_object *list;
	struct str s;
	bool found = false;

	if (json_text(o, "aud", &s))
		return list_has(meant, s);
	if (!json_list(o, "aud", &list) ||
	    json_object_array_length(list) > AUDIENCES_MAX)
		return false;
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		if (!json_str(json_object_array_get_idx(list, i), &s))
			return false;
		found |= list_has(meant, s);
	}
	return found;
}

static enum rc
times_ok(const struct claims *c, int64_t now)
{
	if (c->expires <= now - TOKEN_LEEWAY)
		return refuse("exp", "is over");
	if (c->issued > now + TOKEN_LEEWAY)
		return refuse("iat", "lies ahead");
	if (c->not_before > now + TOKEN_LEEWAY)
		return refuse("nbf", "lies ahead");
	if (c->expires <= c->issued)
		return refuse("exp", "before iat");
	return RC_OK;
}

static bool
role_ok(const char *role)
{
	return strcmp(role, "owner") == 0 || strcmp(role, "member") == 0 ||
	    strcmp(role, "viewer") == 0;
}

/* What an own token says of its bearer must fit together: a user with a
 * session and the version of their rights, or a machine client without. */
static enum rc
bearer_ok(const struct claims *c)
{
	char want[sizeof c->subject];
	bool rights = c->session != 0 && c->member_version != 0;

	if (!role_ok(c->role))
		return refuse("role", "unknown");
	if (c->user == 0) {
		if (c->client[0] == '\0' || strcmp(c->client, c->subject) != 0)
			return refuse("sub", "is neither user nor client");
		return c->session == 0 ? RC_OK : refuse("sid", "without uid");
	}
	snprintf(want, sizeof want, "uid_%" PRId64, c->user);
	if (strcmp(want, c->subject) != 0)
		return refuse("sub", "differs from uid");
	return rights ? RC_OK : refuse("sid or mv", "missing");
}

/* While a token is checked: the rules, and whose it turned out to be. */
struct checking {
	const struct token_rules *rules;
	const struct token_issuer *issuer;
	struct arena *arena;
	struct json_object *payload;
};

static const struct jwk *
key_of(const struct token_rules *rules, size_t issuer, struct str kid)
{
	const struct jwk *key = jwk_set_find(rules->issuers[issuer].keys, kid);

	if (key == NULL && rules->no_key != NULL)
		rules->no_key(rules->ctx, issuer);
	return key;
}

/* jws_find: the issuer by its exact name, then the key among its own. */
static const struct jwk *
find_key(void *ctx, struct str kid, struct str unproven)
{
	struct checking *c = ctx;
	struct str iss;

	if (json_tree(c->arena, unproven, CLAIMS_DEPTH, &c->payload) != RC_OK ||
	    !json_text(c->payload, "iss", &iss))
		return NULL;
	for (size_t i = 0; i < c->rules->issuers_n; i++) {
		const struct token_issuer *it = &c->rules->issuers[i];

		if (!str_eq(iss, str_of(it->name)))
			continue;
		c->issuer = it;
		return key_of(c->rules, i, kid);
	}
	return NULL;
}

static const char *
audiences_of(const struct checking *k)
{
	return k->issuer->audiences != NULL ? k->issuer->audiences
					    : k->rules->audiences;
}

static enum rc
verify(struct checking *k, struct str token, int64_t now, struct claims *c)
{
	struct str payload;

	TRY(jws_verify(k->arena, token, TYP, find_key, k, &payload));
	TRY(take_all(k->payload, k->issuer->external, c));
	c->issuer = (size_t)(k->issuer - k->rules->issuers);
	if (!audience_ok(k->payload, audiences_of(k)))
		return refuse("aud", "is another");
	TRY(times_ok(c, now));
	return k->issuer->external ? RC_OK : bearer_ok(c);
}

enum rc
token_verify(const struct token_rules *rules, struct str token, int64_t now,
    struct claims *c)
{
	struct checking k = { .rules = rules };
	enum rc rc;

	if (token.p == NULL || token.n > JWS_MAX)
		rc = refuse("it", "is too long");
	else {
		k.arena = arena_new(SCRATCH);
		rc = verify(&k, token, now, c);
		arena_free(&k.arena);
	}
	if (rc != RC_OK)
		memset(c, 0, sizeof *c);
	return rc;
}

struct cache_row {
	unsigned char digest[SHA256_SIZE];
	int64_t until; /* 0: empty */
	struct claims claims;
};

struct token_cache {
	struct cache_row row[CACHE_SETS][CACHE_WAYS];
};

struct token_cache *
token_cache_new(void)
{
	struct token_cache *c = calloc(1, sizeof *c);

	if (c == NULL)
		die("no memory");
	return c;
}

void
token_cache_free(struct token_cache **c)
{
	free(*c);
	*c = NULL;
}

/* What was never used is not touched, and so costs no memory. */
void
token_cache_clear(struct token_cache *c)
{
	for (size_t i = 0; i < CACHE_SETS * CACHE_WAYS; i++) {
		struct cache_row *row = &c->row[i / CACHE_WAYS][i % CACHE_WAYS];

		if (row->until != 0)
			memset(row, 0, sizeof *row);
	}
}

/* The row of this token, or the one to overwrite: what ends first. */
static struct cache_row *
cache_row(struct token_cache *c, const unsigned char *digest, bool *hit)
{
	struct cache_row *set = c->row[digest[0] % CACHE_SETS];
	struct cache_row *oldest = set;

	for (size_t i = 0; i < CACHE_WAYS; i++) {
		*hit = set[i].until != 0 &&
		    CRYPTO_memcmp(set[i].digest, digest, SHA256_SIZE) == 0;
		if (*hit)
			return &set[i];
		if (set[i].until < oldest->until)
			oldest = &set[i];
	}
	return oldest;
}

enum rc
token_verify_cached(struct token_cache *cache, const struct token_rules *rules,
    struct str token, int64_t now, struct claims *c)
{
	unsigned char digest[SHA256_SIZE];
	struct cache_row *row;
	bool hit;

	if (token.p == NULL || token.n > JWS_MAX)
		return token_verify(rules, token, now, c);
	sha256(token.p, token.n, digest);
	row = cache_row(cache, digest, &hit);
	/* A clock that was set back must not keep a row alive. */
	if (hit && now < row->until && row->until - now <= TOKEN_CACHE_AGE) {
		*c = row->claims;
		return RC_OK;
	}
	if (hit)
		row->until = 0;
	TRY(token_verify(rules, token, now, c));
	if (c->expires <= now)
		return RC_OK; /* within the leeway: not worth a row */
	memcpy(row->digest, digest, sizeof digest);
	row->until = now + TOKEN_CACHE_AGE;
	if (c->expires < row->until)
		row->until = c->expires;
	row->claims = *c;
	return RC_OK;
}

static void
write_text(struct jw *w, const char *name, const char *value)
{
	if (value[0] != '\0')
		JW_TEXT(w, name, value);
}

static void
write_claims(struct jw *w, struct arena *a, const char *issuer,
    const char *audience, const struct claims *c)
{
	const char *uid =
	    c->user != 0 ? arena_fmt(a, "uid_%" PRId64, c->user) : "";
	const char *derived = c->user != 0 ? uid : c->client;
	unsigned char jti[16];

	random_bytes(jti, sizeof jti);
	jw_object(w);
	JW_TEXT(w, "iss", issuer);
	JW_TEXT(w, "aud", audience);
	JW_TEXT(w, "sub", c->subject[0] != '\0' ? c->subject : derived);
	JW_INT(w, "iat", c->issued);
	JW_INT(w, "exp", c->expires);
	JW_TEXT(w, "jti", base64url_encode(a, jti, sizeof jti));
	write_text(w, "uid", uid);
	JW_TEXT(w, "app", arena_fmt(a, "app_%" PRId64, c->application));
	JW_TEXT(w, "acc", arena_fmt(a, "acc_%" PRId64, c->account));
	write_text(w, "role", c->role);
	write_text(w, "cid", c->client);
	write_text(w, "scope", c->scope);
	if (c->session != 0) {
		JW_TEXT(w, "sid", arena_fmt(a, "ses_%" PRId64, c->session));
		JW_INT(w, "mv", c->member_version);
	}
	jw_object_end(w);
}

char *
token_mint(struct arena *a, const struct jwk *key, const char *issuer,
    const char *audience, const struct claims *c)
{
	struct buf payload;
	struct jw w = jw_on(&payload);
	char *token;

	buf_init(&payload, PAYLOAD_MAX);
	write_claims(&w, a, issuer, audience, c);
	assert(!payload.full);
	token = jws_sign(a, key, TYP, (struct str){ payload.p, payload.n });
	buf_clear(&payload);
	return token;
}
