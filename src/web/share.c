#include "web/share.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define SHARES_MOST 32 /* WAITING * workers_scale / 2 at most */

static void
share_release(void *fd)
{
	/* The lock belongs to the open file. */
	close((int)(intptr_t)fd);
}

static int
share_file(struct request *rq)
{
	const char *path = arena_fmt(
	    rq->arena, "%s/share-%s", rq->conf->run_dir, rq->family->name);

	return open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
}

static int64_t
half(const struct request *rq)
{
	int64_t n = (int64_t)rq->family->pool * rq->conf->workers_scale / 2;

	if (n < 1)
		return 1;
	return n > SHARES_MOST ? SHARES_MOST : n;
}

static bool
lock_byte(int fd, int64_t at)
{
	struct flock l = { .l_type = F_WRLCK,
		.l_whence = SEEK_SET,
		.l_start = at,
		.l_len = 1 };

	return fcntl(fd, F_OFD_SETLK, &l) == 0;
}

enum rc
share_take(struct request *rq)
{
	/* Another account at the same bytes, 2^58 ids on, shares with it. */
	int64_t base = (rq->actor.account & (INT64_MAX >> 6)) * SHARES_MOST;
	int fd;

	if (rq->has_share)
		return RC_OK;
	fd = share_file(rq);
	if (fd < 0)
		return fail(RC_RETRY, "no share file: %s", strerror(errno));
	arena_defer(rq->arena, share_release, (void *)(intptr_t)fd);
	for (int64_t i = 0; i < half(rq) && !rq->has_share; i++)
		rq->has_share = lock_byte(fd, base + i);
	if (rq->has_share)
		return RC_OK;
	rq->retry_after = 2;
	return fail(RC_RETRY, "account %lld has its half of the family",
	    (long long)rq->actor.account);
}
