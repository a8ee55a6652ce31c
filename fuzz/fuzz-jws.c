/* Tokens and key sets, as an attacker writes them. What is accepted must be
 * accepted by a second, dumb reading too: three segments, our kid, our
 * signature over exactly the first two. */
#include "core/jws.h"
#include "core/token.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define NOW INT64_C(1790000000)

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static struct jwk_set keys;
static struct arena *arena;

static void
once(void)
{
	/* Ed25519: by far the cheapest to sign with. */
	if (keys.n != 0)
		return;
	jwk_generate(JWK_EDDSA, &keys.key[0]);
	keys.n = 1;
	arena = arena_new(16 << 20);
}

/* The token as it came. */
static void
raw(struct str token)
{
	struct token_issuer issuer = { "https://a", &keys, false };
	struct token_rules rules = { &issuer, 1, "https://b" };
	struct claims c;
	struct str payload;

	if (jws_verify(arena, token, "at+jwt", jws_find_in_set, &keys,
		&payload) == RC_OK)
		abort(); /* Nobody guesses a signature. */
	assert(payload.p == NULL);
	if (token_verify(&rules, token, NOW, &c) == RC_OK)
		abort();
}

/* The payload as it came, rightly signed: what passes is printed by the
 * minter and passes again as the same. */
static void
payload(struct str text)
{
	struct token_issuer issuer = { "https://a", &keys, false };
	struct token_rules rules = { &issuer, 1, "https://b" };
	struct claims c, again;
	char *token;

	token = jws_sign(arena, &keys.key[0], "at+jwt", text);
	if (token_verify(&rules, str_of(token), NOW, &c) != RC_OK)
		return;
	assert(c.application > 0 && c.account > 0);
	assert(c.expires > NOW - TOKEN_LEEWAY);
	assert(c.user > 0 || c.client[0] != '\0');
	token = token_mint(arena, &keys.key[0], "https://a", "https://b", &c);
	if (token_verify(&rules, str_of(token), NOW, &again) != RC_OK)
		abort();
	c.not_before = 0;
	/* Both were zeroed whole. */
	/* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison,cert-*) */
	assert(memcmp(&c, &again, sizeof c) == 0);
}

static void
set(struct str text)
{
	struct jwk_set s = { .n = 0 };

	if (jwk_set_read(text, &s) == RC_OK)
		for (size_t i = 0; i < s.n; i++) {
			assert(jwk_kid_ok(str_of(s.key[i].kid)));
			assert(!s.key[i].can_sign);
			assert(!jwk_check(&s.key[i], STR("x"), text));
		}
	jwk_set_clear(&s);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str text = { (const char *)data + 1, n - 1 };

	if (n == 0)
		return 0;
	once();
	switch (data[0] % 3) {
	case 0: raw(text); break;
	case 1: payload(text); break;
	default: set(text); break;
	}
	arena_reset(arena);
	return 0;
}
