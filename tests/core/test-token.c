/* Tokens: who they speak for, minting them, and remembering what was proved. */
#include "core/forge.h"

#include "lib/unit.h"

#include <string.h>

static void
key_lacking(void *ctx, size_t issuer)
{
	*(size_t *)ctx = issuer;
}

/* A foreign issuer speaks for itself only. */
START_TEST(issuers_apart)
{
	const char *as_other = payload_with("iss", "\"" OTHER "\"");
	struct claims c;

	must_accept("external",
	    signed_by(&others.key[0], header_of(&others.key[0]), as_other));
	ck_assert_int_eq(token_verify(&rules,
			     str_of(signed_by(&others.key[0],
				 header_of(&others.key[0]), as_other)),
			     NOW, &c),
	    RC_OK);
	ck_assert(c.external);
	ck_assert_int_eq(c.session, 0);
	ck_assert_int_eq(c.member_version, 0);
	ck_assert_str_eq(c.role, "");
	must_refuse("our issuer by their key",
	    signed_by(&others.key[0], header_of(&others.key[0]),
		payload_with(NULL, NULL)));
	must_refuse("their issuer by our key",
	    signed_by(rsa, header_of(rsa), as_other));
}
END_TEST

/* What an issuer of somebody else's need not say, is for, and lacks. */
START_TEST(externals)
{
	static const struct token_issuer theirs = { .name = OTHER,
		.keys = &others,
		.external = true,
		.audiences = "https://theirs.example" };
	size_t lacking = SIZE_MAX;
	const struct token_rules only = { .issuers = &theirs,
		.issuers_n = 1,
		.audiences = AUDIENCE,
		.no_key = key_lacking,
		.ctx = &lacking };
	const struct jwk *key = &others.key[0];
	static const char least[] =
	    "{\"iss\":\"" OTHER "\",\"aud\":\"https://theirs.example\","
	    "\"sub\":\"somebody\",\"iat\":1789999900,\"exp\":1790000500}";
	const char *ours_by_them = payload_with("iss", "\"" OTHER "\"");
	struct claims c;
	const char *t = signed_by(key, header_of(key), least);

	ck_assert_int_eq(token_verify(&only, str_of(t), NOW, &c), RC_OK);
	ck_assert_str_eq(c.subject, "somebody");
	ck_assert(c.external && c.user == 0 && c.account == 0);
	/* our audience is not theirs */
	t = signed_by(key, header_of(key), ours_by_them);
	ck_assert_int_eq(
	    token_verify(&only, str_of(t), NOW, &c), RC_UNAUTHORIZED);
	ck_assert_uint_eq(lacking, SIZE_MAX);
	t = signed_by(key, header_of(rsa), least);
	ck_assert_int_eq(
	    token_verify(&only, str_of(t), NOW, &c), RC_UNAUTHORIZED);
	ck_assert_uint_eq(lacking, 0);
}
END_TEST

START_TEST(machine_clients)
{
#define MACHINE(sub, more)                                                     \
	"{\"iss\":\"" ISSUER "\",\"aud\":\"" AUDIENCE "\",\"sub\":\"" sub      \
	"\",\"iat\":1789999900,\"exp\":1790000500,\"app\":\"app_1\","          \
	"\"acc\":\"acc_3\",\"role\":\"member\"" more "}"
	must_accept("machine",
	    signed_by(
		rsa, header_of(rsa), MACHINE("cid_b", ",\"cid\":\"cid_b\"")));
	must_refuse(
	    "no cid", signed_by(rsa, header_of(rsa), MACHINE("cid_b", "")));
	must_refuse("other cid",
	    signed_by(
		rsa, header_of(rsa), MACHINE("cid_b", ",\"cid\":\"cid_c\"")));
	must_refuse("a session without a user",
	    signed_by(rsa, header_of(rsa),
		MACHINE("cid_b", ",\"cid\":\"cid_b\",\"sid\":\"ses_1\"")));
}
END_TEST

START_TEST(minted)
{
	struct claims in = { .user = 7,
		.application = 1,
		.account = 3,
		.session = 12,
		.member_version = 5,
		.issued = NOW,
		.expires = NOW + 600,
		.role = "owner",
		.client = "cid_x",
		.scope = "a b" },
		      out;
	struct claims machine = { .application = 1,
		.account = 3,
		.issued = NOW,
		.expires = NOW + 600,
		.role = "viewer",
		.client = "cid_m" };
	char *t = token_mint(arena, rsa, ISSUER, AUDIENCE, &in);

	ck_assert_int_eq(token_verify(&rules, str_of(t), NOW, &out), RC_OK);
	memcpy(in.subject, "uid_7", sizeof "uid_7");
	ck_assert_mem_eq(&in, &out, sizeof in);
	t = token_mint(arena, ed, ISSUER, AUDIENCE, &machine);
	ck_assert_int_eq(token_verify(&rules, str_of(t), NOW, &out), RC_OK);
	ck_assert_str_eq(out.subject, "cid_m");
	ck_assert_int_eq(out.user, 0);
}
END_TEST

START_TEST(cached)
{
	struct token_cache *cache = token_cache_new();
	struct claims in = { .user = 7,
		.application = 1,
		.account = 3,
		.session = 12,
		.member_version = 5,
		.issued = NOW,
		.expires = NOW + 100,
		.role = "owner" },
		      out;
	struct str t = str_of(token_mint(arena, ec, ISSUER, AUDIENCE, &in));
	static const struct token_rules nobody = { .audiences = AUDIENCE };
	char *changed = arena_dup(arena, t.p, t.n);

	ck_assert(token_verify_cached(cache, &nobody, t, NOW, &out) != RC_OK);
	ck_assert_int_eq(
	    token_verify_cached(cache, &rules, t, NOW, &out), RC_OK);
	/* From now on by the cache: the rules are not asked. */
	ck_assert_int_eq(
	    token_verify_cached(cache, &nobody, t, NOW + 59, &out), RC_OK);
	ck_assert_int_eq(out.user, 7);
	changed[t.n - 2] ^= 1;
	ck_assert(token_verify_cached(
		      cache, &rules, str_of(changed), NOW, &out) != RC_OK);
	ck_assert(
	    token_verify_cached(cache, &nobody, t, NOW + 60, &out) != RC_OK);
	ck_assert_int_eq(
	    token_verify_cached(cache, &rules, t, NOW + 90, &out), RC_OK);
	ck_assert(
	    token_verify_cached(cache, &nobody, t, NOW + 100, &out) != RC_OK);
	/* a clock set back */
	ck_assert_int_eq(
	    token_verify_cached(cache, &rules, t, NOW + 90, &out), RC_OK);
	ck_assert(token_verify_cached(cache, &nobody, t, NOW, &out) != RC_OK);
	token_cache_clear(cache);
	ck_assert(
	    token_verify_cached(cache, &nobody, t, NOW + 90, &out) != RC_OK);
	/* Many others drive it out, and nothing else happens. */
	for (int i = 0; i < 600; i++) {
		in.user = i + 1;
		t = str_of(token_mint(arena, ed, ISSUER, AUDIENCE, &in));
		ck_assert_int_eq(
		    token_verify_cached(cache, &rules, t, NOW, &out), RC_OK);
		ck_assert_int_eq(out.user, i + 1);
	}
	token_cache_free(&cache);
	ck_assert_ptr_null(cache);
}
END_TEST

UNIT_MAIN_AROUND("core/token", make_keys, drop_keys, UNIT(issuers_apart),
    UNIT(externals), UNIT(machine_clients), UNIT(minted), UNIT(cached))
