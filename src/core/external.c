#include "core/external.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "core/key-file.h"
#include "core/log.h"
#include "core/secret.h"

#define DIR_NAME  "issuers"
#define KEYS_MOST ((size_t)64 * 1024)
#define PATH_MOST (EXTERNAL_DIR_MOST + 64)
#define WORD_MOST 512

/* ---- the option ---- */

static struct str
word_next(struct str *line)
{
	struct str word;
	size_t n = 0;

	*line = str_trim(*line);
	while (n < line->n && line->p[n] != ' ' && line->p[n] != '\t')
		n++;
	word = (struct str){ line->p, n };
	line->p += n;
	line->n -= n;
	return word;
}

static bool
is_loopback(struct str url)
{
	static const char *const hosts[] = { "http://127.",
		"http://localhost:", "http://localhost/", "http://[::1]" };

	for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++)
		if (str_starts(url, str_of(hosts[i])))
			return true;
	return false;
}

static const char *
line_fault(const struct str words[3], struct str rest)
{
	for (size_t i = 0; i < 3; i++)
		if (words[i].n == 0 || words[i].n > WORD_MOST)
			return "three words: issuer, audience, URL of its keys";
	if (str_trim(rest).n > 0)
		return "more than three words";
	if (!str_starts(words[2], STR("https://")) && !is_loopback(words[2]))
		return "keys come by https, or by http from this host itself";
	return NULL;
}

static enum rc
line_read(struct str line, struct arena *a, struct external_issuers *out)
{
	struct str words[3];
	struct external_issuer *it = &out->v[out->n];
	const char *why;

	for (size_t i = 0; i < 3; i++)
		words[i] = word_next(&line);
	why = line_fault(words, line);
	if (why == NULL && out->n == EXTERNAL_MOST)
		why = "too many of them";
	for (size_t i = 0; why == NULL && i < out->n; i++)
		if (str_eq(words[0], str_of(out->v[i].name)))
			why = "an issuer twice";
	if (why != NULL)
		return fail(RC_INVALID, "%s", why);
	it->name = arena_dup(a, words[0].p, words[0].n);
	it->audience = arena_dup(a, words[1].p, words[1].n);
	it->keys_url = arena_dup(a, words[2].p, words[2].n);
	out->n++;
	return RC_OK;
}

enum rc
external_issuers_read(
    const char *lines, struct arena *a, struct external_issuers *out)
{
	out->n = 0;
	while (*lines != '\0') {
		size_t n = strcspn(lines, "\n");

		TRY(line_read((struct str){ lines, n }, a, out));
		lines += n + (lines[n] == '\n');
	}
	return RC_OK;
}

/* ---- files ---- */

/* Named by the URL, since two issuers may share one. */
static void
name_of(const struct external_issuer *it, char out[33])
{
	unsigned char hash[SHA256_SIZE];

	sha256(it->keys_url, strlen(it->keys_url), hash);
	hex_encode(hash, 16, out);
}

/* `word`: "keys" the set, "try" the time of the last fetch, "lock" who is at
 * it, "want" when somebody last asked for one. */
static void
path_of(const char *state_dir, const struct external_issuer *it,
    const char *word, char out[PATH_MOST])
{
	char name[33];

	name_of(it, name);
	snprintf(
	    out, PATH_MOST, "%s/" DIR_NAME "/%s.%s", state_dir, name, word);
}

static int64_t
time_of(
    const char *state_dir, const struct external_issuer *it, const char *word)
{
	char path[PATH_MOST];
	struct stat st;

	path_of(state_dir, it, word, path);
	return stat(path, &st) == 0 ? (int64_t)st.st_mtim.tv_sec : 0;
}

static void
directory_make(const char *state_dir, char out[EXTERNAL_DIR_MOST])
{
	snprintf(out, EXTERNAL_DIR_MOST, "%s/" DIR_NAME, state_dir);
	(void)mkdir(out, 0700);
}

/* ---- who checks tokens ---- */

void
external_keys_clear(struct external_keys *k)
{
	jwk_set_clear(&k->set);
	k->file = 0;
	memset(&k->seen, 0, sizeof k->seen);
}

static enum rc
keys_read(int fd, struct jwk_set *set)
{
	struct arena *a = arena_new(4 * KEYS_MOST);
	char *text = arena_alloc(a, KEYS_MOST + 1);
	ssize_t n = pread(fd, text, KEYS_MOST + 1, 0);
	enum rc rc = RC_INVALID;

	if (n > 0)
		rc = jwk_set_read((struct str){ text, (size_t)n }, set);
	arena_free(&a);
	return rc;
}

static bool
is_same(const struct external_keys *k, const struct stat *st)
{
	return k->file == st->st_ino &&
	    memcmp(&k->seen, &st->st_mtim, sizeof k->seen) == 0;
}

static bool
forget(struct external_keys *k)
{
	bool had = k->file != 0;

	external_keys_clear(k);
	return had;
}

static bool
keys_renew(struct external_keys *k, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;

	external_keys_clear(k);
	if (fd < 0)
		return true;
	if (fstat(fd, &st) == 0 && keys_read(fd, &k->set) == RC_OK) {
		k->file = st.st_ino;
		k->seen = st.st_mtim;
	}
	close(fd);
	return true;
}

bool
external_keys_look(struct external_keys *k, const char *state_dir,
    const struct external_issuer *it, int64_t now)
{
	char path[PATH_MOST];
	struct stat st;

	path_of(state_dir, it, "keys", path);
	if (stat(path, &st) != 0 ||
	    now - (int64_t)st.st_mtim.tv_sec > EXTERNAL_STALE_S)
		return forget(k);
	return is_same(k, &st) ? false : keys_renew(k, path);
}

/* One word is enough until the next fetch: a flood costs two stats each. */
void
external_keys_want(const char *state_dir, const struct external_issuer *it)
{
	int64_t wanted = time_of(state_dir, it, "want");
	char dir[EXTERNAL_DIR_MOST], path[PATH_MOST];
	int fd;

	if (wanted != 0 && wanted > time_of(state_dir, it, "try"))
		return;
	directory_make(state_dir, dir);
	path_of(state_dir, it, "want", path);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0 || futimens(fd, NULL) != 0)
		log_warn(NULL, "%s: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
}

/* ---- who fetches them ---- */

static bool
is_due(const char *state_dir, const struct external_issuer *it, int64_t now)
{
	int64_t tried = time_of(state_dir, it, "try");
	int64_t got = time_of(state_dir, it, "keys");

	/* A time that lies ahead is of a clock that was set back. */
	if (tried <= now && now - tried < EXTERNAL_PAUSE_S)
		return false;
	return got == 0 || got > now || now - got >= EXTERNAL_REFRESH_S ||
	    time_of(state_dir, it, "want") >= tried;
}

/* "try" is touched under the lock: who waited for it finds that out. */
static bool
claim(struct external_fetch *f, const char *state_dir,
    const struct external_issuer *it, int64_t now)
{
	char path[PATH_MOST];
	int fd;

	if (flock(f->lock, LOCK_EX | LOCK_NB) != 0 ||
	    !file_adopt(f->lock, f->dir) || !is_due(state_dir, it, now))
		return false;
	path_of(state_dir, it, "try", path);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return false;
	if (file_adopt(fd, f->dir) && futimens(fd, NULL) == 0) {
		close(fd);
		return true;
	}
	close(fd);
	return false;
}

bool
external_fetch_begin(struct external_fetch *f, const char *state_dir,
    const struct external_issuer *it, int64_t now)
{
	char path[PATH_MOST];

	if (!is_due(state_dir, it, now))
		return false;
	directory_make(state_dir, f->dir);
	name_of(it, f->name);
	path_of(state_dir, it, "lock", path);
	f->lock = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (f->lock < 0) {
		log_warn(NULL, "%s: %s", path, strerror(errno));
		return false;
	}
	if (claim(f, state_dir, it, now))
		return true;
	close(f->lock);
	f->lock = -1;
	return false;
}

static enum rc
keep(const struct external_fetch *f, struct str text)
{
	struct jwk_set set = { .n = 0 };
	char name[sizeof f->name + sizeof ".keys"];
	enum rc rc = jwk_set_read(text, &set);
	size_t n = set.n;

	jwk_set_clear(&set);
	TRY(rc);
	if (n == 0)
		return fail(RC_INVALID, "key set: no usable key");
	snprintf(name, sizeof name, "%s.keys", f->name);
	return key_file_replace(f->dir, name, text.p, text.n);
}

enum rc
external_fetch_end(struct external_fetch *f, struct str text)
{
	enum rc rc = text.n > 0 ? keep(f, text) : RC_OK;

	close(f->lock);
	f->lock = -1;
	return rc;
}
