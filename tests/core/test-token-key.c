/* Token keys in files: which one signs, and how they come and go. */
#include "core/token-key.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/unit.h"

static char dir[64];
static struct token_keys keys;
static struct arena *arena;

static void
begin(void)
{
	snprintf(dir, sizeof dir, "%s", "/tmp/letterrack-keys-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	arena = arena_new(65536);
}

static void
end(void)
{
	char cmd[128];

	token_keys_clear(&keys);
	snprintf(cmd, sizeof cmd, "rm -rf '%s'", dir);
	ck_assert_int_eq(system(cmd), 0);
	arena_free(&arena);
}

static const char *
active(void)
{
	token_keys_clear(&keys);
	ck_assert_msg(
	    token_keys_load(dir, &keys) == RC_OK, "%s", fail_detail());
	return token_keys_active(&keys)->kid;
}

/* Root generates, the programs' user reads. */
START_TEST(owner)
{
	char kid[JWK_KID_MAX + 1], path[256];
	struct stat at, file;

	if (geteuid() == 0)
		ck_assert_int_eq(chown(dir, 65534, 65534), 0);
	ck_assert_int_eq(token_key_generate(dir, JWK_RS256, kid), RC_OK);
	snprintf(path, sizeof path, "%s/token-%s.pem", dir, kid);
	ck_assert_int_eq(stat(dir, &at), 0);
	ck_assert_int_eq(stat(path, &file), 0);
	ck_assert_uint_eq(file.st_uid, at.st_uid);
	ck_assert_uint_eq(file.st_gid, at.st_gid);
	ck_assert_uint_eq(file.st_mode & 0777, 0600);
}
END_TEST

START_TEST(rotation)
{
	char a[JWK_KID_MAX + 1], b[JWK_KID_MAX + 1];

	ck_assert_int_eq(token_keys_load(dir, &keys), RC_INVALID);
	ck_assert_ptr_null(token_keys_active(&keys));
	ck_assert_int_eq(token_key_generate(dir, JWK_RS256, a), RC_OK);
	ck_assert_str_eq(active(), a);
	ck_assert(!token_keys_changed(&keys, dir));

	/* Published first, signing later. */
	ck_assert_int_eq(token_key_generate(dir, JWK_ES256, b), RC_OK);
	ck_assert(token_keys_changed(&keys, dir));
	ck_assert_str_eq(active(), a);
	ck_assert_uint_eq(keys.set.n, 2);
	ck_assert_int_eq(token_key_retire(dir, str_of(a)), RC_CONFLICT);
	ck_assert_int_eq(token_key_activate(dir, str_of(b)), RC_OK);
	ck_assert(token_keys_changed(&keys, dir));
	ck_assert_str_eq(active(), b);
	ck_assert_int_eq(token_key_retire(dir, str_of(a)), RC_OK);
	ck_assert_str_eq(active(), b);
	ck_assert_uint_eq(keys.set.n, 1);
	ck_assert_ptr_null(jwk_set_find(&keys.set, str_of(a)));
}
END_TEST

START_TEST(unknown_kids)
{
	char a[JWK_KID_MAX + 1];

	ck_assert_int_eq(token_key_generate(dir, JWK_EDDSA, a), RC_OK);
	ck_assert_int_eq(token_key_retire(dir, STR("nobody")), RC_NOT_FOUND);
	ck_assert_int_eq(token_key_activate(dir, STR("nobody")), RC_NOT_FOUND);
	ck_assert_int_eq(token_key_activate(dir, STR("../x")), RC_NOT_FOUND);
	ck_assert_str_eq(active(), a);
}
END_TEST

/* Without `token-current` the newest file signs. */
START_TEST(newest)
{
	char a[JWK_KID_MAX + 1], b[JWK_KID_MAX + 1];
	struct timespec old[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };
	const char *path;

	ck_assert_int_eq(token_key_generate(dir, JWK_EDDSA, a), RC_OK);
	ck_assert_int_eq(token_key_generate(dir, JWK_EDDSA, b), RC_OK);
	ck_assert_int_eq(unlink(arena_fmt(arena, "%s/token-current", dir)), 0);
	path = arena_fmt(arena, "%s/token-%s.pem", dir, a);
	ck_assert_int_eq(utimensat(AT_FDCWD, path, old, 0), 0);
	ck_assert_str_eq(active(), b);
}
END_TEST

START_TEST(broken_files)
{
	char a[JWK_KID_MAX + 1];
	const char *path, *other;
	struct stat st;
	FILE *f;

	ck_assert_int_eq(token_key_generate(dir, JWK_EDDSA, a), RC_OK);
	path = arena_fmt(arena, "%s/token-%s.pem", dir, a);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0600);
	ck_assert_int_eq(chmod(path, 0644), 0);
	ck_assert_int_eq(token_keys_load(dir, &keys), RC_INVALID);
	ck_assert_int_eq(chmod(path, 0600), 0);
	/* A key under another's name. */
	other = arena_fmt(arena, "%s/token-%s.pem", dir, "someone");
	ck_assert_int_eq(link(path, other), 0);
	ck_assert_int_eq(token_keys_load(dir, &keys), RC_INVALID);
	ck_assert_int_eq(unlink(other), 0);
	ck_assert_str_eq(active(), a);
	/* The marker names nobody. */
	f = fopen(arena_fmt(arena, "%s/token-current", dir), "w");
	ck_assert_ptr_nonnull(f);
	fputs("nobody\n", f);
	fclose(f);
	token_keys_clear(&keys);
	ck_assert_int_eq(token_keys_load(dir, &keys), RC_INVALID);
	ck_assert_int_eq(token_key_activate(dir, str_of(a)), RC_OK);
	ck_assert_str_eq(active(), a);
	/* Other files do not matter. */
	f = fopen(arena_fmt(arena, "%s/token-.pem", dir), "w");
	fclose(f);
	f = fopen(arena_fmt(arena, "%s/README", dir), "w");
	fclose(f);
	ck_assert_str_eq(active(), a);
}
END_TEST

UNIT_MAIN_AROUND("core/token-key", begin, end, UNIT(owner), UNIT(rotation),
    UNIT(unknown_kids), UNIT(newest), UNIT(broken_files))
