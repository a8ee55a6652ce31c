#include "core/key-file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEMP_NAME ".new-%ld"

enum rc
key_dir_each(const char *dir,
    enum rc (*each)(void *ctx, const char *dir, const char *name), void *ctx)
{
	struct dirent **list;
	enum rc rc = RC_OK;
	int n = scandir(dir, &list, NULL, alphasort);

	if (n < 0)
		return fail(RC_INVALID, "%s: %s", dir, strerror(errno));
	for (int i = 0; i < n; i++) {
		if (rc == RC_OK && list[i]->d_name[0] != '.')
			rc = each(ctx, dir, list[i]->d_name);
		free(list[i]);
	}
	free(list);
	return rc;
}

static bool
write_all(int fd, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t w = write(fd, p, n);

		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0)
			return false;
		p += w;
		n -= (size_t)w;
	}
	return true;
}

bool
file_adopt(int fd, const char *dir)
{
	struct stat at, file;

	if (geteuid() != 0)
		return true;
	if (stat(dir, &at) != 0 || fstat(fd, &file) != 0)
		return false;
	if (!S_ISREG(file.st_mode) || file.st_nlink != 1) {
		errno = EPERM;
		return false;
	}
	return fchown(fd, at.st_uid, at.st_gid) == 0;
}

/* The bytes under a temporary name, on disk. */
static bool
write_temp(
    int dirfd, const char *dir, const char *temp, const void *p, size_t n)
{
	int fd;
	bool ok;

	(void)unlinkat(dirfd, temp, 0); /* left by a killed process */
	fd = openat(dirfd, temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return false;
	ok = file_adopt(fd, dir) && write_all(fd, p, n) && fsync(fd) == 0;
	return close(fd) == 0 && ok;
}

/* link(2) refuses an existing name, rename(2) replaces it. */
static bool
put_in_place(int dirfd, const char *temp, const char *name, bool replace)
{
	if (replace)
		return renameat(dirfd, temp, dirfd, name) == 0;
	return linkat(dirfd, temp, dirfd, name, 0) == 0;
}

static enum rc
store(const char *dir, const char *name, const void *p, size_t n, bool replace)
{
	int dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char temp[32];
	bool ok;
	int why;

	if (dirfd < 0)
		return fail(RC_INVALID, "%s: %s", dir, strerror(errno));
	snprintf(temp, sizeof temp, TEMP_NAME, (long)getpid());
	ok = write_temp(dirfd, dir, temp, p, n) &&
	    put_in_place(dirfd, temp, name, replace);
	why = errno;
	(void)unlinkat(dirfd, temp, 0);
	if (ok && fsync(dirfd) != 0) {
		ok = false;
		why = errno;
	}
	close(dirfd);
	if (ok)
		return RC_OK;
	return fail(why == EEXIST ? RC_CONFLICT : RC_INVALID, "%s/%s: %s", dir,
	    name, strerror(why));
}

enum rc
key_file_write(const char *dir, const char *name, const void *p, size_t n)
{
	return store(dir, name, p, n, false);
}

enum rc
key_file_replace(const char *dir, const char *name, const void *p, size_t n)
{
	return store(dir, name, p, n, true);
}

enum rc
key_file_remove(const char *dir, const char *name)
{
	int dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool ok;
	int why;

	if (dirfd < 0)
		return fail(RC_INVALID, "%s: %s", dir, strerror(errno));
	ok = unlinkat(dirfd, name, 0) == 0 && fsync(dirfd) == 0;
	why = errno;
	close(dirfd);
	if (ok)
		return RC_OK;
	return fail(why == ENOENT ? RC_NOT_FOUND : RC_INVALID, "%s/%s: %s", dir,
	    name, strerror(why));
}
