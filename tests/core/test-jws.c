/* Tokens: one right token, and every way we know to make it a wrong one. */
#include "core/forge.h"

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>

START_TEST(right_tokens)
{
	struct claims c;
	const char *t = right_token(rsa);

	must_accept("RS256", t);
	must_accept("ES256", right_token(ec));
	must_accept("EdDSA", right_token(ed));
	ck_assert_int_eq(token_verify(&rules, str_of(t), NOW, &c), RC_OK);
	ck_assert_int_eq(c.user, 7);
	ck_assert_int_eq(c.application, 1);
	ck_assert_int_eq(c.account, 3);
	ck_assert_int_eq(c.session, 12);
	ck_assert_int_eq(c.member_version, 5);
	ck_assert_int_eq(c.issued, 1789999900);
	ck_assert_int_eq(c.expires, 1790000500);
	ck_assert_str_eq(c.role, "member");
	ck_assert_str_eq(c.client, "cid_demo");
	ck_assert_str_eq(c.scope, "openid profile");
	ck_assert_str_eq(c.subject, "uid_7");
	ck_assert(!c.external);
}
END_TEST

/* Other ways to write a right one, at the edges of what is allowed. */
START_TEST(right_claims)
{
	static const struct claim rows[] = {
		{ "aud", "[\"" AUDIENCE "\"]" },
		{ "aud", "[\"x\",\"" AUDIENCE "\"]" },
		{ "exp", "1789999971" },
		{ "iat", "1790000030" },
		{ "nbf", "1790000030" },
		{ "nbf", "0" },
		{ "cid", NULL },
		{ "scope", NULL },
		{ "role", "\"owner\"" },
		{ "role", "\"viewer\"" },
		{ "acc", "\"acc_9223372036854775807\"" },
		{ "extra", "{\"a\":[1,2]}" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		must_accept(arena_fmt(arena, "%s %s", rows[i].name,
				rows[i].json ? rows[i].json : "absent"),
		    signed_by(rsa, header_of(rsa),
			payload_with(rows[i].name, rows[i].json)));
}
END_TEST

START_TEST(right_headers)
{
	const char *typs[] = { "AT+JWT", "application/at+jwt" };

	for (size_t i = 0; i < 2; i++)
		must_accept(typs[i],
		    signed_by(rsa,
			arena_fmt(arena,
			    "{\"kid\":\"%s\",\"x\":1,\"typ\":\"%s\","
			    "\"alg\":\"RS256\"}",
			    rsa->kid, typs[i]),
			payload_with(NULL, NULL)));
}
END_TEST

START_TEST(wrong_claims)
{
	static const struct claim rows[] = {
		{ "iss", NULL },
		{ "iss", "null" },
		{ "iss", "1" },
		{ "iss", "\"\"" },
		{ "iss", "\"" ISSUER "/\"" },
		{ "iss", "\"HTTPS://auth.example\"" },
		{ "iss", "[\"" ISSUER "\"]" },
		{ "iss", "\"" OTHER "\"" },
		{ "iss", "\"https://auth.example\\n\"" },
		{ "aud", NULL },
		{ "aud", "null" },
		{ "aud", "\"\"" },
		{ "aud", "true" },
		{ "aud", "[]" },
		{ "aud", "{}" },
		{ "aud", "\"" AUDIENCE "/\"" },
		{ "aud", "\"https://api\"" },
		{ "aud", "\"https://unused.example " AUDIENCE "\"" },
		{ "aud", "[\"" AUDIENCE "\",1]" },
		{ "aud", "[[\"" AUDIENCE "\"]]" },
		{ "aud",
		    "[\"" AUDIENCE "\",\"1\",\"2\",\"3\",\"4\",\"5\","
		    "\"6\",\"7\",\"8\",\"9\",\"a\",\"b\",\"c\",\"d\","
		    "\"e\",\"f\",\"g\"]" },
		{ "sub", NULL },
		{ "sub", "null" },
		{ "sub", "7" },
		{ "sub", "\"\"" },
		{ "sub", "\"uid_8\"" },
		{ "sub", "\"uid_07\"" },
		{ "sub", "\"cid_demo\"" },
		{ "sub", "[\"uid_7\"]" },
		{ "sub", "\"uid_7\\u0001\"" },
		{ "exp", NULL },
		{ "exp", "null" },
		{ "exp", "true" },
		{ "exp", "\"1790000500\"" },
		{ "exp", "1790000500.5" },
		{ "exp", "1790000500.0" },
		{ "exp", "1.7900005e9" },
		{ "exp", "1789999970" },
		{ "exp", "0" },
		{ "exp", "-1" },
		{ "exp", "9223372036854775807" },
		{ "exp", "9223372036854775808" },
		{ "exp", "18446744073709551616" },
		{ "exp", "-9223372036854775808" },
		{ "exp", "1e400" },
		{ "exp", "253402300800" },
		{ "exp", "[1790000500]" },
		{ "exp", "1789999900" },
		{ "iat", NULL },
		{ "iat", "null" },
		{ "iat", "\"1\"" },
		{ "iat", "1790000031" },
		{ "iat", "-5" },
		{ "iat", "1.5" },
		{ "iat", "9223372036854775808" },
		{ "iat", "1790000501" },
		{ "nbf", "1790000031" },
		{ "nbf", "\"0\"" },
		{ "nbf", "null" },
		{ "nbf", "-1" },
		{ "nbf", "9223372036854775807" },
		{ "app", NULL },
		{ "app", "null" },
		{ "app", "1" },
		{ "app", "\"1\"" },
		{ "app", "\"acc_1\"" },
		{ "app", "\"app_0\"" },
		{ "app", "\"app_01\"" },
		{ "app", "\"app_-1\"" },
		{ "app", "\"app_ 1\"" },
		{ "app", "\"app_1x\"" },
		{ "app", "\"app_\"" },
		{ "app", "\"app_9223372036854775808\"" },
		{ "app", "\"app_18446744073709551617\"" },
		{ "acc", NULL },
		{ "acc", "null" },
		{ "acc", "3" },
		{ "acc", "\"app_3\"" },
		{ "acc", "\"ACC_3\"" },
		{ "acc", "[\"acc_3\",\"acc_4\"]" },
		{ "acc", "\"\"" },
		{ "acc", "\"acc_3\\u0000\"" },
		{ "uid", "7" },
		{ "uid", "null" },
		{ "uid", "\"uid_0\"" },
		{ "uid", "\"uid_8\"" },
		{ "uid", NULL },
		{ "role", NULL },
		{ "role", "null" },
		{ "role", "\"admin\"" },
		{ "role", "\"Owner\"" },
		{ "role", "\"owner \"" },
		{ "role", "[\"owner\"]" },
		{ "role", "\"\"" },
		{ "role", "\"ownerownerowner\"" },
		{ "cid", "1" },
		{ "cid", "\"\"" },
		{ "cid", "null" },
		{ "scope", "[\"a\"]" },
		{ "scope", "5" },
		{ "sid", NULL },
		{ "sid", "12" },
		{ "sid", "\"12\"" },
		{ "sid", "\"ses_0\"" },
		{ "sid", "null" },
		{ "mv", NULL },
		{ "mv", "\"5\"" },
		{ "mv", "5.0" },
		{ "mv", "-5" },
		{ "mv", "null" },
		{ "mv", "0" },
		{ "mv", "9223372036854775808" },
		/* a second member of the same name, plain or escaped */
		{ "\",\"acc\":\"acc_4\",\"x", "1" },
		{ "\",\"exp\":1999999999,\"x", "1" },
		{ "\",\"\\u0072ole\":\"owner\",\"x", "1" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		must_refuse(arena_fmt(arena, "claim %s %s", rows[i].name,
				rows[i].json ? rows[i].json : "absent"),
		    signed_by(rsa, header_of(rsa),
			payload_with(rows[i].name, rows[i].json)));
}
END_TEST

/* K stands for the right kid, E for the one of the EC key. */
static const char *
expand(const char *text)
{
	const char *out = "";

	for (; *text != '\0'; text++) {
		const char *with = *text == '@' ? rsa->kid
		    : *text == '~'              ? ec->kid
						: NULL;
		out = with != NULL ? arena_fmt(arena, "%s%s", out, with)
				   : arena_fmt(arena, "%s%c", out, *text);
	}
	return out;
}

START_TEST(wrong_headers)
{
#define T "\"typ\":\"at+jwt\""
#define A "\"alg\":\"RS256\""
#define K "\"kid\":\"@\""
	static const char *const rows[] = {
		/* alg */
		"{" T "," K "}",
		"{" T "," K ",\"alg\":null}",
		"{" T "," K ",\"alg\":\"\"}",
		"{" T "," K ",\"alg\":\"none\"}",
		"{" T "," K ",\"alg\":\"None\"}",
		"{" T "," K ",\"alg\":\"NONE\"}",
		"{" T "," K ",\"alg\":\"nOnE\"}",
		"{" T "," K ",\"alg\":\"none\\u0000RS256\"}",
		"{" T "," K ",\"alg\":\"rs256\"}",
		"{" T "," K ",\"alg\":\"RS256 \"}",
		"{" T "," K ",\"alg\":\"RS384\"}",
		"{" T "," K ",\"alg\":\"RS512\"}",
		"{" T "," K ",\"alg\":\"PS256\"}",
		"{" T "," K ",\"alg\":\"ES256\"}",
		"{" T "," K ",\"alg\":\"EdDSA\"}",
		"{" T "," K ",\"alg\":\"HS256\"}",
		"{" T "," K ",\"alg\":\"HS384\"}",
		"{" T "," K ",\"alg\":\"HS512\"}",
		"{" T "," K ",\"alg\":[\"RS256\"]}",
		"{" T "," K ",\"alg\":1}",
		/* typ */
		"{" A "," K "}",
		"{" A "," K ",\"typ\":null}",
		"{" A "," K ",\"typ\":\"JWT\"}",
		"{" A "," K ",\"typ\":\"\"}",
		"{" A "," K ",\"typ\":\"rt+jwt\"}",
		"{" A "," K ",\"typ\":\"at+jwt \"}",
		"{" A "," K ",\"typ\":\"application/jwt\"}",
		"{" A "," K ",\"typ\":\"application/\"}",
		"{" A "," K ",\"typ\":\"text/at+jwt\"}",
		"{" A "," K ",\"typ\":[\"at+jwt\"]}",
		/* kid */
		"{" T "," A "}",
		"{" T "," A ",\"kid\":\"\"}",
		"{" T "," A ",\"kid\":null}",
		"{" T "," A ",\"kid\":0}",
		"{" T "," A ",\"kid\":\"~\"}",
		"{" T "," A ",\"kid\":\"@x\"}",
		"{" T "," A ",\"kid\":\"nobody\"}",
		"{" T "," A ",\"kid\":[\"@\"]}",
		"{" T "," A ",\"kid\":\"@\\u0000\"}",
		"{" T "," A ",\"kid\":\"./@\"}",
		"{" T "," A ",\"kid\":\"../../../dev/null\"}",
		"{" T "," A ",\"kid\":\"/proc/sys/kernel/ostype\"}",
		"{" T "," A ",\"kid\":\"x' UNION SELECT 'key'--\"}",
		"{" T "," A ",\"kid\":\"file:///etc/passwd\"}",
		"{" T "," A ",\"kid\":\"|/usr/bin/id\"}",
		"{" T "," A
		",\"kid\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		"aaaaaaaaaaaaaaaa\"}",
		/* twice */
		"{" T "," A "," K ",\"kid\":\"@\"}",
		"{" T "," A "," K ",\"\\u006bid\":\"~\"}",
		"{" T ",\"alg\":\"none\"," A "," K "}",
		"{" T "," A ",\"alg\":\"none\"," K "}",
		"{\"typ\":\"JWT\"," T "," A "," K "}",
		/* keys and extensions that the token would bring along */
		"{" T "," A "," K ",\"crit\":[\"exp\"]}",
		"{" T "," A "," K ",\"crit\":[]}",
		"{" T "," A "," K ",\"crit\":null}",
		"{" T "," A "," K ",\"jku\":\"https://evil.example/k\"}",
		"{" T "," A "," K ",\"x5u\":\"https://evil.example/c\"}",
		"{" T "," A "," K ",\"x5c\":[\"MIIB\"]}",
		"{" T "," A "," K ",\"jwk\":{\"kty\":\"oct\",\"k\":\"AA\"}}",
		"{" T "," A "," K ",\"b64\":false}",
		"{" T "," A "," K ",\"zip\":\"DEF\"}",
		"{" T "," A "," K ",\"enc\":\"A256GCM\"}",
		"{" T "," A "," K ",\"cty\":\"JWT\"}",
		/* not an object, not JSON */
		"[{" T "," A "," K "}]",
		"\"RS256\"",
		"null",
		"{}",
		"x",
		"{" T "," A "," K "}}",
		"{" T "," A "," K "} x",
		"{" T "," A "," K ",}",
		"{'alg':'RS256'," T "," K "}",
		"\xef\xbb\xbf{" T "," A "," K "}",
		"{" T "," A "," K ",\"x\":\"\xff\"}",
		"{" T "," A "," K ",\"x\":[[[[1]]]]}",
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		must_refuse(rows[i],
		    signed_by(rsa, expand(rows[i]), payload_with(NULL, NULL)));
}
END_TEST

START_TEST(wrong_payloads)
{
	static const char *const rows[] = {
		"null",
		"[]",
		"{}",
		"\"\"",
		"1",
		"x",
		"{",
		"{}{}",
	};
	const char *p = payload_with(NULL, NULL);

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		must_refuse(rows[i], signed_by(rsa, header_of(rsa), rows[i]));
	must_refuse("in an array",
	    signed_by(rsa, header_of(rsa), arena_fmt(arena, "[%s]", p)));
	must_refuse("something behind",
	    signed_by(rsa, header_of(rsa), arena_fmt(arena, "%s x", p)));
	must_refuse("nested deeply",
	    signed_by(rsa, header_of(rsa), payload_with("x", "[[[[[1]]]]]")));
	must_refuse("not UTF-8",
	    signed_by(rsa, header_of(rsa), payload_with("x", "\"\xc0\xaf\"")));
}
END_TEST

/* A symmetric signature keyed with what everybody knows of our key. */
static const char *
hmac_token(const EVP_MD *md, const char *alg, const void *key, size_t key_n)
{
	const char *header = arena_fmt(arena,
	    "{\"alg\":\"%s\",\"typ\":\"at+jwt\",\"kid\":\"%s\"}", alg,
	    rsa->kid);
	const char *payload = payload_with(NULL, NULL);
	char *input = arena_fmt(arena, "%s.%s", b64(header, strlen(header)),
	    b64(payload, strlen(payload)));
	unsigned char sig[EVP_MAX_MD_SIZE];
	unsigned int n;

	HMAC(md, key, (int)key_n, (unsigned char *)input, strlen(input), sig,
	    &n);
	return arena_fmt(arena, "%s.%s", input, b64(sig, n));
}

static void
confuse(const char *what, const void *key, size_t n)
{
	static const struct {
		const char *alg;
		const EVP_MD *(*md)(void);
	} rows[] = { { "HS256", EVP_sha256 }, { "HS384", EVP_sha384 },
		{ "HS512", EVP_sha512 }, { "RS256", EVP_sha256 } };

	for (size_t i = 0; i < 4; i++)
		must_refuse(arena_fmt(arena, "%s by %s", rows[i].alg, what),
		    hmac_token(rows[i].md(), rows[i].alg, key, n));
}

START_TEST(confusion)
{
	BIO *pem = BIO_new(BIO_s_mem()), *der = BIO_new(BIO_s_mem());
	BIO *pkcs1 = BIO_new(BIO_s_mem());
	struct buf jwks;
	char *p;
	long n;

	PEM_write_bio_PUBKEY(pem, rsa->pkey);
	i2d_PUBKEY_bio(der, rsa->pkey);
	n = BIO_get_mem_data(pem, &p);
	confuse("PEM", p, (size_t)n);
	confuse("PEM without its newline", p, (size_t)n - 1);
	n = BIO_get_mem_data(der, &p);
	confuse("DER", p, (size_t)n);
	PEM_write_bio_PUBKEY_ex(pkcs1, rsa->pkey, NULL, NULL);
	n = BIO_get_mem_data(pkcs1, &p);
	confuse("PEM again", p, (size_t)n);
	buf_init(&jwks, 65536);
	jwk_set_print(&ours, &jwks);
	confuse("JWKS", jwks.p, jwks.n);
	confuse("kid", rsa->kid, strlen(rsa->kid));
	confuse("nothing", "", 0);
	confuse("zeroes", "\0\0\0\0\0\0\0\0", 8);
	buf_clear(&jwks);
	BIO_free(pem);
	BIO_free(der);
	BIO_free(pkcs1);
}
END_TEST

/* The segments of a token, for taking it apart. */
static void
cut(const char *token, const char *seg[3])
{
	const char *a = strchr(token, '.'), *b = strchr(a + 1, '.');

	seg[0] = arena_dup(arena, token, (size_t)(a - token));
	seg[1] = arena_dup(arena, a + 1, (size_t)(b - a - 1));
	seg[2] = b + 1;
}

START_TEST(wrong_shapes)
{
	const char *t = right_token(rsa), *s[3];
	size_t n = strlen(t);
	char *big;
	cut(t, s);
	const char *const rows[] = {
		"",
		".",
		"..",
		"...",
		"a.b.c",
		s[0],
		arena_fmt(arena, "%s.%s", s[0], s[1]),
		arena_fmt(arena, "%s.%s.", s[0], s[1]),
		arena_fmt(arena, ".%s.%s", s[1], s[2]),
		arena_fmt(arena, "%s..%s", s[0], s[2]),
		arena_fmt(arena, "%s.%s.%s.", s[0], s[1], s[2]),
		arena_fmt(arena, ".%s.%s.%s", s[0], s[1], s[2]),
		arena_fmt(arena, "%s.%s.%s.%s", s[0], s[1], s[2], s[2]),
		arena_fmt(
		    arena, "%s.%s.%s.%s.%s", s[0], s[1], s[2], s[1], s[2]),
		arena_fmt(arena, "%s=.%s.%s", s[0], s[1], s[2]),
		arena_fmt(arena, "%s.%s==.%s", s[0], s[1], s[2]),
		arena_fmt(arena, "%s.%s.%s==", s[0], s[1], s[2]),
		arena_fmt(arena, "%s.%s.%sA", s[0], s[1], s[2]),
		arena_fmt(arena, "%s.%s.%sAAAA", s[0], s[1], s[2]),
		arena_fmt(arena, "%s.%s.AAAA%s", s[0], s[1], s[2]),
		arena_fmt(arena, "%s.%s.%.*s", s[0], s[1],
		    (int)strlen(s[2]) - 4, s[2]),
		arena_fmt(arena, "%s.%s.%s", s[1], s[0], s[2]),
		arena_fmt(arena, "%s.%s.%s", s[0], s[2], s[1]),
		arena_fmt(arena, " %s", t),
		arena_fmt(arena, "%s ", t),
		arena_fmt(arena, "%s\n", t),
		arena_fmt(arena, "%s\r\n", t),
		arena_fmt(arena, "Bearer %s", t),
		arena_fmt(arena, "\"%s\"", t),
		arena_fmt(arena, "%s.\n%s.%s", s[0], s[1], s[2]),
		arena_fmt(arena, "%s. %s.%s", s[0], s[1], s[2]),
		arena_fmt(arena,
		    "{\"protected\":\"%s\",\"payload\":\"%s\","
		    "\"signature\":\"%s\"}",
		    s[0], s[1], s[2]),
		arena_fmt(arena, "%s+/.%s.%s", s[0], s[1], s[2]),
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		must_refuse(
		    arena_fmt(arena, "shape %zu: %s", i, rows[i]), rows[i]);
	must_refuse_n("absent", NULL, 0);
	must_refuse_n("a NUL behind", arena_dup(arena, t, n), n + 1);
	big = arena_alloc(arena, JWS_MAX + 2);
	memset(big, 'A', JWS_MAX + 1);
	memcpy(big, t, n);
	must_refuse_n("8193 bytes", big, JWS_MAX + 1);
	must_refuse("right but too long",
	    signed_by(rsa, header_of(rsa),
		payload_with(
		    "x", arena_fmt(arena, "\"%.*s\"", 7000, big + n))));
	for (size_t i = 1; i < n; i += 7)
		must_refuse_n("cut short", t, i);
}
END_TEST

START_TEST(wrong_signatures)
{
	const char *t = right_token(rsa), *s[3], *e[3];
	const char *h = header_of(rsa), *p = payload_with(NULL, NULL);
	unsigned char sig[JWK_SIGNATURE_MAX] = { 0 }, der[128];
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t n = sizeof der;
	char *x;

	cut(t, s);
	cut(right_token(ec), e);
	must_refuse("another's key", signed_by(&stranger, h, p));
	must_refuse("other payload's",
	    arena_fmt(arena, "%s.%s.%s", s[0], b64("{\"a\":1}", 7), s[2]));
	must_refuse(
	    "EC's for RSA", arena_fmt(arena, "%s.%s.%s", s[0], s[1], e[2]));
	must_refuse(
	    "RSA's for EC", arena_fmt(arena, "%s.%s.%s", e[0], e[1], s[2]));
	must_refuse("RSA zeroes",
	    arena_fmt(arena, "%s.%s.%s", s[0], s[1], b64(sig, 256)));
	must_refuse("ES256 r = s = 0 (CVE-2022-21449)",
	    arena_fmt(arena, "%s.%s.%s", e[0], e[1], b64(sig, 64)));
	memset(sig, 0xff, 64);
	must_refuse("ES256 r, s beyond the order",
	    arena_fmt(arena, "%s.%s.%s", e[0], e[1], b64(sig, 64)));
	must_refuse("ES256 63 bytes",
	    arena_fmt(arena, "%s.%s.%s", e[0], e[1], b64(sig, 63)));
	x = arena_fmt(arena, "%s.%s", e[0], e[1]);
	EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, ec->pkey);
	EVP_DigestSign(ctx, der, &n, (unsigned char *)x, strlen(x));
	EVP_MD_CTX_free(ctx);
	must_refuse("ES256 as DER", arena_fmt(arena, "%s.%s", x, b64(der, n)));
	/* Each character changed, wherever it stands. */
	n = strlen(t);
	for (size_t i = 0; i < n; i += 3) {
		x = arena_dup(arena, t, n);
		x[i] = x[i] == 'A' ? 'B' : 'A';
		must_refuse(arena_fmt(arena, "changed at %zu", i), x);
	}
	/* The last character of 256 bytes carries four stray bits. */
	x = arena_dup(arena, t, n);
	x[n - 1]++;
	must_refuse("stray bits", x);
}
END_TEST

START_TEST(enough_rows)
{
	/* Runs last: what was refused before it, in this process. */
	ck_assert_msg(refused >= 120, "only %d vectors refused", refused);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("jws");
	TCase *t = tcase_create("tokens");
	SRunner *r;
	int failed;

	tcase_add_unchecked_fixture(t, make_keys, drop_keys);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, right_tokens);
	tcase_add_test(t, right_claims);
	tcase_add_test(t, right_headers);
	tcase_add_test(t, wrong_claims);
	tcase_add_test(t, wrong_headers);
	tcase_add_test(t, wrong_payloads);
	tcase_add_test(t, confusion);
	tcase_add_test(t, wrong_shapes);
	tcase_add_test(t, wrong_signatures);
	tcase_add_test(t, enough_rows);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_set_fork_status(r, CK_NOFORK); /* one count over all */
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
