/* The body cache: found by hash, bounded, one flight at a time. */
#include "domain/body-cache.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/clock.h"
#include "lib/unit.h"

#define TOTAL 4096

static char dir[64];
static struct arena *arena;
static struct conf conf;
static struct body_cache *cache;

static void
begin(void)
{
	snprintf(dir, sizeof dir, "%s", "/tmp/letterrack-body-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	arena = arena_new(1 << 20);
	conf = (struct conf){
		.body_cache_total = TOTAL, .state_dir = dir, .arena = arena
	};
	ck_assert_int_eq(body_cache_open(&conf, 1, &cache), RC_OK);
}

static void
end(void)
{
	char cmd[128];

	arena_free(&arena);
	snprintf(cmd, sizeof cmd, "rm -rf '%s'", dir);
	ck_assert_int_eq(system(cmd), 0);
}

struct kept {
	unsigned char hash[SHA256_SIZE];
	struct str bytes;
};

static struct kept
put(const char *bytes, size_t n, bool keep)
{
	struct body_file *file;
	struct kept k;

	ck_assert_int_eq(body_file_new(cache, arena, &file), RC_OK);
	ck_assert_int_eq(body_file_write(file, bytes, n / 2), RC_OK);
	ck_assert_int_eq(
	    body_file_write(file, bytes + n / 2, n - n / 2), RC_OK);
	ck_assert_int_eq(body_file_end(file, keep, k.hash, &k.bytes), RC_OK);
	return k;
}

static const char *
file_of(const struct kept *k)
{
	char name[2 * SHA256_SIZE + 1];

	hex_encode(k->hash, SHA256_SIZE, name);
	return arena_fmt(arena, "%s/cache/%s", dir, name);
}

static bool
is_there(const struct kept *k)
{
	return body_cache_find(cache, k->hash, arena).p != NULL;
}

START_TEST(kept)
{
	struct kept k = put("hello", 5, true), not = put("other", 5, false);
	struct str found = body_cache_find(cache, k.hash, arena);
	unsigned char hash[SHA256_SIZE];

	sha256("hello", 5, hash);
	ck_assert_mem_eq(k.hash, hash, sizeof hash);
	ck_assert(str_eq(k.bytes, STR("hello")));
	ck_assert(str_eq(found, STR("hello")));
	ck_assert(str_eq(not .bytes, STR("other")));
	ck_assert(!is_there(&not ));
}
END_TEST

START_TEST(nothing_at_all)
{
	struct kept k = put("", 0, true);

	ck_assert_ptr_nonnull(k.bytes.p);
	ck_assert_uint_eq(k.bytes.n, 0);
	ck_assert(is_there(&k));
}
END_TEST

START_TEST(forged)
{
	struct kept k = put("hello", 5, true);
	int fd = open(file_of(&k), O_WRONLY | O_TRUNC);

	ck_assert_int_eq(write(fd, "jello", 5), 5);
	close(fd);
	ck_assert(!is_there(&k));
	ck_assert_int_ne(access(file_of(&k), F_OK), 0);
}
END_TEST

START_TEST(no_link_is_followed)
{
	struct kept k = put("hello", 5, true);
	const char *elsewhere = arena_fmt(arena, "%s/elsewhere", dir);

	ck_assert_int_eq(rename(file_of(&k), elsewhere), 0);
	ck_assert_int_eq(symlink(elsewhere, file_of(&k)), 0);
	ck_assert(!is_there(&k));
}
END_TEST

static void
used_at(const struct kept *k, time_t second)
{
	const struct timespec t[2] = { { .tv_sec = second },
		{ .tv_sec = second } };

	ck_assert_int_eq(utimensat(AT_FDCWD, file_of(k), t, 0), 0);
}

START_TEST(oldest_goes_first)
{
	char bytes[1000];
	struct kept k[5];

	for (int i = 0; i < 3; i++) {
		memset(bytes, 'a' + i, sizeof bytes);
		k[i] = put(bytes, sizeof bytes, true);
		used_at(&k[i], 1000 + i);
	}
	ck_assert(is_there(&k[0])); /* and so it was used last */
	for (int i = 3; i < 5; i++) {
		memset(bytes, 'a' + i, sizeof bytes);
		k[i] = put(bytes, sizeof bytes, true);
	}
	/* 5,000 bytes: down to three quarters of 4,096. */
	ck_assert(!is_there(&k[1]) && !is_there(&k[2]));
	ck_assert(is_there(&k[0]) && is_there(&k[3]) && is_there(&k[4]));
	ck_assert_mem_eq(k[1].bytes.p, "bbbb", 4);
}
END_TEST

START_TEST(larger_than_the_cache)
{
	static char bytes[2 * TOTAL];
	struct kept k = put(bytes, sizeof bytes, true);

	ck_assert_uint_eq(k.bytes.n, sizeof bytes);
	ck_assert(!is_there(&k));
}
END_TEST

START_TEST(what_was_left_behind)
{
	const char *path = arena_fmt(arena, "%s/cache/new-AbCdEf", dir);
	const struct timespec old[2] = { { .tv_sec = 1000 },
		{ .tv_sec = 1000 } };
	char bytes[TOTAL / 2] = "";

	close(open(path, O_WRONLY | O_CREAT, 0600));
	ck_assert_int_eq(utimensat(AT_FDCWD, path, old, 0), 0);
	put(bytes, sizeof bytes, true);
	ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

static int
fly(int64_t email, int64_t ms)
{
	struct arena *a = arena_new(1 << 16);
	enum rc rc = body_cache_flight(cache, email, clock_steady_ms() + ms, a);

	arena_free(&a);
	return (int)rc;
}

static int
elsewhere(int64_t email, int64_t ms)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(fly(email, ms));
	waitpid(pid, &status, 0);
	return WEXITSTATUS(status);
}

START_TEST(flights)
{
	struct arena *mine = arena_new(1 << 16);

	ck_assert_int_eq(body_cache_flight(cache, 7, 0, mine), RC_OK);
	ck_assert_int_eq(elsewhere(8, 0), RC_OK);
	ck_assert_int_eq(elsewhere(7, 50), RC_TIMEOUT);
	arena_free(&mine);
	ck_assert_int_eq(elsewhere(7, 0), RC_OK);
}
END_TEST

UNIT_MAIN_AROUND("domain/body-cache", begin, end, UNIT(kept),
    UNIT(nothing_at_all), UNIT(forged), UNIT(no_link_is_followed),
    UNIT(oldest_goes_first), UNIT(larger_than_the_cache),
    UNIT(what_was_left_behind), UNIT(flights))
