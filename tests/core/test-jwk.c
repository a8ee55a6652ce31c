/* Keys: the examples of the RFCs, and what a key set may not be. */
#include "core/jwk.h"

#include <stdlib.h>
#include <openssl/evp.h>

#include "lib/unit.h"

#define RFC7638_N                                                              \
	"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1R" \
	"K7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9" \
	"yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZg" \
	"nYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6We" \
	"Zu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDK" \
	"gw"
#define RSA_ENTRY                                                              \
	"{\"kty\":\"RSA\",\"kid\":\"a\",\"e\":\"AQAB\",\"n\":\"" RFC7638_N "\"}"
#define EC_X "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"
#define EC_Y "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
#define ED_X "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
#define EC_ENTRY                                                               \
	"{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"b\",\"x\":\"" EC_X        \
	"\",\"y\":\"" EC_Y "\"}"
#define ED_ENTRY                                                               \
	"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"c\",\"x\":\"" ED_X "\"}"

static struct jwk_set set;
static struct arena *arena;

static void
begin(void)
{
	arena = arena_new(1 << 20);
}

static void
end(void)
{
	jwk_set_clear(&set);
	arena_free(&arena);
}

static void
read_set(const char *text)
{
	ck_assert_int_eq(jwk_set_read(str_of(text), &set), RC_OK);
}

static bool
checks(size_t i, const char *input, const char *sig)
{
	struct str raw;

	ck_assert(base64url_decode(arena, str_of(sig), &raw));
	return jwk_check(&set.key[i], str_of(input), raw);
}

START_TEST(examples)
{
	char print[JWK_KID_MAX + 1];

	read_set("{\"keys\":[" RSA_ENTRY "," EC_ENTRY "," ED_ENTRY "]}");
	ck_assert_uint_eq(set.n, 3);
	/* RFC 7638 3.1, RFC 8037 A.3 */
	jwk_thumbprint(&set.key[0], print);
	ck_assert_str_eq(print, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
	jwk_thumbprint(&set.key[2], print);
	ck_assert_str_eq(print, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
	/* RFC 7515 A.3, RFC 8037 A.4 */
	ck_assert(checks(1,
	    "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAs"
	    "DQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ",
	    "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSA"
	    "pmWQxfKTUJqPP3-Kg6NU1Q"));
	ck_assert(checks(2,
	    "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc",
	    "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5B"
	    "hVsPt9g7sVvpAr_MuM0KAg"));
	ck_assert(!checks(2,
	    "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmd",
	    "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5B"
	    "hVsPt9g7sVvpAr_MuM0KAg"));
}
END_TEST

/* What we print we read, and it checks what the private half signed. */
START_TEST(printed_and_read)
{
	unsigned char sig[JWK_SIGNATURE_MAX];
	struct jwk_set own = { .n = JWK_ALG_COUNT };
	struct buf out;

	for (size_t i = 0; i < own.n; i++)
		jwk_generate((enum jwk_alg)i, &own.key[i]);
	buf_init(&out, 65536);
	jwk_set_print(&own, &out);
	ck_assert(strstr(buf_text(&out), "\"d\"") == NULL);
	read_set(buf_text(&out));
	ck_assert_uint_eq(set.n, own.n);
	for (size_t i = 0; i < own.n; i++) {
		size_t n = jwk_sign(&own.key[i], STR("data"), sig);

		ck_assert_str_eq(set.key[i].kid, own.key[i].kid);
		ck_assert_int_eq(set.key[i].alg, own.key[i].alg);
		ck_assert(!set.key[i].can_sign);
		ck_assert(jwk_check(
		    &set.key[i], STR("data"), (struct str){ (char *)sig, n }));
		ck_assert(!jwk_check(
		    &set.key[i], STR("date"), (struct str){ (char *)sig, n }));
	}
	buf_clear(&out);
	jwk_set_clear(&own);
}
END_TEST

START_TEST(pem)
{
	struct jwk key, back;
	struct secret text;

	for (int alg = 0; alg < JWK_ALG_COUNT; alg++) {
		jwk_generate((enum jwk_alg)alg, &key);
		text = jwk_to_pem(&key, arena);
		ck_assert_int_eq(jwk_from_pem(&text, &back), RC_OK);
		ck_assert(back.can_sign);
		ck_assert_str_eq(back.kid, key.kid);
		jwk_clear(&key);
		jwk_clear(&back);
	}
}
END_TEST

/* Private keys of kinds and sizes that are not ours. */
START_TEST(wrong_pems)
{
	EVP_PKEY *rows[] = {
		EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)1024),
		EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-384"),
		EVP_PKEY_Q_keygen(NULL, NULL, "EC", "secp256k1"),
		EVP_PKEY_Q_keygen(NULL, NULL, "X25519"),
		EVP_PKEY_Q_keygen(NULL, NULL, "ED448"),
	};
	static const char *const texts[] = { "", "x",
		"-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n",
		("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"
		 "\n") };
	struct secret text;
	struct jwk key;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct jwk odd = { .pkey = rows[i], .can_sign = true };

		ck_assert_ptr_nonnull(rows[i]);
		text = jwk_to_pem(&odd, arena);
		ck_assert_msg(
		    jwk_from_pem(&text, &key) == RC_INVALID, "row %zu", i);
		ck_assert_ptr_null(key.pkey);
		jwk_clear(&odd);
	}
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		text = secret_new(arena, texts[i], strlen(texts[i]));
		ck_assert_int_eq(jwk_from_pem(&text, &key), RC_INVALID);
	}
}
END_TEST

/* Entries that are not for us are passed over. */
START_TEST(skipped_entries)
{
#define RSA_WITH(more)                                                         \
	"{\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"" RFC7638_N "\"" more "}"
#define EC_WITH(crv, x, y)                                                     \
	"{\"kty\":\"EC\",\"kid\":\"k\",\"crv\":\"" crv "\",\"x\":\"" x         \
	"\",\"y\":\"" y "\"}"
	static const char *const rows[] = {
		"1",
		"null",
		"[]",
		"\"x\"",
		"{}",
		"{\"kty\":\"oct\",\"kid\":\"k\",\"k\":\"AAAA\"}",
		RSA_WITH(""),
		RSA_WITH(",\"kid\":1"),
		RSA_WITH(",\"kid\":\"\""),
		RSA_WITH(",\"kid\":\"../x\""),
		RSA_WITH(",\"kid\":\"k\",\"use\":\"enc\""),
		RSA_WITH(",\"kid\":\"k\",\"alg\":\"RS512\""),
		RSA_WITH(",\"kid\":\"k\",\"alg\":\"PS256\""),
		RSA_WITH(",\"kid\":\"k\",\"alg\":\"HS256\""),
		RSA_WITH(",\"kid\":\"k\",\"alg\":7"),
		"{\"kty\":\"RSA\",\"kid\":\"k\",\"e\":\"AQAB\",\"n\":\"AQAB\"}",
		"{\"kty\":\"RSA\",\"kid\":\"k\",\"e\":\"AQ\",\"n\":\"" RFC7638_N
		"\"}",
		"{\"kty\":\"RSA\",\"kid\":\"k\",\"e\":\"Ag\",\"n\":\"" RFC7638_N
		"\"}",
		"{\"kty\":\"RSA\",\"kid\":\"k\",\"e\":\"\",\"n\":\"" RFC7638_N
		"\"}",
		"{\"kty\":\"RSA\",\"kid\":\"k\",\"e\":\"AQAB\",\"n\":"
		"\"" RFC7638_N "=\"}",
		EC_WITH("P-384", EC_X, EC_Y),
		EC_WITH("P-256", EC_X, EC_X),
		EC_WITH("P-256", EC_X, ""),
		EC_WITH("secp256k1", EC_X, EC_Y),
		EC_WITH("P-256", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
		("{\"kty\":\"OKP\",\"kid\":\"k\",\"crv\":\"X25519\",\"x\":"
		 "\"" ED_X "\"}"),
		("{\"kty\":\"OKP\",\"kid\":\"k\",\"crv\":\"Ed25519\",\"x\":"
		 "\"AAAA\"}"),
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		read_set(
		    arena_fmt(arena, "{\"keys\":[%s," ED_ENTRY "]}", rows[i]));
		ck_assert_msg(set.n == 1, "row %zu taken: %s", i, rows[i]);
		ck_assert_str_eq(set.key[0].kid, "c");
	}
}
END_TEST

START_TEST(wrong_sets)
{
	static const char *const rows[] = {
		"",
		"[]",
		"null",
		"{",
		"{}",
		"{\"keys\":null}",
		"{\"keys\":{}}",
		"{\"keys\":[],\"keys\":[]}",
		"{\"keys\":[" ED_ENTRY "," ED_ENTRY "]}",
		"{\"keys\":[[[[[[[[[[1]]]]]]]]]]}",
	};
	const char *many = "";
	char *big;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		ck_assert_msg(
		    jwk_set_read(str_of(rows[i]), &set) != RC_OK, "row %zu", i);
		ck_assert_uint_eq(set.n, 0);
	}
	for (int i = 0; i < JWK_SET_MAX + 1; i++)
		many = arena_fmt(arena,
		    "%s%s{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"k%d\","
		    "\"x\":\"" ED_X "\"}",
		    many, i > 0 ? "," : "", i);
	ck_assert(
	    jwk_set_read(str_of(arena_fmt(arena, "{\"keys\":[%s]}", many)),
		&set) != RC_OK);
	big = arena_alloc(arena, 65537);
	memset(big, ' ', 65537);
	memcpy(big, "{\"keys\":[]}", 11);
	ck_assert(jwk_set_read((struct str){ big, 65537 }, &set) != RC_OK);
	ck_assert(jwk_set_read((struct str){ big, 65536 }, &set) == RC_OK);
}
END_TEST

START_TEST(finding)
{
	read_set("{\"keys\":[" ED_ENTRY "]}");
	ck_assert_ptr_nonnull(jwk_set_find(&set, STR("c")));
	ck_assert_ptr_null(jwk_set_find(&set, STR("C")));
	ck_assert_ptr_null(jwk_set_find(&set, STR("")));
	ck_assert_ptr_null(jwk_set_find(&set, (struct str){ NULL, 0 }));
	ck_assert_ptr_null(jwk_set_find(&set, (struct str){ "c\0", 2 }));
	ck_assert(!jwk_check(NULL, STR("x"), STR("y")));
}
END_TEST

UNIT_MAIN_AROUND("core/jwk", begin, end, UNIT(examples), UNIT(printed_and_read),
    UNIT(pem), UNIT(wrong_pems), UNIT(skipped_entries), UNIT(wrong_sets),
    UNIT(finding))
