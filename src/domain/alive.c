#include "domain/alive.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/log.h"
#include "core/secret.h"
#include "domain/delivery-sql.h"
#include "domain/job-sql.h"
#include "domain/outgoing-sql.h"
#include "domain/watcher-sql.h"

#define BOOT_SIZE  36 /* a UUID */
#define TRIES_MOST 20 /* to make a file that others take for a dead one's */

static bool
read_boot(int fd, char boot[BOOT_SIZE])
{
	return fd >= 0 && pread(fd, boot, BOOT_SIZE, 0) == BOOT_SIZE;
}

static bool
this_boot(char boot[BOOT_SIZE])
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	bool ok = read_boot(fd, boot);

	if (fd >= 0)
		close(fd);
	return ok;
}

/* ---- this worker's ---- */

void
alive_name(char out[WORKER_NAME])
{
	char host[64] = "?", own[17];
	uint64_t dice;

	gethostname(host, sizeof host - 1);
	random_bytes(&dice, sizeof dice);
	hex_encode(&dice, sizeof dice, own);
	snprintf(out, WORKER_NAME, "%s:%d:%s", host, (int)getpid(), own);
}

/* Another may find the file before it is locked, and remove it. */
static bool
is_ours(int fd)
{
	struct stat st;

	return flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &st) == 0 &&
	    st.st_nlink > 0;
}

static enum rc
file_make(const char *path, const char boot[BOOT_SIZE], int *out)
{
	for (int i = 0; i < TRIES_MOST; i++) {
		int fd =
		    open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

		if (fd < 0)
			return fail(RC_RETRY, "%s: %s", path, strerror(errno));
		if (is_ours(fd) &&
		    pwrite(fd, boot, BOOT_SIZE, 0) == BOOT_SIZE) {
			*out = fd;
			return RC_OK;
		}
		close(fd);
	}
	return fail(RC_RETRY, "%s cannot be locked", path);
}

enum rc
alive_begin(struct alive *a, const struct conf *conf, const char *worker)
{
	char boot[BOOT_SIZE];

	*a = (struct alive){ .worker = worker, .door = a->door, .lock = -1 };
	if (!this_boot(boot))
		return fail(RC_RETRY, "the kernel does not tell its boot_id");
	a->dir = arena_fmt(conf->arena, "%s/workers", conf->state_dir);
	if (mkdir(a->dir, 0700) != 0 && errno != EEXIST)
		return fail(RC_RETRY, "%s: %s", a->dir, strerror(errno));
	return file_make(
	    arena_fmt(conf->arena, "%s/%s", a->dir, worker), boot, &a->lock);
}

void
alive_end(struct alive *a)
{
	if (a->lock >= 0)
		close(a->lock);
	a->lock = -1;
}

/* ---- the dead ---- */

struct round {
	struct db *db, *door;
	const struct log *log;
	struct arena *arena;
	char boot[BOOT_SIZE];
	bool again;
};

/* `*gone`: nothing of it is left. */
static enum rc
release(struct round *r, const char *worker, bool *gone)
{
	struct dead_jobs *jobs;
	int64_t mail, told, watched;

	arena_reset(r->arena);
	TRY(job_release_dead(r->db, worker, r->arena, &jobs));
	if (jobs->released > 0)
		log_warn(r->log,
		    "a worker was killed; its jobs wait again "
		    "worker=%s jobs=%lld",
		    worker, (long long)jobs->released);
	TRY(outgoing_give_back(r->door, worker, &mail));
	if (mail > 0)
		log_warn(r->log,
		    "a worker was killed while it sent mail worker=%s n=%lld",
		    worker, (long long)mail);
	TRY(delivery_give_back(r->db, worker, &told));
	if (told > 0)
		log_warn(r->log,
		    "a worker was killed while it told webhooks worker=%s "
		    "n=%lld",
		    worker, (long long)told);
	TRY(watcher_leave(r->db, worker, &watched));
	if (watched > 0)
		log_warn(r->log,
		    "a watcher was killed; others take over worker=%s n=%lld",
		    worker, (long long)watched);
	*gone = jobs->held == 0;
	r->again |= !*gone;
	return RC_OK;
}

/* A file that is locked by us, so that nobody else asks of it meanwhile. One of
 * another boot says nothing: that job's lease ends by itself. */
static enum rc
bury(struct round *r, int dir, int fd, const char *worker)
{
	char boot[BOOT_SIZE];
	bool gone = true;

	if (read_boot(fd, boot) && memcmp(boot, r->boot, BOOT_SIZE) == 0)
		TRY(release(r, worker, &gone));
	if (gone)
		(void)unlinkat(dir, worker, 0);
	return RC_OK;
}

static enum rc
look_at(struct round *r, int dir, const char *worker)
{
	int fd = openat(dir, worker, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	enum rc rc = RC_OK;

	if (fd < 0)
		return RC_OK;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		rc = bury(r, dir, fd, worker);
	close(fd);
	return rc;
}

static enum rc
look_at_all(struct round *r, DIR *dir, const char *own)
{
	const struct dirent *e;
	enum rc rc = RC_OK;

	while (rc == RC_OK && (e = readdir(dir)) != NULL)
		if (e->d_name[0] != '.' && strcmp(e->d_name, own) != 0)
			rc = look_at(r, dirfd(dir), e->d_name);
	return rc;
}

enum rc
alive_release_dead(
    const struct alive *a, struct db *db, const struct log *log, bool *again)
{
	struct round r = { .db = db, .door = a->door, .log = log };
	DIR *dir;
	enum rc rc;

	*again = false;
	if (a->lock < 0 || !this_boot(r.boot) ||
	    (dir = opendir(a->dir)) == NULL)
		return RC_OK;
	r.arena = arena_new((size_t)64 << 10);
	rc = look_at_all(&r, dir, a->worker);
	*again = r.again;
	arena_free(&r.arena);
	closedir(dir);
	return rc;
}

/* ---- counting ---- */

static int
is_held(int dir, const char *worker)
{
	int fd = openat(dir, worker, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	int held;

	if (fd < 0)
		return errno == ENOENT ? 0 : -1;
	held = flock(fd, LOCK_SH | LOCK_NB) != 0;
	close(fd);
	return held;
}

int
alive_count(const struct conf *conf)
{
	DIR *dir =
	    opendir(arena_fmt(conf->arena, "%s/workers", conf->state_dir));
	const struct dirent *e;
	int n = 0, held = 0;

	if (dir == NULL)
		return errno == ENOENT ? 0 : -1;
	while (held >= 0 && (e = readdir(dir)) != NULL) {
		held = e->d_name[0] != '.' ? is_held(dirfd(dir), e->d_name) : 0;
		n += held;
	}
	closedir(dir);
	return held < 0 ? -1 : n;
}
