#include "core/jwk.h"

#include <assert.h>
#include <json-c/json.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "core/json-tree.h"
#include "core/log.h"

#define RSA_BITS_MIN 2048
#define RSA_BITS_MAX 8192 /* a larger one is a way to make checks slow */
#define RSA_E_MAX    8
#define P256_SIZE    32
#define ED25519_SIZE 32
#define JWKS_MAX     65536
#define JWKS_DEPTH   8

/* What is particular to an algorithm. */
struct alg_row {
	const char *name;
	const char *kty;
	const char *crv; /* NULL for RSA */
	const char *evp; /* OpenSSL's name of the key type */
	const EVP_MD *(*digest)(void);
};

static const EVP_MD *
no_digest(void)
{
	return NULL;
}

static const struct alg_row algs[JWK_ALG_COUNT] = {
	[JWK_RS256] = { "RS256", "RSA", NULL, "RSA", EVP_sha256 },
	[JWK_ES256] = { "ES256", "EC", "P-256", "EC", EVP_sha256 },
	[JWK_EDDSA] = { "EdDSA", "OKP", "Ed25519", "ED25519", no_digest },
};

const char *
jwk_alg_name(enum jwk_alg alg)
{
	return algs[alg].name;
}

bool
jwk_kid_ok(struct str kid)
{
	static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "abcdefghijklmnopqrstuvwxyz"
				  "0123456789_-";

	if (kid.p == NULL || kid.n == 0 || kid.n > JWK_KID_MAX)
		return false;
	for (size_t i = 0; i < kid.n; i++)
		if (kid.p[i] == '\0' || strchr(set, kid.p[i]) == NULL)
			return false;
	return true;
}

void
jwk_clear(struct jwk *k)
{
	EVP_PKEY_free(k->pkey);
	memset(k, 0, sizeof *k);
}

/* Of our own keys and well-formed requests: only a lack of memory fails. */
static void
must(bool ok)
{
	if (!ok)
		die("openssl: out of memory or broken");
}

/* The members of a public key in wire form. */
struct public_half {
	unsigned char a[RSA_BITS_MAX / 8]; /* n, x */
	unsigned char b[P256_SIZE];        /* e, y */
	size_t a_n, b_n;
};

static size_t
get_number(const EVP_PKEY *pkey, const char *name, unsigned char *out,
    size_t room, size_t width)
{
	BIGNUM *bn = NULL;
	size_t n;

	must(EVP_PKEY_get_bn_param(pkey, name, &bn) == 1);
	n = width != 0 ? width : (size_t)BN_num_bytes(bn);
	assert(n <= room);
	must(BN_bn2binpad(bn, out, (int)n) == (int)n);
	BN_free(bn);
	return n;
}

static void
public_half(const struct jwk *k, struct public_half *h)
{
	size_t n = ED25519_SIZE;

	memset(h, 0, sizeof *h);
	switch (k->alg) {
	case JWK_RS256:
		h->a_n = get_number(
		    k->pkey, OSSL_PKEY_PARAM_RSA_N, h->a, sizeof h->a, 0);
		h->b_n = get_number(
		    k->pkey, OSSL_PKEY_PARAM_RSA_E, h->b, sizeof h->b, 0);
		break;
	case JWK_ES256:
		h->a_n = get_number(k->pkey, OSSL_PKEY_PARAM_EC_PUB_X, h->a,
		    sizeof h->a, P256_SIZE);
		h->b_n = get_number(k->pkey, OSSL_PKEY_PARAM_EC_PUB_Y, h->b,
		    sizeof h->b, P256_SIZE);
		break;
	default:
		must(EVP_PKEY_get_raw_public_key(k->pkey, h->a, &n) == 1);
		h->a_n = n;
		break;
	}
}

/* The required members in the order of their names, no blanks. */
void
jwk_thumbprint(const struct jwk *k, char out[JWK_KID_MAX + 1])
{
	const struct alg_row *row = &algs[k->alg];
	struct arena *scratch = arena_new(65536);
	struct public_half h;
	unsigned char digest[SHA256_SIZE];
	const char *a, *b, *text;

	public_half(k, &h);
	a = base64url_encode(scratch, h.a, h.a_n);
	b = base64url_encode(scratch, h.b, h.b_n);
	if (k->alg == JWK_RS256)
		text = arena_fmt(scratch,
		    "{\"e\":\"%s\",\"kty\":\"RSA\",\"n\":\"%s\"}", b, a);
	else if (k->alg == JWK_ES256)
		text = arena_fmt(scratch,
		    "{\"crv\":\"%s\",\"kty\":\"%s\",\"x\":\"%s\",\"y\":\"%s\"}",
		    row->crv, row->kty, a, b);
	else
		text = arena_fmt(scratch,
		    "{\"crv\":\"%s\",\"kty\":\"%s\",\"x\":\"%s\"}", row->crv,
		    row->kty, a);
	sha256(text, strlen(text), digest);
	a = base64url_encode(scratch, digest, sizeof digest);
	memcpy(out, a, strlen(a) + 1);
	arena_free(&scratch);
}

void
jwk_generate(enum jwk_alg alg, struct jwk *k)
{
	memset(k, 0, sizeof *k);
	if (alg == JWK_RS256)
		k->pkey =
		    EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)RSA_BITS_MIN);
	else if (alg == JWK_ES256)
		k->pkey = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	else
		k->pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	must(k->pkey != NULL);
	k->alg = alg;
	k->can_sign = true;
	jwk_thumbprint(k, k->kid);
}

/* Which algorithm a key is for; false where it is none of ours. */
static bool
alg_of(const EVP_PKEY *pkey, enum jwk_alg *alg)
{
	char group[32] = "";
	int bits = EVP_PKEY_get_bits(pkey);

	if (EVP_PKEY_is_a(pkey, "RSA")) {
		*alg = JWK_RS256;
		return bits >= RSA_BITS_MIN && bits <= RSA_BITS_MAX;
	}
	if (EVP_PKEY_is_a(pkey, "ED25519")) {
		*alg = JWK_EDDSA;
		return true;
	}
	*alg = JWK_ES256;
	return EVP_PKEY_is_a(pkey, "EC") &&
	    EVP_PKEY_get_group_name(pkey, group, sizeof group, NULL) == 1 &&
	    strcmp(group, "prime256v1") == 0;
}

/* No pass phrase is ever asked for at a terminal. */
static int
no_passphrase(char *buf, int size, int rw, void *ctx)
{
	(void)buf, (void)size, (void)rw, (void)ctx;
	return 0;
}

static EVP_PKEY *
pem_read(const struct secret *pem, bool *can_sign)
{
	BIO *bio = BIO_new_mem_buf(pem->p, (int)pem->n);
	EVP_PKEY *pkey;

	must(bio != NULL);
	pkey = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
	*can_sign = pkey != NULL;
	if (pkey == NULL) {
		(void)BIO_reset(bio);
		pkey = PEM_read_bio_PUBKEY(bio, NULL, no_passphrase, NULL);
	}
	BIO_free(bio);
	ERR_clear_error();
	return pkey;
}

enum rc
jwk_from_pem(const struct secret *pem, struct jwk *k)
{
	memset(k, 0, sizeof *k);
	if (pem->p == NULL || pem->n > JWKS_MAX)
		return fail(RC_INVALID, "token key: no PEM");
	k->pkey = pem_read(pem, &k->can_sign);
	if (k->pkey == NULL)
		return fail(RC_INVALID, "token key: not a PEM key");
	if (!alg_of(k->pkey, &k->alg)) {
		jwk_clear(k);
		return fail(RC_INVALID,
		    "token key: need RSA of %d to %d bits, P-256 or Ed25519",
		    RSA_BITS_MIN, RSA_BITS_MAX);
	}
	jwk_thumbprint(k, k->kid);
	return RC_OK;
}

struct secret
jwk_to_pem(const struct jwk *k, struct arena *a)
{
	BIO *bio = BIO_new(BIO_s_secmem());
	struct secret out;
	char *p;
	long n;

	assert(k->can_sign);
	must(bio != NULL &&
	    PEM_write_bio_PKCS8PrivateKey(
		bio, k->pkey, NULL, NULL, 0, NULL, NULL) == 1);
	n = BIO_get_mem_data(bio, &p);
	must(n > 0);
	out = secret_new(a, p, (size_t)n);
	BIO_free(bio);
	return out;
}

/* ES256 (RFC 7518 3.4): r and s, 32 bytes each, where OpenSSL speaks DER. */
static size_t
ecdsa_from_der(const unsigned char *der, size_t n, unsigned char *out)
{
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)n);

	must(sig != NULL &&
	    BN_bn2binpad(ECDSA_SIG_get0_r(sig), out, P256_SIZE) == P256_SIZE &&
	    BN_bn2binpad(ECDSA_SIG_get0_s(sig), out + P256_SIZE, P256_SIZE) ==
		P256_SIZE);
	ECDSA_SIG_free(sig);
	return 2 * P256_SIZE;
}

static size_t
ecdsa_to_der(const unsigned char *raw, unsigned char *der, size_t room)
{
	ECDSA_SIG *sig = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(raw, P256_SIZE, NULL);
	BIGNUM *s = BN_bin2bn(raw + P256_SIZE, P256_SIZE, NULL);
	int n;

	must(sig != NULL && r != NULL && s != NULL &&
	    ECDSA_SIG_set0(sig, r, s) == 1);
	n = i2d_ECDSA_SIG(sig, NULL);
	must(n > 0 && (size_t)n <= room);
	n = i2d_ECDSA_SIG(sig, &der);
	ECDSA_SIG_free(sig);
	return (size_t)n;
}

size_t
jwk_sign(
    const struct jwk *k, struct str data, unsigned char out[JWK_SIGNATURE_MAX])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char der[128];
	unsigned char *to = k->alg == JWK_ES256 ? der : out;
	size_t n = k->alg == JWK_ES256 ? sizeof der : JWK_SIGNATURE_MAX;

	assert(k->can_sign);
	must(ctx != NULL &&
	    EVP_DigestSignInit(
		ctx, NULL, algs[k->alg].digest(), NULL, k->pkey) == 1 &&
	    EVP_DigestSign(
		ctx, to, &n, (const unsigned char *)data.p, data.n) == 1);
	EVP_MD_CTX_free(ctx);
	return k->alg == JWK_ES256 ? ecdsa_from_der(der, n, out) : n;
}

static bool
check_raw(const struct jwk *k, struct str data, const unsigned char *sig,
    size_t sig_n)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok;

	must(ctx != NULL &&
	    EVP_DigestVerifyInit(
		ctx, NULL, algs[k->alg].digest(), NULL, k->pkey) == 1);
	ok = EVP_DigestVerify(ctx, sig, sig_n, (const unsigned char *)data.p,
		 data.n) == 1; /* 0 wrong, -1 unreadable: both refused */
	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return ok;
}

bool
jwk_check(const struct jwk *k, struct str data, struct str sig)
{
	unsigned char der[128];
	size_t n;

	if (k == NULL || k->pkey == NULL || sig.p == NULL)
		return false;
	if (k->alg != JWK_ES256)
		return check_raw(k, data, (const unsigned char *)sig.p, sig.n);
	if (sig.n != 2 * P256_SIZE)
		return false;
	n = ecdsa_to_der((const unsigned char *)sig.p, der, sizeof der);
	return check_raw(k, data, der, n);
}

const struct jwk *
jwk_set_find(const struct jwk_set *s, struct str kid)
{
	if (!jwk_kid_ok(kid))
		return NULL;
	for (size_t i = 0; i < s->n; i++)
		if (str_eq(str_of(s->key[i].kid), kid))
			return &s->key[i];
	return NULL;
}

void
jwk_set_clear(struct jwk_set *s)
{
	for (size_t i = 0; i < s->n; i++)
		jwk_clear(&s->key[i]);
	s->n = 0;
}

static void
print_key(const struct jwk *k, struct arena *scratch, struct jw *w)
{
	const struct alg_row *row = &algs[k->alg];
	bool rsa = k->alg == JWK_RS256;
	struct public_half h;

	public_half(k, &h);
	jw_object(w);
	JW_TEXT(w, "kty", row->kty);
	JW_TEXT(w, "use", "sig");
	JW_TEXT(w, "alg", row->name);
	JW_TEXT(w, "kid", k->kid);
	if (row->crv != NULL)
		JW_TEXT(w, "crv", row->crv);
	JW_TEXT(w, rsa ? "n" : "x", base64url_encode(scratch, h.a, h.a_n));
	if (h.b_n != 0)
		JW_TEXT(
		    w, rsa ? "e" : "y", base64url_encode(scratch, h.b, h.b_n));
	jw_object_end(w);
}

void
jwk_set_print(const struct jwk_set *s, struct buf *out)
{
	struct arena *scratch = arena_new(JWKS_MAX);
	struct jw w = jw_on(out);

	jw_object(&w);
	jw_key(&w, "keys");
	jw_array(&w);
	for (size_t i = 0; i < s->n; i++)
		print_key(&s->key[i], scratch, &w);
	jw_array_end(&w);
	jw_object_end(&w);
	arena_free(&scratch);
}

/* A member in base64url, between `least` and `most` bytes. */
static bool
get_bytes(struct arena *a, struct json_object *o, const char *name,
    size_t least, size_t most, struct str *out)
{
	struct str text;

	return json_text(o, name, &text) && base64url_decode(a, text, out) &&
	    out->n >= least && out->n <= most;
}

static EVP_PKEY *
pkey_from(const char *type, OSSL_PARAM_BLD *bld)
{
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(bld);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY *pkey = NULL;

	must(params != NULL && ctx != NULL && EVP_PKEY_fromdata_init(ctx) == 1);
	if (EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
		pkey = NULL; /* not on the curve, for one */
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_free(params);
	ERR_clear_error();
	return pkey;
}

static EVP_PKEY *
read_rsa(struct arena *a, struct json_object *o)
{
	OSSL_PARAM_BLD *bld;
	BIGNUM *bn_n, *bn_e;
	EVP_PKEY *pkey = NULL;
	struct str n, e;

	if (!get_bytes(a, o, "n", RSA_BITS_MIN / 8, RSA_BITS_MAX / 8, &n) ||
	    !get_bytes(a, o, "e", 1, RSA_E_MAX, &e))
		return NULL;
	bld = OSSL_PARAM_BLD_new();
	bn_n = BN_bin2bn((const unsigned char *)n.p, (int)n.n, NULL);
	bn_e = BN_bin2bn((const unsigned char *)e.p, (int)e.n, NULL);
	must(bld != NULL && bn_n != NULL && bn_e != NULL);
	must(OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, bn_n) == 1 &&
	    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, bn_e) == 1);
	if (BN_is_odd(bn_n) && BN_is_odd(bn_e) && !BN_is_one(bn_e))
		pkey = pkey_from("RSA", bld);
	BN_free(bn_n);
	BN_free(bn_e);
	OSSL_PARAM_BLD_free(bld);
	return pkey;
}

static EVP_PKEY *
read_ec(struct arena *a, struct json_object *o)
{
	unsigned char point[1 + 2 * P256_SIZE] = {
		POINT_CONVERSION_UNCOMPRESSED
	};
	OSSL_PARAM_BLD *bld;
	EVP_PKEY *pkey;
	struct str x, y;

	if (!get_bytes(a, o, "x", P256_SIZE, P256_SIZE, &x) ||
	    !get_bytes(a, o, "y", P256_SIZE, P256_SIZE, &y))
		return NULL;
	memcpy(point + 1, x.p, P256_SIZE);
	memcpy(point + 1 + P256_SIZE, y.p, P256_SIZE);
	bld = OSSL_PARAM_BLD_new();
	must(bld != NULL &&
	    OSSL_PARAM_BLD_push_utf8_string(
		bld, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) == 1 &&
	    OSSL_PARAM_BLD_push_octet_string(
		bld, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point) == 1);
	pkey = pkey_from("EC", bld);
	OSSL_PARAM_BLD_free(bld);
	return pkey;
}

static EVP_PKEY *
read_ed25519(struct arena *a, struct json_object *o)
{
	struct str x;

	if (!get_bytes(a, o, "x", ED25519_SIZE, ED25519_SIZE, &x))
		return NULL;
	return EVP_PKEY_new_raw_public_key_ex(
	    NULL, "ED25519", NULL, (const unsigned char *)x.p, x.n);
}

static bool
is_text(struct json_object *o, const char *name, const char *value)
{
	struct str s;

	return json_text(o, name, &s) && str_eq(s, str_of(value));
}

/* Which row an entry is for, if it is one we use at all. */
static bool
entry_alg(struct json_object *o, enum jwk_alg *alg)
{
	for (int i = 0; i < JWK_ALG_COUNT; i++) {
		const struct alg_row *row = &algs[i];

		if (!is_text(o, "kty", row->kty) ||
		    (row->crv != NULL && !is_text(o, "crv", row->crv)))
			continue;
		*alg = (enum jwk_alg)i;
		return (!json_member(o, "alg") ||
			   is_text(o, "alg", row->name)) &&
		    (!json_member(o, "use") || is_text(o, "use", "sig"));
	}
	return false;
}

static bool
read_entry(struct arena *a, struct json_object *o, struct jwk *k)
{
	static EVP_PKEY *(*const readers[])(
	    struct arena *, struct json_object *) = { [JWK_RS256] = read_rsa,
		[JWK_ES256] = read_ec,
		[JWK_EDDSA] = read_ed25519 };
	enum jwk_alg alg;
	struct str kid;

	memset(k, 0, sizeof *k);
	if (!json_object_is_type(o, json_type_object) ||
	    !json_text(o, "kid", &kid) || !jwk_kid_ok(kid) ||
	    !entry_alg(o, &k->alg))
		return false;
	k->pkey = readers[k->alg](a, o);
	if (k->pkey == NULL)
		return false;
	if (!alg_of(k->pkey, &alg) || alg != k->alg) {
		jwk_clear(k);
		return false;
	}
	memcpy(k->kid, kid.p, kid.n);
	return true;
}

static enum rc
read_entries(struct arena *a, struct json_object *list, struct jwk_set *s)
{
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct jwk k;

		if (!read_entry(a, json_object_array_get_idx(list, i), &k))
			continue;
		if (s->n == JWK_SET_MAX ||
		    jwk_set_find(s, str_of(k.kid)) != NULL) {
			jwk_clear(&k);
			return fail(RC_INVALID,
			    "key set: more than %d keys, or a kid twice",
			    JWK_SET_MAX);
		}
		s->key[s->n++] = k;
	}
	return RC_OK;
}

enum rc
jwk_set_read(struct str text, struct jwk_set *s)
{
	struct arena *scratch;
	struct json_object *doc, *list;
	enum rc rc;

	jwk_set_clear(s);
	if (text.n > JWKS_MAX)
		return fail(RC_INVALID, "key set: longer than %d", JWKS_MAX);
	scratch = arena_new(4 * JWKS_MAX);
	rc = json_tree(scratch, text, JWKS_DEPTH, &doc);
	if (rc == RC_OK && !json_list(doc, "keys", &list))
		rc = fail(RC_INVALID, "key set: no list of keys");
	if (rc == RC_OK)
		rc = read_entries(scratch, list, s);
	if (rc != RC_OK)
		jwk_set_clear(s);
	arena_free(&scratch);
	return rc;
}
