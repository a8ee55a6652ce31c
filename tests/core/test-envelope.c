/* Envelopes: what is sealed opens in its own place and nowhere else. */
#include "core/envelope.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/unit.h"

static struct arena *arena;
static char dir[] = "/tmp/letterrack-envelope-XXXXXX";

static const struct envelope_key key = { 7, "0123456789abcdef0123456789abcde" };
static const struct envelope_place here = { "credential", 1, 2, 3, "secret" };

static void
begin(void)
{
	arena = arena_new(8 << 20);
	ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void
end(void)
{
	char cmd[128];

	snprintf(cmd, sizeof cmd, "rm -rf '%s'", dir);
	ck_assert_int_eq(system(cmd), 0);
	arena_free(&arena);
}

static struct str
sealed(const char *text)
{
	struct str out;

	ck_assert_int_eq(
	    envelope_seal(&key, &here, str_of(text), arena, &out), RC_OK);
	return out;
}

static bool
opens(const struct envelope_key *k, const struct envelope_place *p,
    struct str blob)
{
	struct secret plain;
	enum rc rc = envelope_open(k, p, blob, arena, &plain);

	ck_assert(rc == RC_OK || rc == RC_INTERNAL);
	ck_assert_int_eq(rc == RC_OK, secret_is(&plain));
	return rc == RC_OK;
}

START_TEST(round_trip)
{
	static const size_t sizes[] = { 0, 1, 15, 16, 17, 1000, ENVELOPE_MAX };

	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		char *text = arena_alloc(arena, sizes[i] + 1);
		struct str plain = { text, sizes[i] }, blob;
		struct secret back;

		memset(text, 'x', sizes[i]);
		ck_assert_int_eq(
		    envelope_seal(&key, &here, plain, arena, &blob), RC_OK);
		ck_assert_uint_eq(blob.n, sizes[i] + ENVELOPE_OVERHEAD);
		ck_assert_int_eq(envelope_key_id(blob), 7);
		ck_assert_int_eq(
		    envelope_open(&key, &here, blob, arena, &back), RC_OK);
		ck_assert(secret_eq(&back, text, sizes[i]));
	}
}
END_TEST

START_TEST(too_large)
{
	char *text = arena_alloc(arena, ENVELOPE_MAX + 1);
	struct str out;

	ck_assert_int_eq(
	    envelope_seal(&key, &here, (struct str){ text, ENVELOPE_MAX + 1 },
		arena, &out),
	    RC_TOO_LARGE);
}
END_TEST

START_TEST(nonces_differ)
{
	struct str a = sealed("same"), b = sealed("same");

	ck_assert(!str_eq(a, b));
	ck_assert(memcmp(a.p + 9, b.p + 9, 12) != 0);
}
END_TEST

START_TEST(other_places)
{
	static const struct envelope_place rows[] = {
		{ "credentials", 1, 2, 3, "secret" },
		{ "credentia", 1, 2, 3, "secret" },
		{ "webhook", 1, 2, 3, "secret" },
		{ "credential", 2, 2, 3, "secret" },
		{ "credential", 1, 1, 3, "secret" },
		{ "credential", 1, 3, 2, "secret" },
		{ "credential", 2, 1, 3, "secret" },
		{ "credential", 1, 2, 4, "secret" },
		{ "credential", 1, 2, -3, "secret" },
		{ "credential", 1, 2, 3 + (INT64_C(1) << 32), "secret" },
		{ "credential", 1, 2, 3, "secre" },
		{ "credential", 1, 2, 3, "" },
		{ "credentialsecret", 1, 2, 3, "" },
		{ "", 1, 2, 3, "secret" },
	};
	struct str blob = sealed("pa55");

	ck_assert(opens(&key, &here, blob));
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		ck_assert_msg(!opens(&key, &rows[i], blob), "row %zu", i);
}
END_TEST

START_TEST(other_keys)
{
	struct envelope_key other = key;
	struct str blob = sealed("pa55");

	other.id = 8;
	ck_assert(!opens(&other, &here, blob));
	other.id = 7;
	other.key[31] ^= 1;
	ck_assert(!opens(&other, &here, blob));
}
END_TEST

START_TEST(every_bit)
{
	struct str blob = sealed("pa55word");

	for (size_t i = 0; i < blob.n * 8; i++) {
		char *bent = arena_dup(arena, blob.p, blob.n);

		bent[i / 8] = (char)(bent[i / 8] ^ 1 << i % 8);
		ck_assert_msg(!opens(&key, &here, (struct str){ bent, blob.n }),
		    "bit %zu", i);
	}
	for (size_t n = 0; n < blob.n; n++)
		ck_assert_msg(!opens(&key, &here, (struct str){ blob.p, n }),
		    "cut at %zu", n);
	ck_assert(!opens(&key, &here, (struct str){ NULL, 0 }));
}
END_TEST

START_TEST(swapped_rows)
{
	struct envelope_place there = here;
	struct str a = sealed("a"), b;

	there.id = 4;
	ck_assert_int_eq(
	    envelope_seal(&key, &there, STR("b"), arena, &b), RC_OK);
	ck_assert(opens(&key, &here, a) && opens(&key, &there, b));
	ck_assert(!opens(&key, &here, b) && !opens(&key, &there, a));
}
END_TEST

/* Two key-encryption keys: the old one still reads, the new one writes. */
START_TEST(rotation)
{
	struct envelope_keks keks;
	struct envelope_key data, again;
	struct str wrapped, rewrapped;
	int64_t id;

	ck_assert_int_eq(envelope_keks_load(dir, &keks), RC_INVALID);
	ck_assert_int_eq(envelope_kek_generate(dir, &id), RC_OK);
	ck_assert_int_eq(id, 1);
	ck_assert_int_eq(envelope_keks_load(dir, &keks), RC_OK);
	envelope_data_key_new(&keks, 1, 2, 5, arena, &data, &wrapped);
	ck_assert(!envelope_data_key_stale(&keks, wrapped));

	ck_assert_int_eq(envelope_kek_generate(dir, &id), RC_OK);
	ck_assert_int_eq(id, 2);
	ck_assert_int_eq(envelope_keks_load(dir, &keks), RC_OK);
	ck_assert_uint_eq(keks.n, 2);
	ck_assert(envelope_data_key_stale(&keks, wrapped));
	ck_assert_int_eq(
	    envelope_data_key_open(&keks, 1, 2, 5, wrapped, &again), RC_OK);
	ck_assert_mem_eq(&data, &again, sizeof data);
	envelope_data_key_wrap(&keks, 1, 2, &again, arena, &rewrapped);
	ck_assert(!envelope_data_key_stale(&keks, rewrapped));

	/* The old file gone: what was wrapped again opens, the rest not. */
	ck_assert_int_eq(unlink(arena_fmt(arena, "%s/envelope-1.key", dir)), 0);
	ck_assert_int_eq(envelope_keks_load(dir, &keks), RC_OK);
	ck_assert_int_eq(
	    envelope_data_key_open(&keks, 1, 2, 5, rewrapped, &again), RC_OK);
	ck_assert_mem_eq(&data, &again, sizeof data);
	ck_assert_int_eq(
	    envelope_data_key_open(&keks, 1, 2, 5, wrapped, &again),
	    RC_INTERNAL);
}
END_TEST

START_TEST(data_key_of_another)
{
	struct envelope_keks keks;
	struct envelope_key data, again;
	struct str wrapped, field;
	int64_t id;

	ck_assert_int_eq(envelope_kek_generate(dir, &id), RC_OK);
	ck_assert_int_eq(envelope_keks_load(dir, &keks), RC_OK);
	envelope_data_key_new(&keks, 1, 2, 5, arena, &data, &wrapped);
	ck_assert_int_eq(
	    envelope_data_key_open(&keks, 1, 3, 5, wrapped, &again),
	    RC_INTERNAL);
	ck_assert_int_eq(
	    envelope_data_key_open(&keks, 2, 2, 5, wrapped, &again),
	    RC_INTERNAL);
	ck_assert_int_eq(
	    envelope_data_key_open(&keks, 1, 2, 6, wrapped, &again),
	    RC_INTERNAL);
	/* A field sealed by the KEK itself does not pass for a key. */
	ck_assert_int_eq(
	    envelope_seal(&keks.kek[0], &here,
		STR("0123456789abcdef0123456789abcdef"), arena, &field),
	    RC_OK);
	ck_assert_int_eq(
	    envelope_data_key_open(&keks, 1, 2, 3, field, &again), RC_INTERNAL);
}
END_TEST

START_TEST(key_files)
{
	static const char *const broken[] = { "", "00", "zz",
		"00000000000000000000000000000000000000000000000000000000000000"
		"0",
		"00000000000000000000000000000000000000000000000000000000000000"
		"0000" };
	const char *path = arena_fmt(arena, "%s/envelope-1.key", dir);
	struct envelope_keks keks;
	struct stat st;
	int64_t id;

	ck_assert_int_eq(envelope_kek_generate(dir, &id), RC_OK);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0600);
	ck_assert_int_eq(chmod(path, 0644), 0);
	ck_assert_int_eq(envelope_keks_load(dir, &keks), RC_INVALID);
	ck_assert_int_eq(chmod(path, 0600), 0);
	for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
		FILE *f = fopen(path, "w");

		ck_assert_ptr_nonnull(f);
		fputs(broken[i], f);
		fclose(f);
		ck_assert_int_eq(envelope_keks_load(dir, &keks), RC_INVALID);
		ck_assert_uint_eq(keks.n, 0);
	}
}
END_TEST

UNIT_MAIN_AROUND("core/envelope", begin, end, UNIT(round_trip), UNIT(too_large),
    UNIT(nonces_differ), UNIT(other_places), UNIT(other_keys), UNIT(every_bit),
    UNIT(swapped_rows), UNIT(rotation), UNIT(data_key_of_another),
    UNIT(key_files))
