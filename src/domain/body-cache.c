#include "domain/body-cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/buffer.h"
#include "core/clock.h"

#define NAME_SIZE    (2 * SHA256_SIZE + 1)
#define FLIGHTS      "flights"
#define LEFT_SECONDS 600 /* an unfinished file older than this is nobody's */
#define LOOK_MS      20

enum rc
body_cache_open(
    const struct conf *conf, int64_t writers, struct body_cache **out)
{
	static struct body_cache cache;

	*out = &cache;
	if (cache.dir != NULL)
		return RC_OK;
	cache.total = conf->body_cache_total;
	cache.writers = writers;
	cache.added = cache.total; /* look before the first */
	cache.dir = arena_fmt(conf->arena, "%s/cache", conf->state_dir);
	if (mkdir(cache.dir, 0700) == 0 || errno == EEXIST)
		return RC_OK;
	enum rc rc = fail(RC_RETRY, "%s: %s", cache.dir, strerror(errno));
	cache.dir = NULL;
	return rc;
}

static const char *
path_of(const struct body_cache *c, const char *name, struct arena *a)
{
	return arena_fmt(a, "%s/%s", c->dir, name);
}

/* ---- mapping ---- */

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

/* A file is never written to once it is mapped, so it cannot shrink below. */
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

static bool
has_hash(struct str bytes, const unsigned char hash[SHA256_SIZE])
{
	unsigned char is[SHA256_SIZE];

	sha256(bytes.p, bytes.n, is);
	return memcmp(is, hash, sizeof is) == 0;
}

struct str
body_cache_find(struct body_cache *c, const unsigned char hash[SHA256_SIZE],
    struct arena *a)
{
	struct str none = { NULL, 0 }, bytes;
	char name[NAME_SIZE];
	struct stat st;
	int fd;

	hex_encode(hash, SHA256_SIZE, name);
	fd = open(path_of(c, name, a), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return none;
	bytes = none;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		bytes = map(fd, (size_t)st.st_size, a);
	if (bytes.p != NULL)
		futimens(fd, NULL);
	close(fd);
	if (bytes.p == NULL || has_hash(bytes, hash))
		return bytes;
	unlink(path_of(c, name, a));
	return none;
}

/* ---- throwing out ---- */

struct entry {
	struct timespec used;
	int64_t size;
	char name[NAME_SIZE];
};

static int
older(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->used.tv_sec != y->used.tv_sec)
		return x->used.tv_sec < y->used.tv_sec ? -1 : 1;
	return (x->used.tv_nsec > y->used.tv_nsec) -
	    (x->used.tv_nsec < y->used.tv_nsec);
}

static bool
is_left(const char *name, const struct stat *st)
{
	return strncmp(name, "new-", 4) == 0 &&
	    st->st_mtim.tv_sec + LEFT_SECONDS < time(NULL);
}

static void
entry_add(struct buf *list, int dir, const char *name, int64_t *sum)
{
	struct entry e = { .size = 0 };
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
	    !S_ISREG(st.st_mode))
		return;
	if (is_left(name, &st))
		unlinkat(dir, name, 0);
	if (strlen(name) != NAME_SIZE - 1)
		return;
	memcpy(e.name, name, NAME_SIZE);
	e.used = st.st_mtim;
	e.size = st.st_size;
	*sum += e.size;
	buf_add(list, &e, sizeof e);
}

static int64_t
entries_read(DIR *dir, struct buf *list)
{
	const struct dirent *d;
	int64_t sum = 0;

	while ((d = readdir(dir)) != NULL)
		entry_add(list, dirfd(dir), d->d_name, &sum);
	return sum;
}

/* Down to three quarters. Two processes that do it at once remove the same
 * files. */
static void
evict(struct body_cache *c)
{
	DIR *dir = opendir(c->dir);
	struct buf list;
	int64_t sum;

	c->added = 0;
	if (dir == NULL)
		return;
	buf_init(&list, (size_t)64 << 20);
	sum = entries_read(dir, &list);
	struct entry *v = (struct entry *)(void *)list.p;
	size_t n = list.n / sizeof *v;
	if (n > 1)
		qsort(v, n, sizeof *v, older);
	for (size_t i = 0; i < n && sum > c->total - c->total / 4; i++) {
		unlinkat(dirfd(dir), v[i].name, 0);
		sum -= v[i].size;
	}
	buf_clear(&list);
	closedir(dir);
}

/* ---- writing ---- */

struct body_file {
	struct body_cache *cache;
	struct arena *arena;
	char *path;
	int fd; /* -1: closed */
	size_t n;
};

static void
body_file_drop(void *ctx)
{
	struct body_file *f = ctx;

	if (f->fd < 0)
		return;
	unlink(f->path);
	close(f->fd);
}

static enum rc
broken(const char *what)
{
	return fail(RC_RETRY, "body cache: %s: %s", what, strerror(errno));
}

enum rc
body_file_new(struct body_cache *c, struct arena *a, struct body_file **out)
{
	struct body_file *f = ARENA_NEW(a, struct body_file);

	f->cache = c;
	f->arena = a;
	f->path = arena_fmt(a, "%s/new-XXXXXX", c->dir);
	f->fd = mkostemp(f->path, O_CLOEXEC);
	if (f->fd < 0)
		return broken("new file");
	arena_defer(a, body_file_drop, f);
	*out = f;
	return RC_OK;
}

enum rc
body_file_write(void *ctx, const void *p, size_t n)
{
	struct body_file *f = ctx;
	const char *at = p;

	f->n += n;
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

static void
file_keep(struct body_file *f, bool keep, const unsigned char hash[SHA256_SIZE])
{
	struct body_cache *c = f->cache;
	char name[NAME_SIZE];

	hex_encode(hash, SHA256_SIZE, name);
	if (!keep || rename(f->path, path_of(c, name, f->arena)) != 0) {
		unlink(f->path);
		return;
	}
	c->added += (int64_t)f->n;
	if (c->added > c->total / 4 / c->writers)
		evict(c);
}

enum rc
body_file_end(struct body_file *f, bool keep, unsigned char hash[SHA256_SIZE],
    struct str *bytes)
{
	*bytes = map(f->fd, f->n, f->arena);
	if (bytes->p == NULL)
		return broken("map");
	sha256(bytes->p, bytes->n, hash);
	file_keep(f, keep, hash);
	close(f->fd);
	f->fd = -1;
	return RC_OK;
}

/* ---- flights ---- */

static void
flight_end(void *fd)
{
	/* The lock belongs to the open file. */
	close((int)(intptr_t)fd);
}

static bool
byte_lock(int fd, int64_t at)
{
	struct flock l = { .l_type = F_WRLCK,
		.l_whence = SEEK_SET,
		.l_start = at,
		.l_len = 1 };

	return fcntl(fd, F_OFD_SETLK, &l) == 0;
}

/* F_OFD_SETLKW knows no deadline, so it is asked again and again. */
enum rc
body_cache_flight(
    struct body_cache *c, int64_t email, int64_t until, struct arena *a)
{
	const struct timespec pause = { 0, LOOK_MS * 1000000L };
	int fd =
	    open(path_of(c, FLIGHTS, a), O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		return broken(FLIGHTS);
	arena_defer(a, flight_end, (void *)(intptr_t)fd);
	while (!byte_lock(fd, email)) {
		if (clock_steady_ms() >= until)
			return fail(RC_TIMEOUT,
			    "another reader of this message is still waiting "
			    "for the mail server");
		nanosleep(&pause, NULL);
	}
	return RC_OK;
}
