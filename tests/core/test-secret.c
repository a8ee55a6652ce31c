#include "core/process.h"
#include "core/secret.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/unit.h"

static struct arena *a;
static char dir[] = "/tmp/letterrack-secret-XXXXXX";
static char path[64];

static void
begin(void)
{
	a = arena_new(1 << 20);
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/key", dir);
}

static void
end(void)
{
	unlink(path);
	ck_assert_int_eq(rmdir(dir), 0);
	arena_free(&a);
}

static void
write_file(size_t n, mode_t mode)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	for (size_t i = 0; i < n; i++)
		fputc('a' + (int)(i % 26), f);
	ck_assert_int_eq(fclose(f), 0);
	ck_assert_int_eq(chmod(path, mode), 0);
}

static void
look(void *handle)
{
	const struct secret *s = handle;

	for (size_t i = 0; i < s->n; i++)
		ck_assert_int_eq(s->p[i], 0);
}

/* A deferred end that was there before the secret runs behind its wiping. */
START_TEST(wiped_with_the_arena)
{
	struct secret s;

	a = arena_new(1 << 16);
	arena_defer(a, look, &s);
	s = secret_new(a, "hunter2", 7);
	ck_assert(secret_is(&s));
	ck_assert_mem_eq(s.p, "hunter2", 8);
	arena_free(&a);
}
END_TEST

START_TEST(wiped_by_hand)
{
	struct secret s;
	const unsigned char *p;

	a = arena_new(1 << 16);
	s = secret_new(a, "hunter2", 7);
	p = s.p;
	secret_wipe(&s);
	ck_assert(!secret_is(&s));
	ck_assert_mem_eq(p, "\0\0\0\0\0\0\0", 7);
	secret_wipe(&s);
	arena_free(&a);
}
END_TEST

START_TEST(compares)
{
	struct secret none = { NULL, 0 }, s, empty;

	a = arena_new(1 << 16);
	s = secret_new(a, "a\0b", 3);
	empty = secret_new(a, "", 0);
	ck_assert(secret_eq(&s, "a\0b", 3));
	ck_assert(!secret_eq(&s, "a\0c", 3));
	ck_assert(!secret_eq(&s, "a\0", 2));
	ck_assert(!secret_eq(&s, "a\0bc", 4));
	ck_assert(secret_eq(&empty, "", 0));
	ck_assert(!secret_eq(&none, "", 0));
	arena_free(&a);
}
END_TEST

START_TEST(key_files)
{
	static const struct {
		const char *name;
		size_t n;
		mode_t mode;
		bool good;
	} rows[] = {
		{ "0600", 32, 0600, true },
		{ "0400", 32, 0400, true },
		{ "0640", 32, 0640, true },
		{ "empty", 0, 0600, true },
		{ "at the limit", 100, 0600, true },
		{ "over it", 101, 0600, false },
		{ "0644", 32, 0644, false },
		{ "0604", 32, 0604, false },
		{ "0602", 32, 0602, false },
		{ "0601", 32, 0601, false },
		{ "0620", 32, 0620, false },
		{ "0666", 32, 0666, false },
	};

	begin();
	ARRAY_EACH (row, rows) {
		struct secret s = { NULL, 0 };
		enum rc rc;

		fail_clear();
		write_file(row->n, row->mode);
		rc = secret_read(a, path, 100, &s);
		ROW(row->name, rc == (row->good ? RC_OK : RC_INVALID));
		ROW(row->name, secret_is(&s) == row->good);
		ROW(row->name, !row->good || s.n == row->n);
		ROW(row->name, (fail_detail()[0] == '\0') == row->good);
		unlink(path);
	}
	end();
}
END_TEST

START_TEST(not_a_file)
{
	struct secret s;

	begin();
	ck_assert_int_eq(secret_read(a, path, 100, &s), RC_INVALID);
	ck_assert_int_eq(secret_read(a, dir, 100, &s), RC_INVALID);
	ck_assert_int_eq(secret_read(a, "/dev/zero", 100, &s), RC_INVALID);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert_int_eq(secret_read(a, path, 100, &s), RC_INVALID);
	end();
}
END_TEST

START_TEST(random_differs)
{
	unsigned char one[32] = { 0 }, two[32] = { 0 };

	random_bytes(one, sizeof(one));
	random_bytes(two, sizeof(two));
	ck_assert_mem_ne(one, two, sizeof(one));
	random_bytes(one, 0);
}
END_TEST

/* FIPS 180-4, the examples of NIST; whole, and byte by byte. */
START_TEST(digests)
{
	static const struct {
		const char *text, *hex;
	} rows[] = {
		{ "",
		    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b"
		    "7852b855" },
		{ "abc",
		    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61"
		    "f20015ad" },
		{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		    "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd4"
		    "19db06c1" },
	};

	ARRAY_EACH (row, rows) {
		struct sha256 *sum = sha256_new();
		unsigned char out[SHA256_SIZE];
		char hex[2 * SHA256_SIZE + 1];

		sha256(row->text, strlen(row->text), out);
		hex_encode(out, sizeof(out), hex);
		ck_assert_str_eq(hex, row->hex);
		memset(out, 0, sizeof(out));
		for (const char *p = row->text; *p != '\0'; p++)
			sha256_add(sum, p, 1);
		sha256_end(&sum, out);
		hex_encode(out, sizeof(out), hex);
		ck_assert_str_eq(hex, row->hex);
		ck_assert_ptr_null(sum);
	}
}
END_TEST

/* RFC 4231, test cases 1 and 2. */
START_TEST(keyed_digests)
{
	static const struct {
		const char *key, *data, *hex;
	} rows[] = {
		{ "\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b"
		  "\x0b\x0b\x0b\x0b\x0b\x0b",
		    "Hi There",
		    "b0344c61d8db38535ca8afceaf0bf12b"
		    "881dc200c9833da726e9376c2e32cff7" },
		{ "Jefe", "what do ya want for nothing?",
		    "5bdcc146bf60754e6a042426089575c7"
		    "5a003f089d2739839dec58b964ec3843" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		unsigned char out[SHA256_SIZE];
		char hex[2 * SHA256_SIZE + 1];

		hmac_sha256(rows[i].key, strlen(rows[i].key), rows[i].data,
		    strlen(rows[i].data), out);
		hex_encode(out, sizeof(out), hex);
		ck_assert_str_eq(hex, rows[i].hex);
	}
}
END_TEST

START_TEST(no_core_files)
{
	struct rlimit limit;

	process_harden();
	ck_assert_int_eq(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 0);
	ck_assert_int_eq(getrlimit(RLIMIT_CORE, &limit), 0);
	ck_assert_uint_eq(limit.rlim_max, 0);
}
END_TEST

UNIT_MAIN("core/secret", UNIT(wiped_with_the_arena), UNIT(wiped_by_hand),
    UNIT(compares), UNIT(key_files), UNIT(not_a_file), UNIT(random_differs),
    UNIT(digests), UNIT(keyed_digests), UNIT(no_core_files))
