#include "core/envelope.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "core/key-file.h"
#include "core/log.h"

#define FORMAT     1 /* of the sealed form */
#define ID_AT      1
#define NONCE_AT   9
#define NONCE_SIZE 12
#define TAG_AT     21
#define TAG_SIZE   16
#define TEXT_AT    ENVELOPE_OVERHEAD
#define AAD_MAX    512
#define KEY_FILE   "envelope-%" PRId64 ".key"

_Static_assert(TAG_AT + TAG_SIZE == TEXT_AT, "the head's fields add up");

void
envelope_key_wipe(struct envelope_key *k)
{
	OPENSSL_cleanse(k, sizeof *k);
}

void
envelope_keks_wipe(struct envelope_keks *k)
{
	OPENSSL_cleanse(k, sizeof *k);
}

static void
put_be(unsigned char *out, uint64_t v, size_t n)
{
	while (n-- > 0) {
		out[n] = (unsigned char)v;
		v >>= 8;
	}
}

static uint64_t
get_be64(const unsigned char *p)
{
	uint64_t v = 0;

	for (size_t i = 0; i < 8; i++)
		v = v << 8 | p[i];
	return v;
}

/* Additional data, each piece with its length before it, so that no two
 * places give the same bytes. */
struct aad {
	unsigned char p[AAD_MAX];
	size_t n;
};

static void
aad_bytes(struct aad *a, const void *p, size_t n)
{
	assert(n <= AAD_MAX - 4 && a->n + 4 + n <= AAD_MAX);
	put_be(a->p + a->n, n, 4);
	memcpy(a->p + a->n + 4, p, n);
	a->n += 4 + n;
}

static void
aad_number(struct aad *a, int64_t v)
{
	unsigned char be[8];

	put_be(be, (uint64_t)v, sizeof be);
	aad_bytes(a, be, sizeof be);
}

/* The head (version, key id) is bound too. */
static void
aad_of(struct aad *a, const unsigned char *head,
    const struct envelope_place *where)
{
	a->n = 0;
	aad_bytes(a, "letterrack", 10);
	aad_bytes(a, head, NONCE_AT);
	aad_bytes(a, where->table, strlen(where->table));
	aad_number(a, where->application);
	aad_number(a, where->account);
	aad_number(a, where->id);
	aad_bytes(a, where->field, strlen(where->field));
}

static void
must(int ok)
{
	if (ok != 1)
		die("openssl: out of memory or broken");
}

static void
gcm_seal(const struct envelope_key *k, const struct aad *aad, struct str plain,
    unsigned char *out)
{
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	int n;

	must(c != NULL);
	must(EVP_EncryptInit_ex(
	    c, EVP_aes_256_gcm(), NULL, k->key, out + NONCE_AT));
	must(EVP_EncryptUpdate(c, NULL, &n, aad->p, (int)aad->n));
	must(EVP_EncryptUpdate(c, out + TEXT_AT, &n,
	    (const unsigned char *)plain.p, (int)plain.n));
	must(EVP_EncryptFinal_ex(c, out + TEXT_AT + plain.n, &n));
	must(EVP_CIPHER_CTX_ctrl(
	    c, EVP_CTRL_GCM_GET_TAG, TAG_SIZE, out + TAG_AT));
	EVP_CIPHER_CTX_free(c);
}

static bool
gcm_open(const struct envelope_key *k, const struct aad *aad, struct str sealed,
    unsigned char *out)
{
	const unsigned char *in = (const unsigned char *)sealed.p;
	unsigned char tag[TAG_SIZE];
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	int n;
	bool ok;

	memcpy(tag, in + TAG_AT, TAG_SIZE);
	must(c != NULL);
	must(EVP_DecryptInit_ex(
	    c, EVP_aes_256_gcm(), NULL, k->key, in + NONCE_AT));
	must(EVP_DecryptUpdate(c, NULL, &n, aad->p, (int)aad->n));
	must(EVP_DecryptUpdate(
	    c, out, &n, in + TEXT_AT, (int)(sealed.n - TEXT_AT)));
	must(EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_SET_TAG, TAG_SIZE, tag));
	ok = EVP_DecryptFinal_ex(c, out + sealed.n - TEXT_AT, &n) == 1;
	EVP_CIPHER_CTX_free(c);
	return ok;
}

enum rc
envelope_seal(const struct envelope_key *k, const struct envelope_place *where,
    struct str plain, struct arena *a, struct str *sealed)
{
	unsigned char *out;
	struct aad aad;

	if (plain.n > ENVELOPE_MAX)
		return fail(
		    RC_TOO_LARGE, "secret longer than %d bytes", ENVELOPE_MAX);
	out = arena_alloc(a, ENVELOPE_OVERHEAD + plain.n);
	out[0] = FORMAT;
	put_be(out + ID_AT, (uint64_t)k->id, 8);
	random_bytes(out + NONCE_AT, NONCE_SIZE);
	aad_of(&aad, out, where);
	gcm_seal(k, &aad, plain, out);
	*sealed = (struct str){ (char *)out, ENVELOPE_OVERHEAD + plain.n };
	return RC_OK;
}

int64_t
envelope_key_id(struct str sealed)
{
	uint64_t id;

	if (sealed.p == NULL || sealed.n < ENVELOPE_OVERHEAD ||
	    sealed.n > ENVELOPE_OVERHEAD + ENVELOPE_MAX ||
	    sealed.p[0] != FORMAT)
		return 0;
	id = get_be64((const unsigned char *)sealed.p + ID_AT);
	return id <= INT64_MAX ? (int64_t)id : 0;
}

enum rc
envelope_open(const struct envelope_key *k, const struct envelope_place *where,
    struct str sealed, struct arena *a, struct secret *plain)
{
	struct secret out;
	struct aad aad;

	*plain = (struct secret){ NULL, 0 };
	if (envelope_key_id(sealed) == 0)
		return fail(RC_INTERNAL, "%s.%s of %" PRId64 ": not sealed",
		    where->table, where->field, where->id);
	if (envelope_key_id(sealed) != k->id)
		return fail(RC_INTERNAL,
		    "%s.%s of %" PRId64 ": sealed with key %" PRId64
		    ", not %" PRId64,
		    where->table, where->field, where->id,
		    envelope_key_id(sealed), k->id);
	out = secret_new(a, sealed.p + TEXT_AT, sealed.n - TEXT_AT);
	aad_of(&aad, (const unsigned char *)sealed.p, where);
	if (!gcm_open(k, &aad, sealed, out.p)) {
		secret_wipe(&out);
		return fail(RC_INTERNAL,
		    "%s.%s of %" PRId64 ": does not open here", where->table,
		    where->field, where->id);
	}
	*plain = out;
	return RC_OK;
}

/* A wrapped key opens as the row it was made for only. */
static struct envelope_place
key_place(int64_t application, int64_t account, int64_t id)
{
	return (struct envelope_place){ "data_key", application, account, id,
		"wrapped" };
}

static const struct envelope_key *
newest(const struct envelope_keks *keks)
{
	assert(keks->n > 0);
	return &keks->kek[keks->n - 1];
}

void
envelope_data_key_wrap(const struct envelope_keks *keks, int64_t application,
    int64_t account, const struct envelope_key *key, struct arena *a,
    struct str *wrapped)
{
	struct envelope_place at = key_place(application, account, key->id);
	struct str plain = { (const char *)key->key, sizeof key->key };
	enum rc rc = envelope_seal(newest(keks), &at, plain, a, wrapped);

	assert(rc == RC_OK);
	(void)rc;
}

void
envelope_data_key_new(const struct envelope_keks *keks, int64_t application,
    int64_t account, int64_t id, struct arena *a, struct envelope_key *key,
    struct str *wrapped)
{
	assert(id > 0);
	key->id = id;
	random_bytes(key->key, sizeof key->key);
	envelope_data_key_wrap(keks, application, account, key, a, wrapped);
}

enum rc
envelope_data_key_open(const struct envelope_keks *keks, int64_t application,
    int64_t account, int64_t id, struct str wrapped, struct envelope_key *key)
{
	struct envelope_place at = key_place(application, account, id);
	int64_t kek = envelope_key_id(wrapped);
	struct arena *scratch;
	struct secret plain = { 0 };
	enum rc rc = RC_INTERNAL;

	for (size_t i = 0; i < keks->n; i++) {
		if (keks->kek[i].id != kek)
			continue;
		scratch = arena_new(4096);
		rc =
		    envelope_open(&keks->kek[i], &at, wrapped, scratch, &plain);
		if (rc == RC_OK &&
		    (!secret_is(&plain) || plain.n != sizeof key->key))
			rc = fail(RC_INTERNAL, "data key of a wrong size");
		if (rc == RC_OK) {
			memcpy(key->key, plain.p, sizeof key->key);
			key->id = id;
		}
		arena_free(&scratch);
		return rc;
	}
	return fail(rc, "envelope key %" PRId64 " is not in key_dir", kek);
}

bool
envelope_data_key_stale(const struct envelope_keks *keks, struct str wrapped)
{
	return envelope_key_id(wrapped) != newest(keks)->id;
}

/* "envelope-<id>.key" -> id; 0 where the name is another. */
static int64_t
id_of_name(const char *name)
{
	struct str prefix = STR("envelope-"), suffix = STR(".key");
	struct str s = str_of(name);
	uint64_t id;

	if (s.n <= prefix.n + suffix.n || !str_starts(s, prefix) ||
	    strcmp(name + s.n - suffix.n, suffix.p) != 0)
		return 0;
	s = (struct str){ s.p + prefix.n, s.n - prefix.n - suffix.n };
	return str_uint(s, INT64_MAX, &id) ? (int64_t)id : 0;
}

static enum rc
read_kek(const char *dir, int64_t id, struct envelope_keks *keks)
{
	struct arena *scratch = arena_new(8192);
	struct envelope_key k = { .id = id };
	struct secret text;
	const char *path;
	struct str hex;
	enum rc rc;
	size_t at;

	path = arena_fmt(scratch, "%s/" KEY_FILE, dir, id);
	rc = secret_read(scratch, path, 128, &text);
	if (rc == RC_OK) {
		hex = str_trim((struct str){ (char *)text.p, text.n });
		if (!hex_decode(hex, k.key, sizeof k.key))
			rc = fail(RC_INVALID, "%s: not 64 hex digits", path);
	}
	if (rc == RC_OK && keks->n == ENVELOPE_KEKS_MAX)
		rc = fail(RC_INVALID, "%s: more than %d envelope keys", dir,
		    ENVELOPE_KEKS_MAX);
	if (rc == RC_OK) {
		for (at = keks->n; at > 0 && keks->kek[at - 1].id > id; at--)
			keks->kek[at] = keks->kek[at - 1];
		keks->kek[at] = k;
		keks->n++;
	}
	envelope_key_wipe(&k);
	arena_free(&scratch);
	return rc;
}

static enum rc
each_kek(void *ctx, const char *dir, const char *name)
{
	int64_t id = id_of_name(name);

	return id == 0 ? RC_OK : read_kek(dir, id, ctx);
}

enum rc
envelope_keks_load(const char *dir, struct envelope_keks *keks)
{
	enum rc rc;

	memset(keks, 0, sizeof *keks);
	rc = key_dir_each(dir, each_kek, keks);
	if (rc == RC_OK && keks->n == 0)
		rc = fail(RC_INVALID,
		    "%s: no envelope key; make one with letterrackctl init, or "
		    "letterrackctl key generate envelope",
		    dir);
	if (rc != RC_OK)
		envelope_keks_wipe(keks);
	return rc;
}

static enum rc
highest_id(void *ctx, const char *dir, const char *name)
{
	int64_t id = id_of_name(name);
	int64_t *most = ctx;

	(void)dir;
	if (id > *most)
		*most = id;
	return RC_OK;
}

enum rc
envelope_kek_generate(const char *dir, int64_t *id)
{
	unsigned char key[ENVELOPE_KEY_SIZE];
	char text[2 * ENVELOPE_KEY_SIZE + 2];
	char name[48];
	enum rc rc;

	*id = 0;
	TRY(key_dir_each(dir, highest_id, id));
	if (*id == INT64_MAX)
		return fail(RC_INVALID, "%s: no envelope key id left", dir);
	++*id;
	snprintf(name, sizeof name, KEY_FILE, *id);
	random_bytes(key, sizeof key);
	hex_encode(key, sizeof key, text);
	memcpy(text + 2 * sizeof key, "\n", 2);
	rc = key_file_write(dir, name, text, 2 * sizeof key + 1);
	OPENSSL_cleanse(key, sizeof key);
	OPENSSL_cleanse(text, sizeof text);
	return rc;
}
