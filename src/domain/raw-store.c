#include "domain/raw-store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/failpoint.h"

#define LEFT_SECONDS                                                           \
	86400 /* an unfinished file older than this is nobody's                \
	       */
#define HEX_SIZE (2 * SHA256_SIZE + 1)

struct raw_store {
	const char *dir;
};

static enum rc
broken(const char *what)
{
	return fail(RC_RETRY, "raw store: %s: %s", what, strerror(errno));
}

/* ---- directories ---- */

static enum rc
dir_sync(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc;

	if (fd < 0)
		return broken(path);
	rc = fsync(fd);
	close(fd);
	return rc == 0 ? RC_OK : broken(path);
}

/* Its name is on the disk before anything in it is. */
static enum rc
dir_make(const char *parent, const char *path)
{
	if (mkdir(path, 0700) == 0)
		return dir_sync(parent);
	return errno == EEXIST ? RC_OK : broken(path);
}

enum rc
raw_store_open(const struct conf *conf, int64_t account, struct arena *a,
    struct raw_store **out)
{
	struct raw_store *r = ARENA_NEW(a, struct raw_store);
	const char *all = arena_fmt(a, "%s/raw", conf->state_dir);

	r->dir = arena_fmt(a, "%s/%lld", all, (long long)account);
	TRY(dir_make(conf->state_dir, all));
	TRY(dir_make(all, r->dir));
	*out = r;
	return RC_OK;
}

static const char *
path_of(const struct raw_store *r, const unsigned char *hash, struct arena *a)
{
	char name[HEX_SIZE];

	hex_encode(hash, SHA256_SIZE, name);
	return arena_fmt(a, "%s/%s", r->dir, name);
}

/* ---- reading ---- */

struct mapping {
	void *p;
	size_t n;
};

static void
unmap(void *ctx)
{
	struct mapping *m = ctx;

	munmap(m->p, m->n);
}

/* Nobody writes to a file once it has its name. */
static struct str
map(int fd, size_t n, struct arena *a)
{
	struct mapping *m = ARENA_NEW(a, struct mapping);

	if (n == 0)
		return STR("");
	m->n = n;
	m->p = mmap(NULL, n, PROT_READ, MAP_PRIVATE, fd, 0);
	if (m->p == MAP_FAILED)
		return (struct str){ NULL, 0 };
	arena_defer(a, unmap, m);
	return (struct str){ m->p, n };
}

static struct str
file_map(const char *path, struct arena *a)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct str bytes = { NULL, 0 };
	struct stat st;

	if (fd < 0)
		return bytes;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		bytes = map(fd, (size_t)st.st_size, a);
	close(fd);
	return bytes;
}

struct str
raw_store_find(const struct raw_store *r, struct str hash, struct arena *a)
{
	struct str none = { NULL, 0 }, bytes;
	unsigned char is[SHA256_SIZE];

	if (hash.n != SHA256_SIZE)
		return none;
	bytes = file_map(path_of(r, (const unsigned char *)hash.p, a), a);
	if (bytes.p == NULL)
		return none;
	sha256(bytes.p, bytes.n, is);
	return memcmp(is, hash.p, sizeof is) == 0 ? bytes : none;
}

void
raw_store_drop(const struct raw_store *r, struct str hash, struct arena *a)
{
	if (hash.n == SHA256_SIZE)
		unlink(path_of(r, (const unsigned char *)hash.p, a));
}

void
raw_store_tidy(const struct raw_store *r, struct arena *a)
{
	DIR *dir = opendir(r->dir);
	const struct dirent *d;
	struct stat st;

	while (dir != NULL && (d = readdir(dir)) != NULL) {
		if (strncmp(d->d_name, "new-", 4) != 0 ||
		    fstatat(dirfd(dir), d->d_name, &st, AT_SYMLINK_NOFOLLOW) !=
			0 ||
		    st.st_mtim.tv_sec + LEFT_SECONDS > time(NULL))
			continue;
		unlink(arena_fmt(a, "%s/%s", r->dir, d->d_name));
	}
	if (dir != NULL)
		closedir(dir);
}

/* ---- sweeping ---- */

#define SWEEP_NAMES 500

struct sweep {
	struct raw_store store;
	int64_t account;
	raw_unused_fn *unused;
	void *ctx;
	int64_t removed;
	struct str names[SWEEP_NAMES];
	size_t n;
};

static bool
is_old(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISREG(st.st_mode) &&
	    st.st_mtim.tv_sec + LEFT_SECONDS < time(NULL);
}

static bool
is_hash(struct str name)
{
	for (size_t i = 0; i < name.n; i++)
		if (strchr("0123456789abcdef", name.p[i]) == NULL)
			return false;
	return name.n == HEX_SIZE - 1;
}

/* The same bytes may come again just now, under the same name: what has been
 * moved aside and is young is put back. */
static bool
aside_drop(const struct sweep *s, struct str name, struct arena *a)
{
	const char *path = arena_fmt(a, "%s/%.*s", s->store.dir, STR_FMT(name));
	const char *aside =
	    arena_fmt(a, "%s/new-%.*s", s->store.dir, STR_FMT(name));

	if (!is_old(path) || rename(path, aside) != 0)
		return false;
	if (is_old(aside))
		return unlink(aside) == 0;
	(void)!rename(aside, path);
	return false;
}

static enum rc
names_drop(struct sweep *s)
{
	struct arena *a = arena_new((size_t)4 << 20);
	struct texts unused;
	enum rc rc = s->n == 0
	    ? RC_OK
	    : s->unused(s->ctx, s->account, (struct texts){ s->names, s->n }, a,
		  &unused);

	for (size_t i = 0; rc == RC_OK && s->n > 0 && i < unused.n; i++)
		s->removed += aside_drop(s, unused.v[i], a);
	s->n = 0;
	arena_free(&a);
	return rc;
}

static enum rc
names_look(struct sweep *s, DIR *dir, struct arena *a)
{
	const struct dirent *d;

	while ((d = readdir(dir)) != NULL) {
		struct str name = str_of(d->d_name);

		if (!is_hash(name) ||
		    !is_old(arena_fmt(a, "%s/%s", s->store.dir, d->d_name)))
			continue;
		s->names[s->n++] =
		    (struct str){ arena_dup(a, name.p, name.n), name.n };
		if (s->n == SWEEP_NAMES)
			TRY(names_drop(s));
	}
	return names_drop(s);
}

static enum rc
account_sweep(struct sweep *s, const char *path)
{
	struct arena *a = arena_new((size_t)256 << 20);
	DIR *dir = opendir(path);
	enum rc rc = RC_OK;

	s->store = (struct raw_store){ .dir = path };
	if (dir != NULL) {
		rc = names_look(s, dir, a);
		closedir(dir);
		raw_store_tidy(&s->store, a);
	}
	arena_free(&a);
	return rc;
}

enum rc
raw_store_sweep(
    const struct conf *conf, raw_unused_fn *unused, void *ctx, int64_t *removed)
{
	struct sweep s = { .unused = unused, .ctx = ctx };
	struct arena *a = arena_new((size_t)16 << 20);
	const char *all = arena_fmt(a, "%s/raw", conf->state_dir);
	DIR *dir = opendir(all);
	const struct dirent *d;
	enum rc rc = RC_OK;
	uint64_t account;

	while (rc == RC_OK && dir != NULL && (d = readdir(dir)) != NULL) {
		if (!str_uint(str_of(d->d_name), INT64_MAX, &account))
			continue;
		s.account = (int64_t)account;
		rc = account_sweep(&s, arena_fmt(a, "%s/%s", all, d->d_name));
	}
	if (dir != NULL)
		closedir(dir);
	arena_free(&a);
	*removed = s.removed;
	return rc;
}

/* ---- writing ---- */

struct raw_file {
	const struct raw_store *store;
	struct arena *arena;
	char *path;
	int fd; /* -1: closed */
	size_t n;
	struct sha256 *sum; /* of what was written; NULL: it has been told */
};

static void
file_drop(void *ctx)
{
	struct raw_file *f = ctx;

	if (f->sum != NULL)
		sha256_end(&f->sum, NULL);
	if (f->fd < 0)
		return;
	unlink(f->path);
	close(f->fd);
}

enum rc
raw_file_new(const struct raw_store *r, struct arena *a, struct raw_file **out)
{
	struct raw_file *f = ARENA_NEW(a, struct raw_file);

	f->store = r;
	f->arena = a;
	f->path = arena_fmt(a, "%s/new-XXXXXX", r->dir);
	f->fd = mkostemp(f->path, O_CLOEXEC);
	if (f->fd < 0)
		return broken("new file");
	f->sum = sha256_new();
	arena_defer(a, file_drop, f);
	*out = f;
	return RC_OK;
}

enum rc
raw_file_write(void *ctx, const void *p, size_t n)
{
	struct raw_file *f = ctx;
	const char *at = p;

	f->n += n;
	sha256_add(f->sum, p, n);
	while (n > 0) {
		ssize_t w = write(f->fd, at, n);

		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return broken("write");
		at += w;
		n -= (size_t)w;
	}
	return RC_OK;
}

/* The bytes first, then the name, then where the name stands. */
static enum rc
file_settle(struct raw_file *f, const unsigned char *hash)
{
	FAILPOINT("raw-keep-before");
	if (fsync(f->fd) != 0)
		return broken("fsync");
	FAILPOINT("raw-keep-synced");
	if (rename(f->path, path_of(f->store, hash, f->arena)) != 0)
		return broken("rename");
	close(f->fd);
	f->fd = -1;
	FAILPOINT("raw-keep-named");
	TRY(dir_sync(f->store->dir));
	FAILPOINT("raw-keep-after");
	return RC_OK;
}

enum rc
raw_file_read(
    struct raw_file *f, unsigned char hash[SHA256_SIZE], struct str *bytes)
{
	*bytes = map(f->fd, f->n, f->arena);
	if (bytes->p == NULL)
		return broken("map");
	sha256_end(&f->sum, hash);
	return RC_OK;
}

enum rc
raw_file_keep(struct raw_file *f, struct str hash)
{
	return file_settle(f, (const unsigned char *)hash.p);
}

enum rc
raw_store_put(const struct raw_store *r, struct str bytes, struct arena *a,
    unsigned char hash[SHA256_SIZE])
{
	struct raw_file *f;
	struct str kept;

	TRY(raw_file_new(r, a, &f));
	TRY(raw_file_write(f, bytes.p, bytes.n));
	TRY(raw_file_read(f, hash, &kept));
	return file_settle(f, hash);
}
