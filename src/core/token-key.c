#include "core/token-key.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "core/key-file.h"

#define PREFIX    "token-"
#define SUFFIX    ".pem"
#define CURRENT   "token-current"
#define PEM_MAX   16384
#define NAME_MAX_ (sizeof PREFIX SUFFIX + JWK_KID_MAX)

struct loading {
	struct token_keys *keys;
	struct timespec newest;
};

static bool
later(struct timespec a, struct timespec b)
{
	return a.tv_sec != b.tv_sec ? a.tv_sec > b.tv_sec
				    : a.tv_nsec >= b.tv_nsec;
}

/* "token-<kid>.pem" -> kid, absent where the name is another. */
static struct str
kid_of_name(const char *name)
{
	struct str none = { NULL, 0 }, kid = str_of(name);
	size_t around = sizeof PREFIX SUFFIX - 1;

	if (kid.n <= around || !str_starts(kid, STR(PREFIX)) ||
	    strcmp(name + kid.n - (sizeof SUFFIX - 1), SUFFIX) != 0)
		return none;
	kid = (struct str){ kid.p + sizeof PREFIX - 1, kid.n - around };
	return jwk_kid_ok(kid) ? kid : none;
}

static enum rc
read_key(
    struct arena *scratch, const char *path, struct str kid, struct jwk *key)
{
	struct secret pem;

	TRY(secret_read(scratch, path, PEM_MAX, &pem));
	if (jwk_from_pem(&pem, key) != RC_OK)
		return fail(RC_INVALID, "%s: no usable key", path);
	if (!key->can_sign || !str_eq(str_of(key->kid), kid)) {
		jwk_clear(key);
		return fail(RC_INVALID,
		    "%s: not a private key, or not the one of this name", path);
	}
	return RC_OK;
}

static enum rc
load_one(void *ctx, const char *dir, const char *name)
{
	struct loading *l = ctx;
	struct jwk_set *set = &l->keys->set;
	struct str kid = kid_of_name(name);
	struct arena *scratch;
	struct stat st;
	const char *path;
	enum rc rc;

	if (kid.p == NULL)
		return RC_OK;
	if (set->n == JWK_SET_MAX)
		return fail(RC_INVALID, "%s: more than %d token keys", dir,
		    JWK_SET_MAX);
	scratch = arena_new(65536);
	path = arena_fmt(scratch, "%s/%s", dir, name);
	rc = read_key(scratch, path, kid, &set->key[set->n]);
	if (rc == RC_OK) {
		set->n++;
		if (stat(path, &st) == 0 && later(st.st_mtim, l->newest)) {
			l->newest = st.st_mtim;
			l->keys->active = set->n - 1;
		}
	}
	arena_free(&scratch);
	return rc;
}

/* What `token-current` says, where it is there. */
static enum rc
choose_active(const char *dir, struct token_keys *keys)
{
	struct arena *scratch = arena_new(8192);
	const char *path = arena_fmt(scratch, "%s/" CURRENT, dir);
	const struct jwk *named = NULL;
	struct secret text;
	struct stat st;
	enum rc rc = RC_OK;

	if (stat(path, &st) == 0) {
		rc = secret_read(scratch, path, 2 * JWK_KID_MAX, &text);
		if (rc == RC_OK)
			named = jwk_set_find(&keys->set,
			    str_trim((struct str){ (char *)text.p, text.n }));
		if (rc == RC_OK && named == NULL)
			rc = fail(RC_INVALID, "%s: names no key", path);
		if (named != NULL)
			keys->active = (size_t)(named - keys->set.key);
	}
	arena_free(&scratch);
	return rc;
}

enum rc
token_keys_load(const char *dir, struct token_keys *keys)
{
	struct loading l = { .keys = keys };
	struct stat st;
	enum rc rc;

	memset(keys, 0, sizeof *keys);
	/* Before the reading: a change meanwhile is then seen next time. */
	if (stat(dir, &st) != 0)
		return fail(RC_INVALID, "%s: %s", dir, strerror(errno));
	rc = key_dir_each(dir, load_one, &l);
	if (rc == RC_OK && keys->set.n == 0)
		rc = fail(RC_INVALID,
		    "%s: no token key; make one with letterrackctl init, or "
		    "letterrackctl key generate token",
		    dir);
	if (rc == RC_OK)
		rc = choose_active(dir, keys);
	if (rc != RC_OK)
		token_keys_clear(keys);
	keys->seen = st.st_mtim;
	return rc;
}

void
token_keys_clear(struct token_keys *keys)
{
	jwk_set_clear(&keys->set);
	memset(keys, 0, sizeof *keys);
}

bool
token_keys_changed(const struct token_keys *keys, const char *dir)
{
	struct stat st;

	return stat(dir, &st) == 0 &&
	    (st.st_mtim.tv_sec != keys->seen.tv_sec ||
		st.st_mtim.tv_nsec != keys->seen.tv_nsec);
}

/* Of keys that were loaded: there is one. */
static const struct jwk *
signing(const struct token_keys *keys)
{
	return &keys->set.key[keys->active];
}

const struct jwk *
token_keys_active(const struct token_keys *keys)
{
	return keys->set.n > 0 ? signing(keys) : NULL;
}

static void
file_name(struct str kid, char out[NAME_MAX_])
{
	snprintf(out, NAME_MAX_, PREFIX "%.*s" SUFFIX, STR_FMT(kid));
}

static enum rc
count_key(void *ctx, const char *dir, const char *name)
{
	size_t *n = ctx;

	(void)dir;
	*n += kid_of_name(name).p != NULL;
	return RC_OK;
}

enum rc
token_key_generate(const char *dir, enum jwk_alg alg, char kid[JWK_KID_MAX + 1])
{
	struct arena *scratch;
	struct secret pem;
	struct jwk key;
	char name[NAME_MAX_];
	size_t others = 0;
	enum rc rc;

	TRY(key_dir_each(dir, count_key, &others));
	if (others >= JWK_SET_MAX)
		return fail(RC_CONFLICT,
		    "%s: has %zu token keys already; "
		    "retire one first",
		    dir, others);
	scratch = arena_new(65536);
	jwk_generate(alg, &key);
	memcpy(kid, key.kid, sizeof key.kid);
	pem = jwk_to_pem(&key, scratch);
	file_name(str_of(kid), name);
	rc = key_file_write(dir, name, pem.p, pem.n);
	jwk_clear(&key);
	arena_free(&scratch);
	if (rc == RC_OK && others == 0)
		rc = token_key_activate(dir, str_of(kid));
	return rc;
}

enum rc
token_key_activate(const char *dir, struct str kid)
{
	struct token_keys keys;
	char line[JWK_KID_MAX + 2];
	bool known;
	int n;

	/* A wrong `token-current` must not keep from writing a right one. */
	if (token_keys_load(dir, &keys) == RC_OK) {
		known = jwk_set_find(&keys.set, kid) != NULL;
		token_keys_clear(&keys);
		if (!known)
			return fail(RC_NOT_FOUND, "%s: no such token key", dir);
	}
	if (!jwk_kid_ok(kid))
		return fail(RC_NOT_FOUND, "%s: no such token key", dir);
	n = snprintf(line, sizeof line, "%.*s\n", STR_FMT(kid));
	return key_file_replace(dir, CURRENT, line, (size_t)n);
}

enum rc
token_key_retire(const char *dir, struct str kid)
{
	struct token_keys keys;
	const struct jwk *key;
	char name[NAME_MAX_];
	bool active;

	TRY(token_keys_load(dir, &keys));
	key = jwk_set_find(&keys.set, kid);
	active = key != NULL && key == signing(&keys);
	token_keys_clear(&keys);
	if (key == NULL)
		return fail(RC_NOT_FOUND, "%s: no such token key", dir);
	if (active)
		return fail(RC_CONFLICT,
		    "this key signs; activate another "
		    "one first");
	file_name(kid, name);
	return key_file_remove(dir, name);
}

/* ---- rotation ---- */

#define PATH_MOST 512

static struct timespec
file_time(const char *dir, const char *name)
{
	char path[PATH_MOST];
	struct stat st = { .st_mtim = { 0, 0 } };

	snprintf(path, sizeof path, "%s/%s", dir, name);
	(void)stat(path, &st);
	return st.st_mtim;
}

static struct timespec
key_time(const char *dir, const struct jwk *key)
{
	char name[NAME_MAX_];

	file_name(str_of(key->kid), name);
	return file_time(dir, name);
}

/* What a rotation finds: a key that has not signed yet, one that signs no
 * more, and since when. */
struct rotation {
	const struct jwk *waiting, *old; /* NULL: none */
	int64_t since;                   /* of the step before */
};

static struct rotation
rotation_look(const char *dir, const struct token_keys *keys)
{
	const struct jwk *active = signing(keys);
	struct timespec from = key_time(dir, active);
	struct rotation r = { .since = file_time(dir, CURRENT).tv_sec };

	for (size_t i = 0; i < keys->set.n; i++) {
		const struct jwk *key = &keys->set.key[i];
		struct timespec t = key_time(dir, key);

		if (key == active)
			continue;
		if (later(from, t)) {
			r.old = key;
			continue;
		}
		r.waiting = key;
		r.since = t.tv_sec;
	}
	return r;
}

static enum rc
rotation_step(const char *dir, const struct rotation *r, enum token_step *step,
    char kid[JWK_KID_MAX + 1])
{
	const struct jwk *key = r->waiting != NULL ? r->waiting : r->old;

	if (key == NULL) {
		*step = TOKEN_GENERATED;
		return token_key_generate(dir, JWK_RS256, kid);
	}
	memcpy(kid, key->kid, sizeof key->kid);
	if (key == r->waiting) {
		*step = TOKEN_ACTIVATED;
		return token_key_activate(dir, str_of(kid));
	}
	*step = TOKEN_RETIRED;
	return token_key_retire(dir, str_of(kid));
}

enum rc
token_key_rotate(const char *dir, int64_t now, int64_t wait,
    enum token_step *step, char kid[JWK_KID_MAX + 1])
{
	struct token_keys keys;
	struct rotation r;
	enum rc rc = RC_OK;

	*step = TOKEN_WAITING;
	TRY(token_keys_load(dir, &keys));
	r = rotation_look(dir, &keys);
	if (now - r.since >= wait)
		rc = rotation_step(dir, &r, step, kid);
	else if (r.waiting != NULL || r.old != NULL)
		memcpy(kid, (r.waiting != NULL ? r.waiting : r.old)->kid,
		    JWK_KID_MAX + 1);
	else
		memcpy(kid, signing(&keys)->kid, JWK_KID_MAX + 1);
	token_keys_clear(&keys);
	return rc;
}
