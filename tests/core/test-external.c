/* External issuers: the option, and when their keys are fetched and used. */
#include "core/external.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/json.h"
#include "lib/unit.h"

#define IDP "https://idp.example api https://idp.example/jwks"

static char dir[64];
static struct arena *arena;
static const struct external_issuer idp = { "https://idp.example", "api",
	"https://idp.example/jwks" };

static void
begin(void)
{
	snprintf(dir, sizeof dir, "%s", "/tmp/letterrack-issuers-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	arena = arena_new(1 << 20);
}

static void
end(void)
{
	char cmd[128];

	snprintf(cmd, sizeof cmd, "rm -rf '%s'", dir);
	ck_assert_int_eq(system(cmd), 0);
	arena_free(&arena);
}

START_TEST(option)
{
	static const struct {
		const char *lines;
		size_t n; /* 0: refused */
	} rows[] = {
		{ IDP, 1 },
		{ "  a \t b  https://x/k  ", 1 },
		{ IDP "\nb c http://127.0.0.1:9/k", 2 },
		{ "a b http://localhost/k", 1 },
		{ "a b http://localhost:8/k", 1 },
		{ "a b http://[::1]:8/k", 1 },
		{ "a b", 0 },
		{ "a b https://x/k d", 0 },
		{ IDP "\n", 1 },
		{ IDP "\n\n" IDP, 0 },
		{ IDP "\nhttps://idp.example b https://other/k", 0 },
		{ "a b http://x/k", 0 },
		{ "a b http://localhost.x/k", 0 },
		{ "a b http://[::1x", 0 },
		{ "a b ftp://x/k", 0 },
		{ "a b file:///etc/passwd", 0 },
	};
	struct external_issuers list;

	ck_assert_int_eq(external_issuers_read("", arena, &list), RC_OK);
	ck_assert_uint_eq(list.n, 0);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		enum rc rc = external_issuers_read(rows[i].lines, arena, &list);

		ck_assert_msg((rc == RC_OK) == (rows[i].n > 0), "row %zu", i);
		if (rc == RC_OK)
			ck_assert_msg(list.n == rows[i].n, "row %zu", i);
	}
}
END_TEST

static const char *
path(const char *word)
{
	FILE *f =
	    popen(arena_fmt(arena, "ls -d '%s'/issuers/*.%s", dir, word), "r");
	char line[256] = "";

	ck_assert_ptr_nonnull(f);
	ck_assert_ptr_nonnull(fgets(line, sizeof line, f));
	pclose(f);
	return arena_dup(arena, line, strcspn(line, "\n"));
}

static int64_t now; /* of one case: a slow machine does not age its files */

static void
age(const char *word, int64_t seconds)
{
	const struct timespec then[2] = { { now - seconds, 0 },
		{ now - seconds, 0 } };

	ck_assert_int_eq(utimensat(AT_FDCWD, path(word), then, 0), 0);
}

static struct str
document(const struct jwk_set *set)
{
	struct buf b;
	struct str out;

	buf_init(&b, 65536);
	jwk_set_print(set, &b);
	out = (struct str){ arena_dup(arena, b.p, b.n), b.n };
	buf_clear(&b);
	return out;
}

START_TEST(files)
{
	struct jwk_set set = { .n = 1 };
	struct external_keys keys = { .file = 0 };
	struct external_fetch one, two;
	struct str text;

	now = time(NULL);
	jwk_generate(JWK_EDDSA, &set.key[0]);
	text = document(&set);
	ck_assert(!external_keys_look(&keys, dir, &idp, now));
	/* nobody has tried: due, and one at a time */
	ck_assert(external_fetch_begin(&one, dir, &idp, now));
	ck_assert(!external_fetch_begin(&two, dir, &idp, now));
	ck_assert_int_eq(external_fetch_end(&one, text), RC_OK);
	ck_assert(external_keys_look(&keys, dir, &idp, now));
	ck_assert_uint_eq(keys.set.n, 1);
	ck_assert(!external_keys_look(&keys, dir, &idp, now));
	/* a minute later nobody has asked, then somebody has */
	age("try", EXTERNAL_PAUSE_S + 1);
	age("keys", EXTERNAL_PAUSE_S + 1);
	ck_assert(external_keys_look(&keys, dir, &idp, now));
	ck_assert(!external_fetch_begin(&one, dir, &idp, now));
	for (int i = 0; i < 10000; i++)
		external_keys_want(dir, &idp);
	ck_assert(external_fetch_begin(&one, dir, &idp, now));
	ck_assert_int_eq(external_fetch_end(&one, STR("")), RC_OK);
	ck_assert(!external_fetch_begin(&one, dir, &idp, now));
	/* five minutes later without being asked */
	age("try", EXTERNAL_REFRESH_S + 1);
	age("want", EXTERNAL_REFRESH_S + 2);
	age("keys", EXTERNAL_REFRESH_S + 1);
	ck_assert(external_fetch_begin(&one, dir, &idp, now));
	ck_assert_int_eq(external_fetch_end(&one, STR("{}")), RC_INVALID);
	(void)external_keys_look(&keys, dir, &idp, now);
	ck_assert_uint_eq(keys.set.n, 1);
	age("keys", EXTERNAL_STALE_S - 60);
	(void)external_keys_look(&keys, dir, &idp, now);
	ck_assert_uint_eq(keys.set.n, 1);
	age("keys", EXTERNAL_STALE_S + 60);
	ck_assert(external_keys_look(&keys, dir, &idp, now));
	ck_assert_uint_eq(keys.set.n, 0);
	/* a clock that was set back */
	age("try", -3600);
	ck_assert(external_fetch_begin(&one, dir, &idp, now));
	ck_assert_int_eq(external_fetch_end(&one, text), RC_OK);
	external_keys_clear(&keys);
	jwk_set_clear(&set);
}
END_TEST

UNIT_MAIN_AROUND("core/external", begin, end, UNIT(option), UNIT(files))
