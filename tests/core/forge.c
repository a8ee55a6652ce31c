#include "core/forge.h"

#include <check.h>
#include <stdlib.h>

/* Keys are made once: RSA ones take a while. */
struct jwk_set ours, others;
struct jwk stranger, *rsa, *ec, *ed;
struct arena *arena;
int refused;

static struct token_issuer issuers[] = {
	{ .name = ISSUER, .keys = &ours },
	{ .name = OTHER, .keys = &others, .external = true },
};
const struct token_rules rules = { .issuers = issuers,
	.issuers_n = 2,
	.audiences = "https://unused.example " AUDIENCE };

void
make_keys(void)
{
	arena = arena_new(64 << 20);
	jwk_generate(JWK_RS256, &ours.key[0]);
	jwk_generate(JWK_ES256, &ours.key[1]);
	jwk_generate(JWK_EDDSA, &ours.key[2]);
	ours.n = 3;
	rsa = &ours.key[0];
	ec = &ours.key[1];
	ed = &ours.key[2];
	jwk_generate(JWK_RS256, &stranger);
	jwk_generate(JWK_ES256, &others.key[0]);
	others.n = 1;
}

void
drop_keys(void)
{
	jwk_set_clear(&ours);
	jwk_set_clear(&others);
	jwk_clear(&stranger);
	arena_free(&arena);
}

/* The right token's claims; a row replaces one of them. */
static const struct claim right[] = {
	{ "iss", "\"" ISSUER "\"" },
	{ "aud", "\"" AUDIENCE "\"" },
	{ "sub", "\"uid_7\"" },
	{ "iat", "1789999900" },
	{ "exp", "1790000500" },
	{ "uid", "\"uid_7\"" },
	{ "app", "\"app_1\"" },
	{ "acc", "\"acc_3\"" },
	{ "role", "\"member\"" },
	{ "cid", "\"cid_demo\"" },
	{ "scope", "\"openid profile\"" },
	{ "sid", "\"ses_12\"" },
	{ "mv", "5" },
};
#define RIGHT_N (sizeof right / sizeof *right)

const char *
payload_with(const char *name, const char *json)
{
	const char *text = "{", *comma = "";
	bool known = false;

	for (size_t i = 0; i < RIGHT_N; i++) {
		const char *value = right[i].json;

		if (name != NULL && strcmp(name, right[i].name) == 0) {
			known = true;
			value = json;
		}
		if (value == NULL)
			continue;
		text = arena_fmt(
		    arena, "%s%s\"%s\":%s", text, comma, right[i].name, value);
		comma = ",";
	}
	if (name != NULL && !known)
		text = arena_fmt(arena, "%s,\"%s\":%s", text, name, json);
	return arena_fmt(arena, "%s}", text);
}

const char *
b64(const void *p, size_t n)
{
	return base64url_encode(arena, p, n);
}

const char *
signed_by(const struct jwk *key, const char *header, const char *payload)
{
	unsigned char sig[JWK_SIGNATURE_MAX];
	char *input = arena_fmt(arena, "%s.%s", b64(header, strlen(header)),
	    b64(payload, strlen(payload)));
	size_t n = jwk_sign(key, str_of(input), sig);

	return arena_fmt(arena, "%s.%s", input, b64(sig, n));
}

const char *
header_of(const struct jwk *key)
{
	return arena_fmt(arena,
	    "{\"alg\":\"%s\",\"typ\":\"at+jwt\",\"kid\":\"%s\"}",
	    jwk_alg_name(key->alg), key->kid);
}

const char *
right_token(const struct jwk *key)
{
	return signed_by(key, header_of(key), payload_with(NULL, NULL));
}

static enum rc
verify_n(const char *token, size_t n)
{
	struct claims c;

	return token_verify(&rules, (struct str){ token, n }, NOW, &c);
}

void
must_refuse_n(const char *row, const char *token, size_t n)
{
	enum rc rc = verify_n(token, n);

	ck_assert_msg(rc == RC_UNAUTHORIZED, "accepted: %s", row);
	refused++;
}

void
must_refuse(const char *row, const char *token)
{
	must_refuse_n(row, token, strlen(token));
}

void
must_accept(const char *row, const char *token)
{
	enum rc rc = verify_n(token, strlen(token));

	ck_assert_msg(rc == RC_OK, "refused: %s: %s", row, fail_detail());
}
